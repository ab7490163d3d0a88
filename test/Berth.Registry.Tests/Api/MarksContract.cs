using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Berth.Faults;
using Berth.Registry.Accounts;
using Berth.Registry.Browsing;
using Berth.Registry.Model;
using Berth.Registry.Tests.Pages;

namespace Berth.Registry.Tests.Api;

/// <summary>Official repositories and verified publishers over HTTP, on both databases: who gives marks, where they show, when they
/// end.</summary>
public abstract class MarksContract(PagesHub hub)
{
    private const string Marks = "/api/v1/admin/marks";

    [Fact]
    public async Task Official_IsGivenByAdministrators_ShownAndTakenBack()
    {
        await MakeAsync("officialone", "markedword");
        string other = await hub.NewRepositoryAsync("bob", description: "markedword");
        for (int pulls = 0; pulls < 3; pulls++)
            await hub.PushAsync(other, "v1", "popular");
        Assert.Equal(HttpStatusCode.NoContent, await StatusAsync("alice", HttpMethod.Put, $"{Marks}/official/officialone"));
        // Again is the same as once, also in the audit log.
        Assert.Equal(HttpStatusCode.NoContent, await StatusAsync("alice", HttpMethod.Put, $"{Marks}/official/officialone"));
        Assert.Contains("official officialone", await ListAsync());

        await ExecuteAsync($"update repositories set pull_count = 1000 where name = {other}");
        JsonElement found = await GetAsync("/api/v1/repositories?q=markedword");
        Assert.Equal(["officialone", other], Names(found));
        Assert.Equal([true, false], found.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("official").GetBoolean()));
        Assert.Equal([other, "officialone"], Names(await GetAsync("/api/v1/repositories?q=markedword&sort=popular")));
        Assert.Equal(["officialone"], Names(await GetAsync("/api/v1/repositories?q=markedword&is=official")));
        Assert.Equal(["officialone"], Names(await GetAsync("/api/v1/repositories?q=markedword+is:official&sort=updated")));
        Assert.True((await GetAsync("/api/v1/repositories/officialone")).GetProperty("official").GetBoolean());

        // Docker's clients filter what they got: the first of the answer, however short it is, is the official one.
        JsonElement results = (await GetAsync("/v1/search?q=markedword&n=1")).GetProperty("results");
        Assert.Equal(("officialone", true), (results[0].GetProperty("name").GetString(), results[0].GetProperty("is_official").GetBoolean()));
        Assert.False((await GetAsync("/v1/search?q=markedword")).GetProperty("results")[1].GetProperty("is_official").GetBoolean());

        Assert.Equal(HttpStatusCode.NoContent, await StatusAsync("alice", HttpMethod.Delete, $"{Marks}/official/officialone"));
        Assert.DoesNotContain("official officialone", await ListAsync());
        Assert.Empty(Names(await GetAsync("/api/v1/repositories?q=markedword&is=official")));
        Assert.Equal(["mark.unset official", "mark.set official"], await AuditAsync("officialone", "mark."));
    }

    [Fact]
    public async Task Verified_IsAMarkOfAllRepositoriesOfAnAccount()
    {
        await hub.Services.Accounts.Organisations.CreateAsync(hub.Alice, "knownlab", "", "bob", default);
        string before = await hub.NewRepositoryAsync("knownlab", description: "labword");
        Assert.Equal(HttpStatusCode.NoContent, await StatusAsync("alice", HttpMethod.Put, $"{Marks}/verified/knownlab"));
        string after = await hub.NewRepositoryAsync("knownlab", description: "labword");
        string hidden = await hub.NewRepositoryAsync("knownlab", isPrivate: true, description: "labword");
        Assert.Equal(new[] { before, after }.Order(), Names(await GetAsync("/api/v1/repositories?q=is:verified+labword")).Order());
        Assert.Equal(new[] { before, after }.Order(), Names(await GetAsync("/api/v1/repositories?is=verified&owner=knownlab")).Order());
        // Private ones by those alone who see them.
        foreach ((string? user, int count) in new[] { (null, 2), ("carol", 2), ("bob", 3), ("alice", 3) })
            Assert.Equal(count, Names(await GetAsync("/api/v1/repositories?is=verified&owner=knownlab", user)).Count);
        Assert.True((await GetAsync($"/api/v1/repositories/{hidden}", "bob")).GetProperty("verifiedPublisher").GetBoolean());
        Assert.False((await GetAsync($"/api/v1/repositories/{before}")).GetProperty("official").GetBoolean());
        Assert.Equal(HttpStatusCode.NoContent, await StatusAsync("alice", HttpMethod.Delete, $"{Marks}/verified/knownlab"));
        Assert.Empty(Names(await GetAsync("/api/v1/repositories?is=verified&owner=knownlab", "bob")));
        Assert.Equal(["mark.unset verified", "mark.set verified"], await AuditAsync("knownlab", "mark."));
    }

    [Fact]
    public async Task Mark_EndsWithWhatItIsOf()
    {
        await MakeAsync("officialtwo", "");
        await StatusAsync("alice", HttpMethod.Put, $"{Marks}/official/officialtwo");
        Assert.Equal(HttpStatusCode.NoContent, await StatusAsync("alice", HttpMethod.Delete, "/api/v1/repositories/officialtwo"));
        await hub.PushAsync("officialtwo", "v1", "another one");
        Assert.False((await GetAsync("/api/v1/repositories/officialtwo")).GetProperty("official").GetBoolean());

        OrganisationService organisations = hub.Services.Accounts.Organisations;
        await organisations.CreateAsync(hub.Alice, "passinglab", "", "bob", default);
        await StatusAsync("alice", HttpMethod.Put, $"{Marks}/verified/passinglab");
        await organisations.RemoveAsync(hub.Alice, "passinglab", default);
        await organisations.CreateAsync(hub.Alice, "passinglab", "", "carol", default);
        string name = await hub.NewRepositoryAsync("passinglab");
        Assert.False((await GetAsync($"/api/v1/repositories/{name}")).GetProperty("verifiedPublisher").GetBoolean());
        Assert.DoesNotContain("passinglab", string.Join(' ', await ListAsync()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Mark_IsNeverGivenByOthersThanAdministrators()
    {
        string name = await hub.NewRepositoryAsync("bob");
        await MakeAsync("officialthree", "");
        foreach (string? user in new[] { null, "bob" })
        {
            foreach (HttpMethod method in new[] { HttpMethod.Put, HttpMethod.Delete })
            {
                Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(user, method, $"{Marks}/verified/bob"));
                Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(user, method, $"{Marks}/official/officialthree"));
            }
            Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(user, HttpMethod.Get, Marks));
        }
        // Nor by a field that somebody puts beside the others.
        foreach (string field in new[] { "official", "isOfficial", "is_official", "verifiedPublisher", "verified", "marks" })
        {
            Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync(
                "bob", HttpMethod.Patch, $"/api/v1/repositories/{name}", $"{{\"description\":\"x\",\"{field}\":true}}"));
            Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync(
                "bob", HttpMethod.Post, "/api/v1/repositories", $"{{\"name\":\"bob/mine\",\"{field}\":true}}"));
            Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync("bob", HttpMethod.Patch, "/api/v1/account", $"{{\"{field}\":true}}"));
        }
        JsonElement repository = await GetAsync($"/api/v1/repositories/{name}");
        Assert.Equal((false, false), (repository.GetProperty("official").GetBoolean(), repository.GetProperty("verifiedPublisher").GetBoolean()));
    }

    [Fact]
    public async Task Mark_OfWhatCannotHaveIt_IsRefusedWithAReason()
    {
        string name = await hub.NewRepositoryAsync("bob");
        string refusal = $"mark repository {name}: only a name of one part can be official, because administrators alone push to it: "
            + "mark bob as a verified publisher instead";
        Assert.Equal((HttpStatusCode.BadRequest, refusal), await RefusalAsync($"official/{name}"));
        Assert.Equal(
            (HttpStatusCode.NotFound, "mark repository nosuchthing: there is none of this name: push or make it first"),
            await RefusalAsync("official/nosuchthing"));
        Assert.Equal(
            (HttpStatusCode.NotFound, "mark publisher nosuchlab: there is no user or organisation of this name"),
            await RefusalAsync("verified/nosuchlab"));
        Assert.Equal((HttpStatusCode.BadRequest, "mark trusted: official or verified is expected"), await RefusalAsync("trusted/bob"));
        foreach (string text in new[] { "a%0Ab", "%2e%2e%2fx", new string('x', 3000) })
            Assert.Equal(HttpStatusCode.NotFound, (await RefusalAsync("verified/" + text)).Status);
        // What is being pushed and has no manifest yet is none.
        using HttpClient client = hub.Client("alice");
        await PagesHub.PushBlobAsync(client, "officialfour", "x"u8.ToArray());
        Assert.Equal(HttpStatusCode.NotFound, (await RefusalAsync("official/officialfour")).Status);
        await Assert.ThrowsAsync<FaultException>(
            () => hub.Services.Browsing.Marks.SetAsync(hub.Alice, RepositoryMarks.Verified, "\0", true, default));
    }

    private async Task MakeAsync(string name, string description) => await hub.Services.Browsing.Settings.CreateAsync(
        hub.Alice, RepositoryName.Parse(name), new RepositoryChange { IsPrivate = false, Description = description }, default);

    private Task ExecuteAsync(Registry.Database.SqlText sql) =>
        hub.Services.Database.WriteAsync((transaction, token) => transaction.ExecuteAsync(sql, token), default);

    private async Task<List<string>> ListAsync() =>
    [
        .. (await GetAsync(Marks, "alice")).GetProperty("items").EnumerateArray()
            .Select(item => $"{item.GetProperty("mark").GetString()} {item.GetProperty("name").GetString()}"),
    ];

    private async Task<IEnumerable<string>> AuditAsync(string subject, string actions) =>
        (await GetAsync($"/api/v1/admin/audit?subject={subject}", "alice")).GetProperty("items").EnumerateArray()
            .Select(entry => $"{entry.GetProperty("action").GetString()} {entry.GetProperty("details").GetString()}")
            .Where(text => text.StartsWith(actions, StringComparison.Ordinal));

    private static List<string> Names(JsonElement page) =>
        [.. page.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("name").GetString()!)];

    private async Task<(HttpStatusCode Status, string? Message)> RefusalAsync(string path)
    {
        using HttpResponseMessage response = await hub.AskAsync("alice", HttpMethod.Put, $"{Marks}/{path}", null);
        return (response.StatusCode, (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("message").GetString());
    }

    private async Task<JsonElement> GetAsync(string path, string? user = null)
    {
        using HttpResponseMessage response = await hub.AskAsync(user, HttpMethod.Get, path, null);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }

    private async Task<HttpStatusCode> StatusAsync(string? user, HttpMethod method, string path, string? body = null)
    {
        using HttpResponseMessage response = await hub.AskAsync(user, method, path, body);
        return response.StatusCode;
    }
}

public sealed class MarksTests(PagesHub hub) : MarksContract(hub), IClassFixture<PagesHub>;

public sealed class MarksOnPostgreSqlTests(PostgreSqlPagesHub hub) : MarksContract(hub), IClassFixture<PostgreSqlPagesHub>;
