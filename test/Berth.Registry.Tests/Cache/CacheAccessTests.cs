using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Berth.Faults;
using Berth.Registry.Accounts;
using Berth.Registry.Cache;
using Berth.Registry.Database;
using Berth.Registry.Retention;
using Berth.Registry.Tests.Hosting;
using Berth.Registry.Tests.Pages;
using Berth.Registry.Tests.Serving;
using Berth.Registry.Tokens;

namespace Berth.Registry.Tests.Cache;

/// <summary>Who may pull and see what is passed on to members, and what the hub's own rules do to repositories of a cache.</summary>
public sealed class CacheAccessTests : IAsyncLifetime
{
    private const string Inner = "inner.example/lib/app";
    private const string Outer = "up.example/lib/app";

    private FakeUpstream _upstream = null!;
    private RunningHub _hub = null!;
    private UserAccount _bob = null!;

    public async ValueTask InitializeAsync()
    {
        _upstream = await FakeUpstream.StartAsync();
        _hub = await RunningHub.StartAsync(options => options with
        {
            Upstreams =
            [
                new UpstreamOptions { Prefix = "up.example", Address = _upstream.Address },
                new UpstreamOptions { Prefix = "inner.example", Address = _upstream.Address, IsPublic = false },
            ],
        });
        await _hub.UserAsync("carol", isAdministrator: true);
        _bob = await _hub.UserAsync("bob");
        await _hub.RepositoryAsync("bob/x", "private");
        Put("first");
    }

    public async ValueTask DisposeAsync()
    {
        await _hub.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Fact]
    public async Task RepositoryOfTheHubsOwn_BeneathAPrefix_KeepsThatFromBeingPassedOn()
    {
        Assert.Equal(HttpStatusCode.OK, (await _hub.GetAsync($"/v2/{Outer}/manifests/v1")).Status);
        await _hub.RepositoryAsync("later.example/own", "private");
        UpstreamOptions later = new() { Prefix = "later.example", Address = _upstream.Address };
        FaultException refused = await Assert.ThrowsAsync<FaultException>(
            () => CachedRepositories.FollowAsync(_hub.Services.Database, [.. _hub.Services.Options.Upstreams, later], default));
        Assert.Equal(FaultKind.Conflict, refused.Kind);
        Assert.Contains("the repository later.example/own of this hub has such a name", refused.Message, StringComparison.Ordinal);
        Assert.Equal("private", await VisibilityAsync("later.example/own"));
        // What was pulled through is the upstream's, also when it is configured anew, and follows it.
        await CachedRepositories.FollowAsync(_hub.Services.Database, [], default);
        UpstreamOptions members = _hub.Services.Options.Upstreams[0] with { IsPublic = false };
        await CachedRepositories.FollowAsync(_hub.Services.Database, [members], default);
        Assert.Equal("private", await VisibilityAsync(Outer));
    }

    private Task<string?> VisibilityAsync(string name) => _hub.Services.Database.ReadAsync(
        (transaction, token) => transaction.TextAsync($"select visibility from repositories where name = {name}", token), default);

    [Theory]
    [InlineData($"repository:{Inner}:pull", HttpStatusCode.OK)]
    [InlineData("repository:bob/x:pull", HttpStatusCode.Unauthorized)]
    [InlineData("repository:inner.example/lib/other:pull", HttpStatusCode.Unauthorized)]
    [InlineData("repository:up.example/lib/app:pull", HttpStatusCode.Unauthorized)]
    [InlineData("", HttpStatusCode.Unauthorized)]
    public async Task TokenOfAMember_OpensWhatItIsFor_AlsoBeforeItIsHere(string scope, HttpStatusCode expected)
    {
        (_, JsonElement body, _) = await _hub.GetAsync($"/auth/token?service=berth-hub&scope={scope}", RunningHub.Basic("bob"));
        AuthenticationHeaderValue bearer = new("Bearer", body.GetProperty("token").GetString());
        string blob = HubRig.DigestOf("{}").ToString();
        foreach (string path in new[] { "manifests/v1", $"blobs/{blob}", "tags/list", $"referrers/{blob}" })
        {
            (HttpStatusCode status, _, HttpResponseHeaders headers) = await _hub.GetAsync($"/v2/{Inner}/{path}", bearer);
            Assert.Equal((path, expected), (path, status));
            if (status == HttpStatusCode.Unauthorized)
                Assert.Contains($"scope=\"repository:{Inner}:pull\"", headers.WwwAuthenticate.Single().ToString(), StringComparison.Ordinal);
        }
        if (expected != HttpStatusCode.OK)
            Assert.Empty(_upstream.Requests);
    }

    [Fact]
    public async Task AccessTokenForOtherRepositories_AndNobody_ArePermittedNothing()
    {
        (_, string narrowed) = await _hub.Services.Accounts.Secrets.CreateTokenAsync(
            RunningHub.Operator, SecretKind.Personal, _bob.Id, "build", TokenScopes.Parse(["bob/*:pull"]), null, default);
        Assert.Equal(HttpStatusCode.NotFound, (await _hub.GetAsync($"/v2/{Inner}/manifests/v1", RunningHub.Basic("bob", narrowed))).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await _hub.GetAsync($"/v2/{Inner}/manifests/v1")).Status);
        Assert.Empty(_upstream.Requests);
    }

    [Fact]
    public async Task Members_SeeWhatTheyMayPull_AndOthersDoNot()
    {
        Assert.Equal(HttpStatusCode.OK, (await _hub.GetAsync($"/v2/{Inner}/manifests/v1", RunningHub.Basic("bob"))).Status);
        string api = $"/api/v1/repositories/{Inner}";
        Assert.Equal(HttpStatusCode.OK, (await _hub.GetAsync(api, RunningHub.Basic("bob"))).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await _hub.GetAsync(api)).Status);
        (_, JsonElement catalog, _) = await _hub.GetAsync("/v2/_catalog", RunningHub.Basic("bob"));
        Assert.Contains(catalog.GetProperty("repositories").EnumerateArray(), name => name.GetString() == Inner);
        // They look, and change nothing.
        using HttpResponseMessage change = await PatchAsync(Inner, """{"description":"mine"}""", "bob");
        Assert.Equal(HttpStatusCode.Forbidden, change.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await _hub.GetAsync("/api/v1/repositories/inner.example/lib/never", RunningHub.Basic("bob"))).Status);
    }

    [Theory]
    [InlineData(Outer, "public", "private"), InlineData(Inner, "private", "public")]
    public async Task Visibility_IsTheUpstreams_AndRefusedOtherwise(string repository, string own, string other)
    {
        Assert.Equal(HttpStatusCode.OK, (await _hub.GetAsync($"/v2/{repository}/manifests/v1", RunningHub.Basic("carol"))).Status);
        using HttpResponseMessage refused = await PatchAsync(repository, $$"""{"description":"no","visibility":"{{other}}"}""", "carol");
        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        string text = await refused.Content.ReadAsStringAsync();
        Assert.Contains(repository, text, StringComparison.Ordinal);
        Assert.Contains("members-only", text, StringComparison.Ordinal);
        (_, JsonElement shown, _) = await _hub.GetAsync($"/api/v1/repositories/{repository}", RunningHub.Basic("carol"));
        Assert.Equal((own, ""), (shown.GetProperty("visibility").GetString(), shown.GetProperty("description").GetString()));
        using HttpResponseMessage same = await PatchAsync(repository, $$"""{"description":"yes","visibility":"{{own}}"}""", "carol");
        Assert.True(same.IsSuccessStatusCode, $"{same.StatusCode}");
        using PageReader reader = new(_hub.Client.BaseAddress!);
        await reader.SignInAsync("carol", RunningHub.Password);
        await reader.GetAsync($"/r/{repository}/-/settings");
        Assert.Null(reader.Document.QuerySelector("input[name=visibility]"));
        Assert.Contains("members-only", reader.Document.QuerySelector("section[aria-labelledby=visibility]")!.TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RepositoryOfAnUpstream_IsNotMadeByHand()
    {
        using HttpResponseMessage refused = await _hub.SendAsync(
            HttpMethod.Post, "/api/v1/repositories", RunningHub.Basic("carol"), """{"name":"up.example/lib/mine"}"""u8.ToArray(), "application/json");
        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        using HttpResponseMessage own = await _hub.SendAsync(
            HttpMethod.Post, "/api/v1/repositories", RunningHub.Basic("carol"), """{"name":"up.examples/mine"}"""u8.ToArray(), "application/json");
        Assert.True(own.IsSuccessStatusCode, $"{own.StatusCode}");
    }

    [Fact]
    public async Task ImmutableTag_OfACache_StaysWhatItWas()
    {
        (_, _, HttpResponseHeaders first) = await _hub.GetAsync($"/v2/{Outer}/manifests/v1");
        Assert.NotNull(first.ETag);
        await _hub.Services.Browsing.Settings.FreezeAsync(RunningHub.Operator, await IdAsync(Outer), TagPattern.Parse("*"), default);
        Put("second");
        _hub.Time.Advance(TimeSpan.FromHours(1));
        for (int i = 0; i < 2; i++)
        {
            (HttpStatusCode status, _, HttpResponseHeaders again) = await _hub.GetAsync($"/v2/{Outer}/manifests/v1");
            Assert.Equal(HttpStatusCode.OK, status);
            Assert.Equal(first.ETag, again.ETag);
        }
        // It costs the upstream's pull limit once in tag-time, as a tag that moves does.
        Assert.Equal(2, _upstream.Requests.Count(request => request.StartsWith("GET /v2/lib/app/manifests/", StringComparison.Ordinal)));
    }

    private async Task<long> IdAsync(string name) => (await _hub.Services.Database.ReadAsync(
        (transaction, token) => transaction.NumberAsync($"select id from repositories where name = {name}", token), default))!.Value;

    private Task<HttpResponseMessage> PatchAsync(string repository, string body, string who) => _hub.SendAsync(
        HttpMethod.Patch, $"/api/v1/repositories/{repository}", RunningHub.Basic(who), Encoding.UTF8.GetBytes(body), "application/json");

    private void Put(string layer)
    {
        string manifest = HubRig.Image(HubRig.DigestOf("{}"), HubRig.DigestOf(layer));
        string digest = HubRig.DigestOf(manifest).ToString();
        foreach (string reference in new[] { "v1", digest })
            _upstream.Content[$"/v2/lib/app/manifests/{reference}"] = (HubRig.OciManifest, Encoding.UTF8.GetBytes(manifest), digest);
        string blob = HubRig.DigestOf("{}").ToString();
        _upstream.Content[$"/v2/lib/app/blobs/{blob}"] = ("application/octet-stream", "{}"u8.ToArray(), blob);
        _upstream.Content["/v2/lib/app/tags/list"] = ("application/json", """{"name":"lib/app","tags":["v1"]}"""u8.ToArray(), "");
    }
}
