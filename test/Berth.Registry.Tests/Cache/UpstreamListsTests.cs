using System.Net;
using System.Text;
using System.Text.Json;
using Berth.Oci;
using Berth.Registry.Cache;
using Berth.Registry.Hosting;
using Berth.Registry.Tests.Hosting;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Tests.Cache;

/// <summary>Tags and referrers of a cached repository are what its registry has, and what is known while that is away.</summary>
public sealed class UpstreamListsTests : IAsyncLifetime
{
    private const string Name = "/v2/up.example/library/app";
    private const string Signature = "application/vnd.example.signature";
    private const string Sbom = "application/vnd.example.sbom";

    private FakeUpstream _upstream = null!;
    private CachingHub _hub = null!;

    public async ValueTask InitializeAsync()
    {
        _upstream = await FakeUpstream.StartAsync();
        _hub = new CachingHub(_upstream.Address);
        await _hub.InitializeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _hub.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Fact]
    public async Task Tags_AreThoseOfTheUpstream_PageByPage_AlsoBeforeAnythingWasPulled()
    {
        ServeTags("b", "a", "c", "v1");
        Assert.Equal(["a", "b", "c", "v1"], await TagsAsync());
        using HttpResponseMessage first = await _hub.GetAsync($"{Name}/tags/list?n=3");
        Assert.Equal(["a", "b", "c"], Names(await first.Content.ReadAsStringAsync()));
        Assert.Equal($"<{Name}/tags/list?n=3&last=c>; rel=\"next\"", HubRig.Header(first, "Link"));
        Assert.Equal(["v1"], await TagsAsync("?n=3&last=c"));
        // For as long as a tag is passed on, the upstream is not asked again.
        Assert.Single(_upstream.Requests);
        ServeTags("later");
        Assert.Equal(["a", "b", "c", "v1"], await TagsAsync());
        _hub.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(["later"], await TagsAsync());
    }

    [Fact]
    public async Task Tags_OfSeveralAnswers_AreFollowed_AndNeverToAnotherPlace()
    {
        await using FakeUpstream stranger = await FakeUpstream.StartAsync();
        _upstream.Answer = async context =>
        {
            string page = context.Request.Query["page"].ToString();
            int number = page.Length == 0 ? 0 : int.Parse(page);
            if (number < 3)
                context.Response.Headers.Link = $"<{stranger.Address}v2/other/tags/list?page={number + 1}>; rel=\"next\"";
            await context.Response.WriteAsync($$"""{"name":"library/app","tags":["t{{number}}"]}""");
            return true;
        };
        Assert.Equal(["t0", "t1", "t2", "t3"], await TagsAsync());
        Assert.Empty(stranger.Requests);
        Assert.All(_upstream.Requests, request => Assert.StartsWith("GET /v2/library/app/tags/list", request, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(503), InlineData(429), InlineData(400)]
    public async Task Tags_WhileTheUpstreamIsAway_AreThoseThatWerePulled(int status)
    {
        Put("v1", "first");
        ServeTags("v1", "v2");
        Assert.Equal(HttpStatusCode.OK, await StatusAsync($"{Name}/manifests/v1"));
        Fail(status);
        Assert.Equal(["v1"], await TagsAsync());
        // Of what nobody pulled, nothing is known: no answer is better than an empty list.
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync("/v2/up.example/library/other/tags/list"));
    }

    [Fact]
    public async Task Tags_OfWhatTheUpstreamHasNot_AreOfAnUnknownName()
    {
        using HttpResponseMessage unknown = await _hub.GetAsync($"{Name}/tags/list");
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
        Assert.Equal("NAME_UNKNOWN", await HubRig.CodeAsync(unknown));
    }

    [Theory]
    [InlineData("[]"), InlineData("{}"), InlineData("{\"tags\":7}"), InlineData("{\"tags\":[7]}"), InlineData("{\"tags\":[\"../x\"]}")]
    [InlineData("not JSON"), InlineData("{\"tags\":[\"\\ud800\"]}")]
    public async Task Tags_ThatAreNone_AreAFailureOfTheUpstream(string answer)
    {
        _upstream.Content["/v2/library/app/tags/list"] = ("application/json", Encoding.UTF8.GetBytes(answer), "");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync($"{Name}/tags/list"));
        Assert.Contains("its list is not one", Assert.Single(_hub.Services.Cache.States).Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tags_WithoutEnd_AreNotReadForEver()
    {
        _upstream.Answer = async context =>
        {
            context.Response.Headers.Link = "</v2/library/app/tags/list?last=x>; rel=\"next\"";
            await context.Response.WriteAsync("""{"tags":["x"]}""");
            return true;
        };
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync($"{Name}/tags/list"));
        Assert.InRange(_upstream.Requests.Count, 2, 1000);
    }

    [Theory]
    [InlineData("api"), InlineData("tag")]
    public async Task Referrers_AreThoseOfTheUpstream_WithTheFilter(string by)
    {
        Digest subject = Digest.Of(Encoding.UTF8.GetBytes(Put("v1", "first")));
        (string signature, string sbom) = (Referrer(Signature, "signed"), Referrer(Sbom, "listed"));
        ServeReferrers(by, subject, signature, sbom);
        foreach ((string query, string?[] types) in new[]
            { ("", new string?[] { Signature, Sbom }), ($"?artifactType={Uri.EscapeDataString(Sbom)}", [Sbom]), ("?artifactType=none", []) })
        {
            using HttpResponseMessage response = await _hub.GetAsync($"{Name}/referrers/{subject}{query}");
            Assert.Equal(HubRig.OciIndex, response.Content.Headers.ContentType!.ToString());
            using JsonDocument index = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
            Assert.Equal(types.Order(), index.RootElement.GetProperty("manifests").EnumerateArray()
                .Select(one => one.GetProperty("artifactType").GetString()).Order());
            Assert.Equal(query.Length > 0 ? "artifactType" : null, HubRig.Header(response, "OCI-Filters-Applied"));
            Assert.All(index.RootElement.GetProperty("manifests").EnumerateArray(),
                one => Assert.Equal("b", one.GetProperty("annotations").GetProperty("a").GetString()));
        }
    }

    [Theory]
    [InlineData(503), InlineData(429), InlineData(403)]
    public async Task Referrers_WhileTheUpstreamIsAway_AreThoseThatWerePulled(int status)
    {
        Digest subject = Digest.Of(Encoding.UTF8.GetBytes(Put("v1", "first")));
        string pulled = HubRig.Artifact(Signature, HubRig.DigestOf("{}"), subject);
        _upstream.Content[$"/v2/library/app/manifests/{HubRig.DigestOf(pulled)}"] =
            (HubRig.OciManifest, Encoding.UTF8.GetBytes(pulled), HubRig.DigestOf(pulled).ToString());
        ServeReferrers("api", subject, Referrer(Signature, "another"), Referrer(Sbom, "listed"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync($"{Name}/manifests/v1"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync($"{Name}/manifests/{HubRig.DigestOf(pulled)}"));
        Fail(status);
        string known = await _hub.Client.GetStringAsync(new Uri($"{Name}/referrers/{subject}", UriKind.Relative));
        Assert.Contains(HubRig.DigestOf(pulled).ToString(), known, StringComparison.Ordinal);
        Assert.DoesNotContain(Sbom, known, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync($"{Name}/referrers/{HubRig.DigestOf("never pulled")}"));
    }

    [Fact]
    public async Task Referrers_OfWhatHasNone_AreAnEmptyIndex()
    {
        using HttpResponseMessage response = await _hub.GetAsync($"{Name}/referrers/{HubRig.DigestOf("x")}");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Contains("\"manifests\":[]", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private void ServeTags(params string[] tags) => _upstream.Content["/v2/library/app/tags/list"] = (
        "application/json", JsonSerializer.SerializeToUtf8Bytes(new { name = "library/app", tags }), "");

    private string Put(string tag, string content)
    {
        string manifest = HubRig.Image(HubRig.DigestOf("{}"), HubRig.DigestOf(content));
        string digest = HubRig.DigestOf(manifest).ToString();
        foreach (string reference in new[] { tag, digest })
            _upstream.Content[$"/v2/library/app/manifests/{reference}"] = (HubRig.OciManifest, Encoding.UTF8.GetBytes(manifest), digest);
        return manifest;
    }

    private static string Referrer(string type, string content) =>
        $$"""{"mediaType":"{{HubRig.OciManifest}}","digest":"{{HubRig.DigestOf(content)}}","size":6,"artifactType":"{{type}}","annotations":{"a":"b"} }""";

    private void ServeReferrers(string by, Digest subject, params string[] entries)
    {
        string path = by == "api" ? $"referrers/{subject}" : $"manifests/sha256-{subject.Hex}";
        string index = $$"""{"schemaVersion":2,"mediaType":"{{HubRig.OciIndex}}","manifests":[{{string.Join(',', entries)}}]}""";
        _upstream.Content[$"/v2/library/app/{path}"] = (HubRig.OciIndex, Encoding.UTF8.GetBytes(index), HubRig.DigestOf(index).ToString());
    }

    private void Fail(int status) => _upstream.Answer = context =>
    {
        context.Response.StatusCode = status;
        return Task.FromResult(true);
    };

    private async Task<string[]> TagsAsync(string query = "") =>
        Names(await _hub.Client.GetStringAsync(new Uri($"{Name}/tags/list{query}", UriKind.Relative)));

    private static string[] Names(string answer)
    {
        using JsonDocument document = JsonDocument.Parse(answer);
        Assert.Equal("up.example/library/app", document.RootElement.GetProperty("name").GetString());
        return [.. document.RootElement.GetProperty("tags").EnumerateArray().Select(tag => tag.GetString()!)];
    }

    private async Task<HttpStatusCode> StatusAsync(string path)
    {
        using HttpResponseMessage answer = await _hub.GetAsync(path);
        return answer.StatusCode;
    }

    private sealed class CachingHub(Uri upstream) : HubRig
    {
        public override HubOptions Options => base.Options with
        {
            Upstreams = [new UpstreamOptions { Prefix = "up.example", Address = upstream }],
        };
    }
}
