using System.Net;
using Berth.Registry.Cache;
using Berth.Registry.Tests.Hosting;
using Berth.Registry.Tests.Pages;
using Berth.Registry.Tests.Serving;

namespace Berth.Registry.Tests.Cache;

/// <summary>What administrators see of caches, and whom a cache shows its repositories to.</summary>
public sealed class CachesPageTests
{
    [Fact]
    public async Task Page_ShowsStateLimitAndWhatIsKept()
    {
        await using FakeUpstream upstream = await FakeUpstream.StartAsync();
        string manifest = Put(upstream, "lib/app", "v1");
        await using RunningHub hub = await RunningHub.StartAsync(options => options with
        {
            Upstreams = [Public("up.example", upstream), Public("idle.example", upstream), Public("away.example", new Uri("http://127.0.0.1:1"))],
        });
        await hub.UserAsync("alice", isAdministrator: true);
        Assert.Equal(manifest, await hub.Client.GetStringAsync(new Uri("/v2/up.example/lib/app/manifests/v1", UriKind.Relative)));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await hub.GetAsync("/v2/away.example/app/manifests/v1")).Status);
        using PageReader reader = new(hub.Client.BaseAddress!);
        await reader.SignInAsync("alice", RunningHub.Password);
        await reader.GetAsync("/admin/caches");
        Dictionary<string, string> rows = reader.Document.QuerySelectorAll("tbody tr")
            .ToDictionary(row => row.QuerySelector("b")!.TextContent, row => row.TextContent);
        Assert.Equal(3, rows.Count);
        Assert.Contains("answers", rows["up.example"], StringComparison.Ordinal);
        Assert.Contains("76 of 100", rows["up.example"], StringComparison.Ordinal);
        Assert.Contains("1 repository", rows["up.example"], StringComparison.Ordinal);
        Assert.Contains("not asked yet", rows["idle.example"], StringComparison.Ordinal);
        Assert.Contains("no limit told", rows["idle.example"], StringComparison.Ordinal);
        Assert.Contains("paused", rows["away.example"], StringComparison.Ordinal);
        Assert.Contains("0 repositories", rows["away.example"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task MembersOnly_CountsForWhatWasCachedBefore_AndForBlobsAskedForFirst()
    {
        await using FakeUpstream upstream = await FakeUpstream.StartAsync();
        Put(upstream, "app", "v1");
        await using RunningHub hub = await RunningHub.StartAsync(options => options with
        {
            Upstreams = [Public("up.example", upstream), Public("up.example/lib", upstream) with { IsPublic = false }],
        });
        await hub.UserAsync("alice");
        await hub.RepositoryAsync("up.example/lib/old", "public");
        await hub.RepositoryAsync("up.example/other", "private");
        // As they are once something was pulled through.
        await hub.Services.Database.WriteAsync(
            (transaction, token) => transaction.ExecuteAsync($"update repositories set upstream = 'up.example'", token), default);
        await CachedRepositories.FollowAsync(hub.Services.Database, hub.Services.Options.Upstreams, default);
        string layer = HubRig.DigestOf("{}").ToString();
        upstream.Content[$"/v2/app/blobs/{layer}"] = ("application/octet-stream", "{}"u8.ToArray(), layer);
        using HttpResponseMessage refused = await hub.SendAsync(HttpMethod.Get, $"/v2/up.example/lib/app/blobs/{layer}");
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        using HttpResponseMessage pulled = await hub.SendAsync(
            HttpMethod.Get, $"/v2/up.example/lib/app/blobs/{layer}", RunningHub.Basic("alice"));
        Assert.Equal(HttpStatusCode.OK, pulled.StatusCode);
        // A repository comes with its first manifest: until then it is in no list, and has the rights of a private one.
        Assert.Equal(["up.example/lib/app hidden", "up.example/lib/old private", "up.example/other public"], await VisibilitiesAsync(hub));
        using HttpResponseMessage manifest = await hub.SendAsync(
            HttpMethod.Get, "/v2/up.example/lib/app/manifests/v1", RunningHub.Basic("alice"));
        Assert.Equal(HttpStatusCode.OK, manifest.StatusCode);
        Assert.Equal(["up.example/lib/app private", "up.example/lib/old private", "up.example/other public"], await VisibilitiesAsync(hub));
    }

    private static Task<List<string>> VisibilitiesAsync(RunningHub hub) => hub.Services.Database.ReadAsync(
        (transaction, token) => transaction.ListAsync(
            $"select name || ' ' || visibility from repositories order by name", row => row.GetString(0), token), default);

    private static UpstreamOptions Public(string prefix, FakeUpstream upstream) => Public(prefix, upstream.Address);

    private static UpstreamOptions Public(string prefix, Uri address) => new() { Prefix = prefix, Address = address };

    private static string Put(FakeUpstream upstream, string repository, string tag)
    {
        string manifest = HubRig.Image(HubRig.DigestOf("{}"), HubRig.DigestOf("layer"));
        string digest = HubRig.DigestOf(manifest).ToString();
        foreach (string reference in new[] { tag, digest })
            upstream.Content[$"/v2/{repository}/manifests/{reference}"] = (HubRig.OciManifest, System.Text.Encoding.UTF8.GetBytes(manifest), digest);
        return manifest;
    }
}
