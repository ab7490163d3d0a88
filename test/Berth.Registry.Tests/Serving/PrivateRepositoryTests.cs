using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Berth.Registry.Accounts;
using Berth.Registry.Tokens;

namespace Berth.Registry.Tests.Serving;

/// <summary>F4: who may not pull a private repository learns nothing of it, whatever is asked.</summary>
public sealed class PrivateRepositoryTests : IAsyncLifetime
{
    private static readonly AuthenticationHeaderValue s_alice = RunningHub.Basic("alice");
    private static readonly AuthenticationHeaderValue s_bob = RunningHub.Basic("bob");

    private RunningHub _hub = null!;
    private UserAccount _alice = null!;
    private string _manifest = "";
    private string _layer = "";

    public async ValueTask InitializeAsync()
    {
        _hub = await RunningHub.StartAsync(options => options with { NewRepositories = "private" });
        _alice = await _hub.UserAsync("alice");
        await _hub.UserAsync("bob");
        (_manifest, _layer) = await _hub.PushAsync("alice/app", "latest", "secret layer", s_alice);
    }

    public ValueTask DisposeAsync() => _hub.DisposeAsync();

    [Fact]
    public async Task Owner_Pulls()
    {
        using HttpResponseMessage manifest = await _hub.SendAsync(HttpMethod.Get, "/v2/alice/app/manifests/latest", s_alice);
        Assert.Equal((HttpStatusCode.OK, _manifest), (manifest.StatusCode, manifest.Headers.GetValues("Docker-Content-Digest").Single()));
        using HttpResponseMessage layer = await _hub.SendAsync(HttpMethod.Get, $"/v2/alice/app/blobs/{_layer}", s_alice);
        Assert.Equal("secret layer", await layer.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("GET", "manifests/latest")]
    [InlineData("HEAD", "manifests/latest")]
    [InlineData("GET", "manifests/{manifest}")]
    [InlineData("GET", "blobs/{layer}")]
    [InlineData("HEAD", "blobs/{layer}")]
    [InlineData("GET", "tags/list")]
    [InlineData("GET", "referrers/{manifest}")]
    [InlineData("POST", "blobs/uploads/")]
    [InlineData("DELETE", "manifests/latest")]
    [InlineData("DELETE", "blobs/{layer}")]
    [InlineData("PUT", "manifests/latest")]
    public async Task Stranger_GetsTheAnswerForAnUnknownName(string method, string path)
    {
        string real = path.Replace("{manifest}", _manifest, StringComparison.Ordinal).Replace("{layer}", _layer, StringComparison.Ordinal);
        foreach (AuthenticationHeaderValue? who in new[] { s_bob, null })
        {
            using HttpResponseMessage there = await _hub.SendAsync(new HttpMethod(method), $"/v2/alice/app/{real}", who);
            using HttpResponseMessage unknown = await _hub.SendAsync(new HttpMethod(method), $"/v2/alice/xyz/{real}", who);
            Assert.Equal(unknown.StatusCode, there.StatusCode);
            Assert.Equal(await unknown.Content.ReadAsStringAsync(), await there.Content.ReadAsStringAsync());
            Assert.Equal(
                unknown.Headers.WwwAuthenticate.ToString().Replace("xyz", "app", StringComparison.Ordinal), there.Headers.WwwAuthenticate.ToString());
            Assert.True(there.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.NotFound, there.StatusCode.ToString());
        }
    }

    [Fact]
    public async Task Catalog_ListsWhatTheCallerMaySee()
    {
        await _hub.PushAsync("bob/app", "latest", "another layer", s_bob);
        Assert.Equal(["alice/app"], await CatalogAsync(s_alice));
        Assert.Equal(["bob/app"], await CatalogAsync(s_bob));
        Assert.Equal(["bob/app"], await CatalogAsync(await BearerAsync("bob", "registry:catalog:*")));
        // A token for the list opens nothing of it.
        using HttpResponseMessage manifest = await _hub.SendAsync(
            HttpMethod.Get, "/v2/bob/app/manifests/latest", await BearerAsync("bob", "registry:catalog:*"));
        Assert.Equal(HttpStatusCode.Unauthorized, manifest.StatusCode);
    }

    [Fact]
    public async Task Mount_FromAPrivateRepository_GivesNothing()
    {
        using HttpResponseMessage stranger = await _hub.SendAsync(
            HttpMethod.Post, $"/v2/bob/app/blobs/uploads/?mount={_layer}&from=alice/app", s_bob);
        Assert.Equal(HttpStatusCode.Accepted, stranger.StatusCode);
        using HttpResponseMessage blind = await _hub.SendAsync(HttpMethod.Post, $"/v2/bob/app/blobs/uploads/?mount={_layer}", s_bob);
        Assert.Equal(HttpStatusCode.Accepted, blind.StatusCode);
        using HttpResponseMessage blob = await _hub.SendAsync(HttpMethod.Get, $"/v2/bob/app/blobs/{_layer}", s_bob);
        Assert.Equal(HttpStatusCode.NotFound, blob.StatusCode);
        using HttpResponseMessage owner = await _hub.SendAsync(
            HttpMethod.Post, $"/v2/alice/other/blobs/uploads/?mount={_layer}&from=alice/app", s_alice);
        Assert.Equal(HttpStatusCode.Created, owner.StatusCode);
    }

    [Fact]
    public async Task BearerToken_WithoutTheScope_IsToldToAskForIt()
    {
        AuthenticationHeaderValue pull = await BearerAsync("alice", "repository:alice/app:pull");
        using HttpResponseMessage manifest = await _hub.SendAsync(HttpMethod.Get, "/v2/alice/app/manifests/latest", pull);
        Assert.Equal(HttpStatusCode.OK, manifest.StatusCode);
        using HttpResponseMessage push = await _hub.SendAsync(HttpMethod.Post, "/v2/alice/app/blobs/uploads/", pull);
        Assert.Equal(HttpStatusCode.Unauthorized, push.StatusCode);
        string challenge = push.Headers.WwwAuthenticate.ToString();
        Assert.Contains("scope=\"repository:alice/app:", challenge);
        Assert.Contains("push", challenge);
        Assert.Contains("error=\"insufficient_scope\"", challenge);
        AuthenticationHeaderValue both = await BearerAsync("alice", "repository:alice/app:pull,push");
        using HttpResponseMessage pushed = await _hub.SendAsync(HttpMethod.Post, "/v2/alice/app/blobs/uploads/", both);
        Assert.Equal(HttpStatusCode.Accepted, pushed.StatusCode);
    }

    [Fact]
    public async Task NarrowedToken_LearnsNothingOfItsOwnersOtherRepositories()
    {
        (_, string secret) = await _hub.Services.Accounts.Secrets.CreateTokenAsync(
            RunningHub.Operator, SecretKind.Personal, _alice.Id, "ci", TokenScopes.Parse(["alice/other:pull,push"]), null, default);
        AuthenticationHeaderValue bearer = await BearerAsync("alice", "repository:alice/app:pull", secret);
        foreach (AuthenticationHeaderValue who in new[] { RunningHub.Basic("alice", secret), bearer })
        {
            using HttpResponseMessage there = await _hub.SendAsync(HttpMethod.Get, "/v2/alice/app/manifests/latest", who);
            using HttpResponseMessage unknown = await _hub.SendAsync(HttpMethod.Get, "/v2/alice/xyz/manifests/latest", who);
            Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.NotFound), (there.StatusCode, unknown.StatusCode));
            Assert.Equal(await unknown.Content.ReadAsStringAsync(), await there.Content.ReadAsStringAsync());
        }
    }

    [Fact]
    public async Task PushesAndDeletions_StandInTheAuditLog()
    {
        using HttpResponseMessage tag = await _hub.SendAsync(HttpMethod.Delete, "/v2/alice/app/manifests/latest", s_alice);
        using HttpResponseMessage manifest = await _hub.SendAsync(HttpMethod.Delete, $"/v2/alice/app/manifests/{_manifest}", s_alice);
        using HttpResponseMessage refused = await _hub.SendAsync(HttpMethod.Delete, $"/v2/alice/app/manifests/{_manifest}", s_bob);
        Assert.Equal(
            [("manifest.delete", "alice", _manifest), ("tag.delete", "alice", $"latest {_manifest}"), ("tag.push", "alice", $"latest {_manifest}")],
            (await _hub.Services.Accounts.Audit.ListAsync(new() { Subject = "alice/app" }, null, 10, default))
                .Select(entry => (entry.Action, entry.Actor, entry.Details)));
    }

    [Fact]
    public async Task MadePublic_IsPulledByAnybody()
    {
        await _hub.Services.Database.WriteAsync(
            (transaction, token) => transaction.ExecuteAsync($"update repositories set visibility = 'public' where name = 'alice/app'", token), default);
        using HttpResponseMessage manifest = await _hub.SendAsync(HttpMethod.Get, "/v2/alice/app/manifests/latest");
        Assert.Equal(HttpStatusCode.OK, manifest.StatusCode);
        using HttpResponseMessage push = await _hub.SendAsync(HttpMethod.Post, "/v2/alice/app/blobs/uploads/", s_bob);
        Assert.Equal(HttpStatusCode.Forbidden, push.StatusCode);
        using HttpResponseMessage delete = await _hub.SendAsync(HttpMethod.Delete, "/v2/alice/app/manifests/latest", s_bob);
        Assert.Equal(HttpStatusCode.Forbidden, delete.StatusCode);
    }

    private async Task<string[]> CatalogAsync(AuthenticationHeaderValue who)
    {
        (_, JsonElement body, _) = await _hub.GetAsync("/v2/_catalog", who);
        return [.. body.GetProperty("repositories").EnumerateArray().Select(name => name.GetString()!)];
    }

    private async Task<AuthenticationHeaderValue> BearerAsync(string user, string scope, string password = RunningHub.Password)
    {
        (_, JsonElement body, _) = await _hub.GetAsync($"/auth/token?service=berth-hub&scope={scope}", RunningHub.Basic(user, password));
        return new AuthenticationHeaderValue("Bearer", body.GetProperty("token").GetString());
    }
}
