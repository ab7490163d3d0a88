using System.Net;
using System.Text;
using Berth.Oci;
using Berth.Registry.Cache;
using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Cache;

/// <summary>Pulls through the hub from registries that are honest, away, slow to say no, and hostile (attacks F6 and F7).</summary>
public sealed class PullThroughTests : CacheRig
{
    [Fact]
    public async Task Image_IsPulledOnce_AndThenServedFromHere()
    {
        (string manifest, byte[] layer) = Serve("v1", "first");
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(manifest, await TextAsync($"{Name}/manifests/v1"));
            Assert.Equal(layer, await Hub.Client.GetByteArrayAsync(new Uri($"{Name}/blobs/{Digest.Of(layer)}", UriKind.Relative)));
        }
        Assert.Equal(1, CountOf("GET /v2/library/app/blobs/"));
        Assert.Equal(1, CountOf("GET /v2/library/app/manifests/"));
        UpstreamState state = Assert.Single(Hub.Services.Cache.States);
        Assert.Equal((100, 76), (state.Limit, state.Remaining));
        await Hub.Services.Collector.RunAsync(default);
        Assert.Equal(manifest, await TextAsync($"{Name}/manifests/{HubRig.DigestOf(manifest)}"));
    }

    [Fact]
    public async Task Tag_ThatMoves_IsSeenAfterItsTime()
    {
        (string first, _) = Serve("latest", "first");
        Assert.Equal(first, await TextAsync($"{Name}/manifests/latest"));
        (string second, _) = Serve("latest", "second");
        Assert.Equal(first, await TextAsync($"{Name}/manifests/latest"));
        Hub.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(second, await TextAsync($"{Name}/manifests/latest"));
    }

    [Theory]
    [InlineData(503), InlineData(429)]
    public async Task Upstream_ThatIsAwayOrLimits_LeavesWhatIsHere(int status)
    {
        (string manifest, byte[] layer) = Serve("v1", "kept");
        await TextAsync($"{Name}/manifests/v1");
        await Hub.Client.GetByteArrayAsync(new Uri($"{Name}/blobs/{Digest.Of(layer)}", UriKind.Relative));
        Hub.Time.Advance(TimeSpan.FromHours(1));
        Upstream.Answer = context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.RetryAfter = "600";
            return Task.FromResult(true);
        };
        Assert.Equal(manifest, await TextAsync($"{Name}/manifests/v1"));
        using HttpResponseMessage unknown = await Hub.GetAsync($"{Name}/manifests/other");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, unknown.StatusCode);
        UpstreamState state = Assert.Single(Hub.Services.Cache.States);
        Assert.NotNull(state.Problem);
        // It is left alone until then.
        int asked = Upstream.Requests.Count;
        await TextAsync($"{Name}/manifests/v1");
        Assert.Equal(asked, Upstream.Requests.Count);
        Upstream.Answer = _ => Task.FromResult(false);
        Hub.Time.Advance(TimeSpan.FromMinutes(11));
        await TextAsync($"{Name}/manifests/v1");
        Assert.True(Upstream.Requests.Count > asked);
        Assert.Null(Assert.Single(Hub.Services.Cache.States).Problem);
    }

    [Fact]
    public async Task Image_ThatIsNotThere_Answers404()
    {
        using HttpResponseMessage manifest = await Hub.GetAsync($"{Name}/manifests/none");
        Assert.Equal("MANIFEST_UNKNOWN", await HubRig.CodeAsync(manifest));
        using HttpResponseMessage blob = await Hub.GetAsync($"{Name}/blobs/{HubRig.DigestOf("none")}");
        Assert.Equal("BLOB_UNKNOWN", await HubRig.CodeAsync(blob));
    }

    [Fact]
    public async Task Upstream_ThatSendsOtherBytes_IsNotBelieved()
    {
        (string manifest, byte[] layer) = Serve("v1", "right");
        string path = $"/v2/library/app/manifests/{HubRig.DigestOf(manifest)}";
        Upstream.Content[path] = Upstream.Content[path] with { Body = Encoding.UTF8.GetBytes(manifest + " ") };
        using HttpResponseMessage lied = await Hub.GetAsync($"{Name}/manifests/v1");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, lied.StatusCode);
        string blob = $"/v2/library/app/blobs/{Digest.Of(layer)}";
        Upstream.Content[blob] = Upstream.Content[blob] with { Body = [1, 2, 3] };
        using HttpResponseMessage poisoned = await Hub.GetAsync($"{Name}/blobs/{Digest.Of(layer)}");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, poisoned.StatusCode);
        Assert.Equal(0, await Hub.Services.Database.ReadAsync(
            (transaction, token) => transaction.NumberAsync($"select (select count(*) from blobs) + (select count(*) from manifests)", token),
            default));
    }

    [Fact]
    public async Task Token_OfTheUpstreamItself_IsFetchedWithTheCredentials()
    {
        Serve("v1", "guarded");
        Upstream.Answer = async context =>
        {
            if (context.Request.Path == "/token")
            {
                Assert.Equal("?service=svc&scope=repository%3Alibrary%2Fapp%3Apull", context.Request.QueryString.Value);
                await context.Response.Body.WriteAsync("""{"token":"abc","expires_in":300}"""u8.ToArray());
                return true;
            }
            if (context.Request.Headers.Authorization == "Bearer abc")
                return false;
            context.Response.StatusCode = 401;
            context.Response.Headers.WWWAuthenticate =
                $"Bearer realm=\"{Upstream.Address}token\",service=\"svc\",scope=\"repository:everything:push\"";
            return true;
        };
        await TextAsync($"{Name}/manifests/v1");
        Assert.Contains(Upstream.Requests, request => request == $"GET /token {Credentials}");
        Assert.Equal(1, CountOf("GET /token"));
    }

    [Theory]
    [InlineData("Bearer realm=\"{0}token\",service=\"x\""), InlineData("Bearer service=\"x\",realm=\"{0}\"")]
    [InlineData("Bearer realm=\"relative\""), InlineData("Bearer realm=\"file:///etc/passwd\""), InlineData("Bearer"), InlineData("Nonsense ==\"")]
    public async Task Token_OfAnyOtherPlace_IsNotAskedFor(string challenge)
    {
        await using FakeUpstream stranger = await FakeUpstream.StartAsync();
        Serve("v1", "guarded");
        Upstream.Answer = context =>
        {
            context.Response.StatusCode = 401;
            context.Response.Headers.WWWAuthenticate = string.Format(challenge, stranger.Address);
            return Task.FromResult(true);
        };
        using HttpResponseMessage response = await Hub.GetAsync($"{Name}/manifests/v1");
        Assert.True(response.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.NotFound, $"{response.StatusCode}");
        Assert.Empty(stranger.Requests);
        Assert.DoesNotContain(Upstream.Requests, request => request.Contains("Basic", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Redirect_ToWhereTheBytesAre_IsFollowedWithoutCredentials()
    {
        await using FakeUpstream storage = await FakeUpstream.StartAsync();
        (_, byte[] layer) = Serve("v1", "elsewhere");
        storage.Content["/there"] = ("application/octet-stream", layer, "");
        Upstream.Answer = context =>
        {
            if (context.Request.Headers.Authorization.Count == 0)
            {
                context.Response.StatusCode = 401;
                context.Response.Headers.WWWAuthenticate = "Basic realm=\"x\"";
                return Task.FromResult(true);
            }
            if (!context.Request.Path.Value!.Contains("/blobs/", StringComparison.Ordinal))
                return Task.FromResult(false);
            context.Response.Redirect($"{storage.Address}there");
            return Task.FromResult(true);
        };
        Assert.Equal(layer, await Hub.Client.GetByteArrayAsync(new Uri($"{Name}/blobs/{Digest.Of(layer)}", UriKind.Relative)));
        Assert.Equal("GET /there", Assert.Single(storage.Requests));
    }

    [Fact]
    public async Task Push_IntoACache_IsDenied()
    {
        using HttpResponseMessage response = await Hub.SendAsync(HttpMethod.Post, $"{Name}/blobs/uploads/");
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Equal("DENIED", await HubRig.CodeAsync(response));
    }

    [Fact]
    public async Task Blob_AskedForByManyAtOnce_IsFetchedOnce()
    {
        (_, byte[] layer) = Serve("v1", "wanted");
        var gate = new TaskCompletionSource();
        Upstream.Answer = async _ =>
        {
            await gate.Task;
            return false;
        };
        Task<byte[]>[] pulls = [.. Enumerable.Range(0, 5).Select(_ =>
            Hub.Client.GetByteArrayAsync(new Uri($"{Name}/blobs/{Digest.Of(layer)}", UriKind.Relative)))];
        gate.SetResult();
        Assert.All(await Task.WhenAll(pulls), content => Assert.Equal(layer, content));
        Assert.Equal(1, await Hub.Services.Database.ReadAsync(
            (transaction, token) => transaction.NumberAsync($"select count(*) from blobs", token), default));
    }
}
