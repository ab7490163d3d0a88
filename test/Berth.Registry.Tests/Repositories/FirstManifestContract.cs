using System.Net;
using System.Text;
using Berth.Oci;
using Berth.Registry.Accounts;
using Berth.Registry.Browsing;
using Berth.Registry.Collection;
using Berth.Registry.Model;
using Berth.Registry.Repositories;
using Berth.Registry.Tests.Hosting;
using Berth.Registry.Tests.Pages;
using Microsoft.Extensions.Time.Testing;

namespace Berth.Registry.Tests.Repositories;

/// <summary>A repository comes into being with its first manifest: what is sent before it, and may never be followed by one, makes none.</summary>
public abstract class FirstManifestContract(PagesHub hub)
{
    private static int s_names;

    [Theory]
    [InlineData("begun"), InlineData("cancelled"), InlineData("wrong digest"), InlineData("blob"), InlineData("mount"), InlineData("manifest refused")]
    public async Task UploadThatNoManifestFollows_MakesNoRepository(string what)
    {
        string name = NewName();
        HubFigures before = await HubFigures.CountAsync(hub.Services.Database, default);
        using HttpClient bob = hub.Client("bob");
        await SendAsync(bob, name, what);
        foreach (string? user in new[] { "bob", "alice", "carol", null })
        {
            using HttpClient client = hub.Client(user);
            foreach (string list in new[] { "/v2/_catalog", $"/api/v1/repositories?q={name.Split('/')[1]}", $"/v1/search?q={name.Split('/')[1]}",
                "/api/v1/repositories?owner=bob", "/search?owner=bob", $"/search?q={name.Split('/')[1]}", "/u/bob" })
                Assert.DoesNotContain($"{name}\"", await TextAsync(client, list), StringComparison.Ordinal);
            Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(client, $"/r/{name}"));
            Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(client, $"/api/v1/repositories/{name}"));
            // As of a name that nothing was ever sent to.
            Assert.Equal(await StatusAsync(client, $"/v2/{name}x/tags/list"), await StatusAsync(client, $"/v2/{name}/tags/list"));
        }
        Assert.Equal(before.Repositories, (await HubFigures.CountAsync(hub.Services.Database, default)).Repositories);
        await CollectLaterAsync();
        Assert.Equal(0, await CountAsync(name));
    }

    [Fact]
    public async Task Blob_BeforeTheManifest_IsReadByWhoMayPush_AndByNobodyElse()
    {
        string name = NewName();
        using HttpClient bob = hub.Client("bob");
        Digest digest = await PushBlobAsync(bob, name, "secret " + name);
        Assert.Equal("secret " + name, await bob.GetStringAsync(Path($"/v2/{name}/blobs/{digest}")));
        foreach (string? user in new[] { "carol", null })
        {
            using HttpClient client = hub.Client(user);
            Assert.Equal(await StatusAsync(client, $"/v2/{name}x/blobs/{digest}"), await StatusAsync(client, $"/v2/{name}/blobs/{digest}"));
            using HttpResponseMessage mounted = await client.PostAsync(
                Path($"/v2/carol/other/blobs/uploads/?mount={digest}&from={name}"), null);
            Assert.NotEqual(HttpStatusCode.Created, mounted.StatusCode);
        }
    }

    [Fact]
    public async Task FirstManifest_MakesIt_WithTheVisibilityOfTheSettings()
    {
        string name = NewName();
        await hub.PushAsync(name, "v1", name, "bob");
        RepositorySummary made = (await hub.Services.Browsing.Search.TryGetAsync(RepositoryName.Parse(name), default))!;
        Assert.Equal(hub.Services.Options.NewRepositories, made.IsPrivate ? "private" : "public");
        using HttpClient carol = hub.Client("carol");
        Assert.Equal(made.IsPrivate ? HttpStatusCode.NotFound : HttpStatusCode.OK, await StatusAsync(carol, $"/r/{name}"));
        Assert.Equal(!made.IsPrivate, (await TextAsync(carol, "/v2/_catalog")).Contains($"\"{name}\"", StringComparison.Ordinal));
        using HttpClient bob = hub.Client("bob");
        Assert.Contains(name, await TextAsync(bob, $"/api/v1/repositories?q={name.Split('/')[1]}"), StringComparison.Ordinal);
        Assert.Contains(name, await TextAsync(bob, "/api/v1/repositories?owner=bob"), StringComparison.Ordinal);
        // It stays also when nothing is in it any more.
        using HttpResponseMessage deleted = await bob.DeleteAsync(Path($"/v2/{name}/manifests/v1"));
        Assert.Equal(HttpStatusCode.Accepted, deleted.StatusCode);
        await CollectLaterAsync();
        Assert.Equal(1, await CountAsync(name));
    }

    [Fact]
    public async Task Creators_AtOnce_MakeOne()
    {
        string name = NewName();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
        {
            if (i % 4 == 3)
                await new Collector(hub.Services.Database, hub.Services.Storage, TimeProvider.System, hub.Services.Options).RunAsync(default);
            else
                await hub.PushAsync(name, $"v{i}", $"{name} {i % 2}", "bob");
        })));
        Assert.Equal(1, await CountAsync(name));
        using HttpClient bob = hub.Client("bob");
        Assert.Contains("\"v0\",\"v1\",\"v2\",\"v4\",\"v5\",\"v6\"", await TextAsync(bob, $"/v2/{name}/tags/list"), StringComparison.Ordinal);
        Assert.Equal(
            await hub.Services.Database.ReadAsync((transaction, token) => QuotaTable.CountAsync(transaction, "bob", token), default),
            (await hub.Services.Database.ReadAsync((transaction, token) => QuotaTable.FindAsync(transaction, "bob", token), default)).BytesUsed);
    }

    [Fact]
    public async Task MadeByHand_WhileAnUploadGoesOn_IsAsItWasMade()
    {
        string name = NewName();
        using HttpClient bob = hub.Client("bob");
        string location = await BeginAsync(bob, name);
        RepositoryChange wanted = new() { IsPrivate = true, Description = "by hand" };
        await hub.Services.Browsing.Settings.CreateAsync(hub.Alice, RepositoryName.Parse(name), wanted, default);
        Digest digest = HubRig.DigestOf("late");
        using HttpResponseMessage end = await bob.PutAsync(Path($"{location}?digest={digest}"), new StringContent("late"));
        Assert.Equal(HttpStatusCode.Created, end.StatusCode);
        await hub.PushAsync(name, "v1", "by hand", "bob");
        RepositorySummary made = (await hub.Services.Browsing.Search.TryGetAsync(RepositoryName.Parse(name), default))!;
        Assert.Equal((true, "by hand"), (made.IsPrivate, made.Description));
    }

    [Fact]
    public async Task User_WhoBeganToPush_IsRemoved_WithWhatWasSent()
    {
        string user = $"guest{Interlocked.Increment(ref s_names)}";
        await hub.Services.Accounts.Users.CreateAsync(hub.Alice, new NewUser(user, PagesHub.Password), default);
        using HttpClient client = hub.Client(user);
        await PushBlobAsync(client, $"{user}/app", "what a guest sent");
        await BeginAsync(client, $"{user}/app");
        await hub.Services.Accounts.Users.RemoveAsync(hub.Alice, user, default);
        Assert.Equal(0, await CountAsync($"{user}/app"));
        Assert.Equal(0, (await hub.Services.Database.ReadAsync(
            (transaction, token) => QuotaTable.FindAsync(transaction, user, token), default)).BytesUsed);
    }

    private static string NewName() => $"bob/first{Interlocked.Increment(ref s_names)}q{Guid.NewGuid():N}";

    private async Task SendAsync(HttpClient client, string name, string what)
    {
        switch (what)
        {
            case "begun":
                await BeginAsync(client, name);
                break;
            case "cancelled":
                using (HttpResponseMessage cancelled = await client.DeleteAsync(Path(await BeginAsync(client, name))))
                    Assert.Equal(HttpStatusCode.NoContent, cancelled.StatusCode);
                break;
            case "wrong digest":
                using (HttpResponseMessage refused = await client.PostAsync(
                    Path($"/v2/{name}/blobs/uploads/?digest={HubRig.DigestOf("one")}"), new StringContent("other")))
                    Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
                break;
            case "blob":
                await PushBlobAsync(client, name, "alone");
                break;
            case "mount":
                string source = NewName();
                await hub.PushAsync(source, "v1", source, "bob");
                using (HttpResponseMessage mounted = await client.PostAsync(
                    Path($"/v2/{name}/blobs/uploads/?mount={HubRig.DigestOf("base")}&from={source}"), null))
                    Assert.Equal(HttpStatusCode.Created, mounted.StatusCode);
                await hub.Services.Browsing.Settings.DeleteAsync(hub.Alice, RepositoryName.Parse(source), default);
                break;
            default:
                using (HttpResponseMessage refused = await PagesHub.PutAsync(client, name, "v1", HubRig.Image(HubRig.DigestOf("nowhere"))))
                    Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
                break;
        }
    }

    private static async Task<string> BeginAsync(HttpClient client, string name)
    {
        using HttpResponseMessage begun = await client.PostAsync(Path($"/v2/{name}/blobs/uploads/"), null);
        Assert.Equal(HttpStatusCode.Accepted, begun.StatusCode);
        return begun.Headers.Location!.ToString();
    }

    private static async Task<Digest> PushBlobAsync(HttpClient client, string name, string content)
    {
        Digest digest = HubRig.DigestOf(content);
        using HttpResponseMessage pushed = await client.PostAsync(
            Path($"/v2/{name}/blobs/uploads/?digest={digest}"), new ByteArrayContent(Encoding.UTF8.GetBytes(content)));
        Assert.Equal(HttpStatusCode.Created, pushed.StatusCode);
        return digest;
    }

    // When all that is unused has become old.
    private async Task CollectLaterAsync() => await new Collector(
        hub.Services.Database, hub.Services.Storage, new FakeTimeProvider(DateTimeOffset.UtcNow.AddDays(30)), hub.Services.Options)
        .RunAsync(default);

    private Task<long?> CountAsync(string name) => hub.Services.Database.ReadAsync(
        (transaction, token) => transaction.NumberAsync($"select count(*) from repositories where name = {name}", token), default);

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, string path)
    {
        using HttpResponseMessage answer = await client.GetAsync(Path(path));
        return answer.StatusCode;
    }

    private static async Task<string> TextAsync(HttpClient client, string path)
    {
        using HttpResponseMessage answer = await client.GetAsync(Path(path));
        return await answer.Content.ReadAsStringAsync();
    }

    private static Uri Path(string path) => new(path, UriKind.Relative);
}

public sealed class FirstManifestTests(PagesHub hub) : FirstManifestContract(hub), IClassFixture<PagesHub>;

public sealed class FirstManifestOnPostgreSqlTests(PostgreSqlPagesHub hub)
    : FirstManifestContract(hub), IClassFixture<PostgreSqlPagesHub>;

public sealed class FirstManifestOfPrivateRepositoriesTests(PrivatePagesHub hub)
    : FirstManifestContract(hub), IClassFixture<PrivatePagesHub>;

/// <summary>A hub whose new repositories are private.</summary>
public sealed class PrivatePagesHub : PagesHub
{
    protected override string NewRepositories => "private";
}
