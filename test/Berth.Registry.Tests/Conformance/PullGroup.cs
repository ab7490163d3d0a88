using System.Net;
using System.Text;
using Berth.Oci;
using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Conformance;

/// <summary>distribution-spec 1.1, "Pull": end-1, end-2, end-3.</summary>
public abstract class PullGroup<THub>(THub hub) : IClassFixture<THub> where THub : HubRig
{
    [Theory]
    [InlineData("/v2/"), InlineData("/v2")]
    public async Task VersionCheck_Answers200(string path)
    {
        using HttpResponseMessage response = await hub.GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("registry/2.0", HubRig.Header(response, "Docker-Distribution-Api-Version"));
    }

    [Fact]
    public async Task Manifest_ByTagAndByDigest_IsWhatWasPushed()
    {
        string name = hub.NewRepository();
        string document = await hub.PushImageAsync(name, "v1");
        Digest digest = HubRig.DigestOf(document);
        foreach (string reference in new[] { "v1", digest.ToString() })
        {
            using HttpResponseMessage response = await hub.GetAsync($"/v2/{name}/manifests/{reference}");
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal(document, await response.Content.ReadAsStringAsync());
            Assert.Equal(HubRig.OciManifest, response.Content.Headers.ContentType!.ToString());
            Assert.Equal(digest.ToString(), HubRig.Header(response, "Docker-Content-Digest"));

            using HttpResponseMessage head = await hub.SendAsync(HttpMethod.Head, $"/v2/{name}/manifests/{reference}");
            Assert.Equal(HttpStatusCode.OK, head.StatusCode);
            Assert.Equal(Encoding.UTF8.GetByteCount(document), head.Content.Headers.ContentLength);
            Assert.Equal(digest.ToString(), HubRig.Header(head, "Docker-Content-Digest"));
            Assert.Equal(HubRig.OciManifest, head.Content.Headers.ContentType!.ToString());
            Assert.Empty(await head.Content.ReadAsByteArrayAsync());
        }
    }

    [Fact]
    public async Task Manifest_ThatTheClientHas_IsNotSentAgain()
    {
        string name = hub.NewRepository();
        string document = await hub.PushImageAsync(name, "v1");
        using HttpResponseMessage response = await hub.GetAsync(
            $"/v2/{name}/manifests/v1", ("If-None-Match", $"\"{HubRig.DigestOf(document)}\""));
        Assert.Equal(HttpStatusCode.NotModified, response.StatusCode);
    }

    [Theory]
    [InlineData("nothing"), InlineData(".no-tag")]
    [InlineData("sha256:0123456789012345678901234567890123456789012345678901234567890123")]
    public async Task Manifest_ThatIsNotThere_Answers404(string reference)
    {
        string name = hub.NewRepository();
        await hub.PushImageAsync(name, "v1");
        using HttpResponseMessage response = await hub.GetAsync($"/v2/{name}/manifests/{reference}");
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("MANIFEST_UNKNOWN", await HubRig.CodeAsync(response));
        using HttpResponseMessage head = await hub.SendAsync(HttpMethod.Head, $"/v2/{name}/manifests/{reference}");
        Assert.Equal(HttpStatusCode.NotFound, head.StatusCode);
    }

    [Fact]
    public async Task Manifest_ByADigestThatIsNone_IsRefused()
    {
        using HttpResponseMessage response = await hub.GetAsync($"/v2/{hub.NewRepository()}/manifests/sha256:xyz");
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("DIGEST_INVALID", await HubRig.CodeAsync(response));
    }

    [Fact]
    public async Task Blob_GetAndHead_AreWhatWasPushed()
    {
        string name = hub.NewRepository();
        byte[] content = RandomBytes(100_000);
        Digest digest = await hub.PushBlobAsync(name, content);
        using HttpResponseMessage response = await hub.GetAsync($"/v2/{name}/blobs/{digest}");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(content, await response.Content.ReadAsByteArrayAsync());
        Assert.Equal(digest.ToString(), HubRig.Header(response, "Docker-Content-Digest"));
        using HttpResponseMessage head = await hub.SendAsync(HttpMethod.Head, $"/v2/{name}/blobs/{digest}");
        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
        Assert.Equal(content.Length, head.Content.Headers.ContentLength);
        Assert.Equal("bytes", HubRig.Header(head, "Accept-Ranges"));
    }

    [Theory]
    [InlineData(128 * 1024 - 1), InlineData(128 * 1024), InlineData(3_000_000)]
    public async Task Blob_Large_IsSentWhole_AndTheConnectionGoesOn(int size)
    {
        string name = hub.NewRepository();
        byte[] content = RandomBytes(size);
        Digest digest = await hub.PushBlobAsync(name, content);
        for (int i = 0; i < 3; i++)
            Assert.Equal(content, await hub.Client.GetByteArrayAsync(new Uri($"/v2/{name}/blobs/{digest}", UriKind.Relative)));
        using HttpResponseMessage part = await hub.GetAsync($"/v2/{name}/blobs/{digest}", ("Range", $"bytes=1-{size - 2}"));
        Assert.Equal(content.AsSpan(1, size - 2).ToArray(), await part.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task Blob_ThatTheClientDoesNotReadToItsEnd_HurtsNobody()
    {
        string name = hub.NewRepository();
        Digest digest = await hub.PushBlobAsync(name, RandomBytes(20_000_000));
        for (int i = 0; i < 5; i++)
        {
            using HttpResponseMessage response = await hub.GetAsync($"/v2/{name}/blobs/{digest}");
            await using Stream body = await response.Content.ReadAsStreamAsync();
            await body.ReadExactlyAsync(new byte[1000]);
        }
        Assert.Equal(20_000_000, (await hub.Client.GetByteArrayAsync(new Uri($"/v2/{name}/blobs/{digest}", UriKind.Relative))).Length);
    }

    [Fact]
    public async Task Blob_Empty_IsAnswered()
    {
        string name = hub.NewRepository();
        Digest digest = await hub.PushBlobAsync(name, "");
        Assert.Equal("", await hub.Client.GetStringAsync(new Uri($"/v2/{name}/blobs/{digest}", UriKind.Relative)));
    }

    [Fact]
    public async Task Blob_ThatIsNotThere_Answers404()
    {
        string name = hub.NewRepository();
        await hub.PushBlobAsync(name, "something");
        using HttpResponseMessage response = await hub.GetAsync($"/v2/{name}/blobs/{HubRig.DigestOf("something else")}");
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("BLOB_UNKNOWN", await HubRig.CodeAsync(response));
    }

    [Fact]
    public async Task Blob_OfAnotherRepository_IsNotThere()
    {
        Digest digest = await hub.PushBlobAsync(hub.NewRepository(), "elsewhere");
        using HttpResponseMessage response = await hub.GetAsync($"/v2/{hub.NewRepository()}/blobs/{digest}");
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Theory]
    [InlineData("bytes=0-0", 0, 1), InlineData("bytes=10-19", 10, 10), InlineData("bytes=990-", 990, 10), InlineData("bytes=-5", 995, 5)]
    [InlineData("bytes=-5000", 0, 1000), InlineData("bytes=0-9223372036854775807", 0, 1000), InlineData("Bytes=1-1", 1, 1)]
    [InlineData("bytes=999-99999999999999999999999999", 999, 1)]
    public async Task Blob_Range_IsThatPart(string range, long offset, long count)
    {
        string name = hub.NewRepository();
        byte[] content = RandomBytes(1000);
        Digest digest = await hub.PushBlobAsync(name, content);
        using HttpResponseMessage response = await hub.GetAsync($"/v2/{name}/blobs/{digest}", ("Range", range));
        Assert.Equal(HttpStatusCode.PartialContent, response.StatusCode);
        Assert.Equal($"bytes {offset}-{offset + count - 1}/1000", HubRig.Header(response, "Content-Range"));
        Assert.Equal(content.AsSpan((int)offset, (int)count).ToArray(), await response.Content.ReadAsByteArrayAsync());
    }

    [Theory]
    [InlineData("bytes=1000-"), InlineData("bytes=99999999999999999999-"), InlineData("bytes=-0")]
    public async Task Blob_RangeBehindTheEnd_Answers416(string range)
    {
        string name = hub.NewRepository();
        Digest digest = await hub.PushBlobAsync(name, RandomBytes(1000));
        using HttpResponseMessage response = await hub.GetAsync($"/v2/{name}/blobs/{digest}", ("Range", range));
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, response.StatusCode);
        Assert.Equal("bytes */1000", HubRig.Header(response, "Content-Range"));
    }

    [Theory]
    [InlineData("bytes=5-1"), InlineData("bytes=0-1,5-6"), InlineData("bytes=a-b"), InlineData("lines=1-2"), InlineData("bytes=-")]
    public async Task Blob_RangeThatIsNotUnderstood_IsIgnored(string range)
    {
        string name = hub.NewRepository();
        Digest digest = await hub.PushBlobAsync(name, RandomBytes(1000));
        using HttpResponseMessage response = await hub.GetAsync($"/v2/{name}/blobs/{digest}", ("Range", range));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(1000, (await response.Content.ReadAsByteArrayAsync()).Length);
    }

    [Fact]
    public async Task Blob_RangeOfAnotherVersion_IsTheWhole()
    {
        string name = hub.NewRepository();
        Digest digest = await hub.PushBlobAsync(name, RandomBytes(1000));
        using HttpResponseMessage response = await hub.GetAsync(
            $"/v2/{name}/blobs/{digest}", ("Range", "bytes=0-1"), ("If-Range", "\"another\""));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData("\"DIGEST\"", "GET"), InlineData("W/\"DIGEST\"", "GET"), InlineData("\"a\", \"DIGEST\"", "HEAD"), InlineData("*", "GET")]
    public async Task Blob_ThatIsThereAlready_Answers304(string tags, string method)
    {
        string name = hub.NewRepository();
        Digest digest = await hub.PushBlobAsync(name, RandomBytes(1000));
        string given = tags.Replace("DIGEST", digest.ToString(), StringComparison.Ordinal);
        using HttpResponseMessage response = await hub.SendAsync(
            new HttpMethod(method), $"/v2/{name}/blobs/{digest}", null, ("If-None-Match", given), ("Range", "bytes=0-1"));
        Assert.Equal(HttpStatusCode.NotModified, response.StatusCode);
        Assert.Equal($"\"{digest}\"", HubRig.Header(response, "ETag"));
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
        using HttpResponseMessage other = await hub.GetAsync($"/v2/{name}/blobs/{digest}", ("If-None-Match", "\"sha256:other\""));
        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
        using HttpResponseMessage unknown = await hub.GetAsync($"/v2/{name}/blobs/{HubRig.DigestOf("none")}", ("If-None-Match", "*"));
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
    }

    private static byte[] RandomBytes(int count)
    {
        byte[] bytes = new byte[count];
        Random.Shared.NextBytes(bytes);
        return bytes;
    }
}
