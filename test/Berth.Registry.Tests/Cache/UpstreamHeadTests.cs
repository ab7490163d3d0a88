using System.Net;
using System.Text;
using Berth.Oci;
using Berth.Registry.Tests.Hosting;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Tests.Cache;

/// <summary>Upstreams that do not offer HEAD, do not say digests, or redirect; HEAD of what is not here; what hostile ones make of it
/// (attacks F6 and F7).</summary>
public sealed class UpstreamHeadTests : CacheRig
{
    [Theory]
    [InlineData(400), InlineData(405), InlineData(501), InlineData(200)]
    public async Task Tag_WithoutHeadOrDigest_IsPulledByGet(int statusOfHead)
    {
        (string manifest, _) = Serve("v1", "old fashioned");
        string path = "/v2/library/app/manifests/v1";
        Upstream.Answer = async context =>
        {
            if (HttpMethods.IsHead(context.Request.Method))
            {
                context.Response.StatusCode = statusOfHead;
                return true;
            }
            if (context.Request.Path != path)
                return false;
            context.Response.ContentType = HubRig.OciManifest;
            await context.Response.Body.WriteAsync(Upstream.Content[path].Body);
            return true;
        };
        for (int i = 0; i < 2; i++)
            Assert.Equal(manifest, await TextAsync($"{Name}/manifests/v1"));
        Assert.Equal(1, CountOf("GET /v2/library/app/manifests/"));
        Assert.Equal(manifest, await TextAsync($"{Name}/manifests/{HubRig.DigestOf(manifest)}"));
        Assert.Null(Assert.Single(Hub.Services.Cache.States).PausedUntil);
        // A tag that moves is followed the same way.
        (string second, _) = Serve("v1", "moved");
        Hub.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(second, await TextAsync($"{Name}/manifests/v1"));
    }

    [Theory]
    [InlineData("other digest"), InlineData("no manifest"), InlineData("too large"), InlineData("broken off")]
    public async Task Tag_ByGet_IsNotBelievedMoreThanByHead(string lie)
    {
        (string manifest, _) = Serve("v1", "right");
        Upstream.Answer = async context =>
        {
            if (HttpMethods.IsHead(context.Request.Method))
            {
                context.Response.StatusCode = 405;
                return true;
            }
            context.Response.ContentType = HubRig.OciManifest;
            if (lie == "other digest")
                context.Response.Headers["Docker-Content-Digest"] = HubRig.DigestOf("other").ToString();
            byte[] body = lie switch
            {
                "no manifest" => "<html>sign in</html>"u8.ToArray(), "too large" => new byte[8 * 1024 * 1024], _ => Encoding.UTF8.GetBytes(manifest),
            };
            context.Response.ContentLength = lie == "broken off" ? body.Length + 1 : body.Length;
            await context.Response.Body.WriteAsync(body, context.RequestAborted);
            if (lie == "broken off")
                context.Abort();
            return true;
        };
        using HttpResponseMessage response = await Hub.GetAsync($"{Name}/manifests/v1");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal(0, await CountAsync());
    }

    [Fact]
    public async Task Tag_ByGetOfASubstituteDocument_IsKeptUnderItsOwnDigestOnly()
    {
        // Who asks for a digest gets what has it, whatever a tag made the hub keep before.
        (string manifest, _) = Serve("v1", "right");
        string substitute = HubRig.Image(HubRig.DigestOf("{}"), HubRig.DigestOf("wrong"));
        Upstream.Content["/v2/library/app/manifests/v1"] = (HubRig.OciManifest, Encoding.UTF8.GetBytes(substitute), "");
        Assert.Equal(substitute, await TextAsync($"{Name}/manifests/v1"));
        Assert.Equal(manifest, await TextAsync($"{Name}/manifests/{HubRig.DigestOf(manifest)}"));
        Assert.Equal(substitute, await TextAsync($"{Name}/manifests/{HubRig.DigestOf(substitute)}"));
    }

    [Theory]
    [InlineData(200), InlineData(403), InlineData(405)]
    public async Task HeadOfABlob_AsksForItsLength_AndKeepsNothing(int statusOfHead)
    {
        (_, byte[] layer) = Serve("v1", "asked about");
        Upstream.Answer = context =>
        {
            if (statusOfHead == 200 || HttpMethods.IsGet(context.Request.Method))
                return Task.FromResult(false);
            context.Response.StatusCode = statusOfHead;
            return Task.FromResult(true);
        };
        string path = $"{Name}/blobs/{Digest.Of(layer)}";
        using HttpResponseMessage answer = await Hub.SendAsync(HttpMethod.Head, path);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(layer.Length, answer.Content.Headers.ContentLength);
        Assert.Equal(Digest.Of(layer).ToString(), HubRig.Header(answer, "Docker-Content-Digest"));
        // Nobody has seen the bytes yet: nothing that a proxy may keep for a year.
        Assert.Equal("no-store", HubRig.Header(answer, "Cache-Control"));
        Assert.Equal(statusOfHead == 200 ? 0 : 1, CountOf("GET /v2/library/app/blobs/"));
        Assert.Equal(0, await CountAsync());
        Assert.Equal(layer, await Hub.Client.GetByteArrayAsync(new Uri(path, UriKind.Relative)));
    }

    [Fact]
    public async Task HeadOfABlob_IsOfTheRepositoryThatIsAskedFor()
    {
        (_, byte[] layer) = Serve("v1", "of app");
        using HttpResponseMessage of = await Hub.SendAsync(HttpMethod.Head, $"/v2/up.example/library/other/blobs/{Digest.Of(layer)}");
        Assert.Equal(HttpStatusCode.NotFound, of.StatusCode);
        // Also where the hub has the bytes for another repository.
        await Hub.Client.GetByteArrayAsync(new Uri($"{Name}/blobs/{Digest.Of(layer)}", UriKind.Relative));
        using HttpResponseMessage still = await Hub.SendAsync(HttpMethod.Head, $"/v2/up.example/library/other/blobs/{Digest.Of(layer)}");
        Assert.Equal(HttpStatusCode.NotFound, still.StatusCode);
    }

    [Theory]
    [InlineData("HEAD"), InlineData("GET")]
    public async Task Redirect_OfHeadAndOfManifests_IsFollowedWithoutCredentials(string method)
    {
        await using FakeUpstream storage = await FakeUpstream.StartAsync();
        (string manifest, byte[] layer) = Serve("v1", "elsewhere");
        foreach ((string path, (string Type, byte[] Body, string Digest) content) in Upstream.Content)
            storage.Content[path] = content;
        Upstream.Answer = context =>
        {
            if (context.Request.Headers.Authorization.Count == 0)
            {
                context.Response.StatusCode = 401;
                context.Response.Headers.WWWAuthenticate = "Basic realm=\"x\"";
            }
            else
            {
                context.Response.Redirect($"{storage.Address.ToString().TrimEnd('/')}{context.Request.Path}", false, preserveMethod: true);
            }
            return Task.FromResult(true);
        };
        using HttpResponseMessage blob = await Hub.SendAsync(new HttpMethod(method), $"{Name}/blobs/{Digest.Of(layer)}");
        Assert.Equal(HttpStatusCode.OK, blob.StatusCode);
        Assert.Equal(layer.Length, blob.Content.Headers.ContentLength);
        using HttpResponseMessage document = await Hub.SendAsync(new HttpMethod(method), $"{Name}/manifests/v1");
        Assert.Equal(Encoding.UTF8.GetByteCount(manifest), document.Content.Headers.ContentLength);
        Assert.NotEmpty(storage.Requests);
        Assert.DoesNotContain(storage.Requests, request => request.Contains("Basic", StringComparison.Ordinal));
        Assert.Contains(Upstream.Requests, request => request.EndsWith(Credentials, StringComparison.Ordinal));
    }

    [Fact]
    public async Task HeadOfABlob_SendsNoCredentialsToAStrangersRealm()
    {
        await using FakeUpstream stranger = await FakeUpstream.StartAsync();
        Upstream.Answer = context =>
        {
            context.Response.StatusCode = 401;
            context.Response.Headers.WWWAuthenticate = $"Bearer realm=\"{stranger.Address}token\",service=\"x\"";
            return Task.FromResult(true);
        };
        using HttpResponseMessage answer = await Hub.SendAsync(HttpMethod.Head, $"{Name}/blobs/{HubRig.DigestOf("x")}");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Empty(stranger.Requests);
        Assert.DoesNotContain(Upstream.Requests, request => request.Contains("Basic", StringComparison.Ordinal));
    }

    // What was kept of all that was asked for.
    private Task<long?> CountAsync() => Hub.Services.Database.ReadAsync(
        (transaction, token) => transaction.NumberAsync(
            $"select (select count(*) from blobs) + (select count(*) from manifests) + (select count(*) from tags)", token), default);
}
