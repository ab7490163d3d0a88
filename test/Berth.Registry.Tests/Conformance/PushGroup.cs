using System.IO.Pipelines;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Berth.Oci;
using Berth.Registry.Model;
using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Conformance;

/// <summary>distribution-spec 1.1, "Push": end-4, end-5, end-6, end-7, end-11, end-13, end-14.</summary>
public abstract class PushGroup<THub>(THub hub) : IClassFixture<THub> where THub : HubRig
{
    private static readonly byte[] s_content = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 5000).Select(i => $"{i} ")));
    private static readonly Digest s_digest = Digest.Of(s_content);

    [Fact]
    public async Task Blob_ByPostAndPut_IsThere()
    {
        string name = hub.NewRepository();
        string location = await hub.BeginUploadAsync(name);
        using HttpResponseMessage response = await FinishAsync(location, s_digest, s_content);
        await AssertCreatedAsync(name, response, s_digest);
    }

    [Fact]
    public async Task Blob_ByOnePost_IsThere()
    {
        string name = hub.NewRepository();
        using HttpResponseMessage response = await hub.SendAsync(
            HttpMethod.Post, $"/v2/{name}/blobs/uploads/?digest={s_digest}", new ByteArrayContent(s_content));
        await AssertCreatedAsync(name, response, s_digest);
    }

    [Fact]
    public async Task Blob_ThatAnotherRepositoryHas_IsThereAndStoredOnce()
    {
        string name = hub.NewRepository();
        byte[] content = Encoding.UTF8.GetBytes(name);
        Digest digest = await hub.PushBlobAsync(name, content);
        string second = hub.NewRepository();
        using HttpResponseMessage response = await FinishAsync(await hub.BeginUploadAsync(second), digest, content);
        await AssertCreatedAsync(second, response, digest);
        Assert.Equal(1, await hub.Services.Database.ReadAsync(
            (transaction, token) => transaction.NumberAsync($"select count(*) from blobs where digest = {digest}", token), default));
    }

    [Theory]
    [InlineData(false), InlineData(true)]
    public async Task Blob_OfARepositoryThatIsDeletedMeanwhile_IsUnknown(bool isKnown)
    {
        string name = hub.NewRepository();
        await hub.PushImageAsync(name, "latest");
        // So much that the client does not keep the first half to itself.
        byte[] content = RandomNumberGenerator.GetBytes(400_000);
        Digest digest = isKnown ? await hub.PushBlobAsync(hub.NewRepository(), content) : Digest.Of(content);
        Pipe body = new(new PipeOptions(pauseWriterThreshold: 0));
        await body.Writer.WriteAsync(content.AsMemory(0, 200_000));
        Task<HttpResponseMessage> sent = hub.SendAsync(
            HttpMethod.Post, $"/v2/{name}/blobs/uploads/?digest={digest}", new StreamContent(body.Reader.AsStream()));
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (await UploadsAsync(name) == 0)
            await Task.Delay(5, patience.Token);
        await hub.Services.Browsing.Settings.DeleteAsync(new Caller { Name = "operator" }, RepositoryName.Parse(name), default);
        await body.Writer.WriteAsync(content.AsMemory(200_000));
        await body.Writer.CompleteAsync();
        using HttpResponseMessage response = await sent;
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("BLOB_UPLOAD_UNKNOWN", await HubRig.CodeAsync(response));
    }

    private Task<long?> UploadsAsync(string name) => hub.Services.Database.ReadAsync(
        (transaction, token) => transaction.NumberAsync(
            $"select count(*) from uploads u join repositories r on r.id = u.repository_id where r.name = {name}", token), default);

    [Theory]
    [InlineData(1), InlineData(7), InlineData(5000)]
    public async Task Blob_InChunks_IsThere(int chunks)
    {
        string name = hub.NewRepository();
        string location = await hub.BeginUploadAsync(name);
        int offset = 0;
        foreach (byte[] chunk in s_content.Chunk(Math.Max(s_content.Length / chunks, 500)))
        {
            using HttpResponseMessage response = await PatchAsync(location, chunk, $"{offset}-{offset + chunk.Length - 1}");
            Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
            offset += chunk.Length;
            Assert.Equal($"0-{offset - 1}", HubRig.Header(response, "Range"));
            location = response.Headers.Location!.ToString();
        }
        using HttpResponseMessage end = await FinishAsync(location, s_digest, []);
        await AssertCreatedAsync(name, end, s_digest);
    }

    [Fact]
    public async Task Blob_WithItsLastChunkInThePut_IsThere()
    {
        string name = hub.NewRepository();
        string location = await hub.BeginUploadAsync(name);
        using HttpResponseMessage first = await PatchAsync(location, s_content[..1000], "0-999");
        using HttpResponseMessage end = await FinishAsync(
            first.Headers.Location!.ToString(), s_digest, s_content[1000..], $"1000-{s_content.Length - 1}");
        await AssertCreatedAsync(name, end, s_digest);
    }

    [Fact]
    public async Task Blob_StreamedWithoutLengthOrRange_IsThere()
    {
        string name = hub.NewRepository();
        string location = await hub.BeginUploadAsync(name);
        using var stream = new MemoryStream(s_content);
        using HttpResponseMessage response = await hub.SendAsync(
            HttpMethod.Patch, location, new StreamContent(stream), ("Transfer-Encoding", "chunked"));
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        using HttpResponseMessage end = await FinishAsync(location, s_digest, []);
        await AssertCreatedAsync(name, end, s_digest);
    }

    [Theory]
    [InlineData("500-1499"), InlineData("1001-2000"), InlineData("0-999")]
    public async Task Chunk_OutOfOrder_Answers416AndTellsThePlace(string range)
    {
        string location = await hub.BeginUploadAsync(hub.NewRepository());
        using HttpResponseMessage first = await PatchAsync(location, s_content[..1000], "0-999");
        using HttpResponseMessage wrong = await PatchAsync(location, s_content[..1000], range);
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, wrong.StatusCode);
        Assert.Equal("BLOB_UPLOAD_INVALID", await HubRig.CodeAsync(wrong));
        Assert.Equal("0-999", HubRig.Header(wrong, "Range"));
        using HttpResponseMessage rest = await PatchAsync(location, s_content[1000..], $"1000-{s_content.Length - 1}");
        Assert.Equal(HttpStatusCode.Accepted, rest.StatusCode);
    }

    [Theory]
    [InlineData("x-y", "BLOB_UPLOAD_INVALID"), InlineData("9-0", "BLOB_UPLOAD_INVALID"), InlineData("0", "BLOB_UPLOAD_INVALID")]
    [InlineData("-1", "BLOB_UPLOAD_INVALID"), InlineData("0-9223372036854775807", "BLOB_UPLOAD_INVALID"), InlineData("0-5", "SIZE_INVALID")]
    public async Task Chunk_WithAWrongRange_IsRefused(string range, string code)
    {
        string location = await hub.BeginUploadAsync(hub.NewRepository());
        using HttpResponseMessage response = await PatchAsync(location, s_content[..10], range);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(code, await HubRig.CodeAsync(response));
    }

    [Fact]
    public async Task Upload_Status_TellsWhatArrived()
    {
        string location = await hub.BeginUploadAsync(hub.NewRepository());
        using HttpResponseMessage first = await PatchAsync(location, s_content[..1000], "0-999");
        using HttpResponseMessage status = await hub.GetAsync(location);
        Assert.Equal(HttpStatusCode.NoContent, status.StatusCode);
        Assert.Equal("0-999", HubRig.Header(status, "Range"));
        Assert.NotNull(status.Headers.Location);
    }

    [Fact]
    public async Task Upload_Cancelled_IsGone()
    {
        string location = await hub.BeginUploadAsync(hub.NewRepository());
        using HttpResponseMessage cancelled = await hub.SendAsync(HttpMethod.Delete, location);
        Assert.Equal(HttpStatusCode.NoContent, cancelled.StatusCode);
        foreach (HttpMethod method in new[] { HttpMethod.Get, HttpMethod.Patch, HttpMethod.Delete })
        {
            using HttpResponseMessage after = await hub.SendAsync(method, location, method == HttpMethod.Patch ? new ByteArrayContent([1]) : null);
            Assert.Equal(HttpStatusCode.NotFound, after.StatusCode);
            Assert.Equal("BLOB_UPLOAD_UNKNOWN", await HubRig.CodeAsync(after));
        }
    }

    [Fact]
    public async Task Upload_OfAnotherRepository_IsNotThere()
    {
        string location = await hub.BeginUploadAsync(hub.NewRepository());
        string elsewhere = $"/v2/{hub.NewRepository()}/blobs/uploads/{location.Split('/')[^1]}";
        using HttpResponseMessage response = await FinishAsync(elsewhere, s_digest, s_content);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("BLOB_UPLOAD_UNKNOWN", await HubRig.CodeAsync(response));
    }

    [Fact]
    public async Task Blob_WithAnotherDigest_IsRefusedAndNotThere()
    {
        string name = hub.NewRepository();
        Digest wrong = HubRig.DigestOf(name);
        using HttpResponseMessage put = await FinishAsync(await hub.BeginUploadAsync(name), wrong, s_content);
        using HttpResponseMessage post = await hub.SendAsync(
            HttpMethod.Post, $"/v2/{name}/blobs/uploads/?digest={wrong}", new ByteArrayContent(s_content));
        foreach (HttpResponseMessage response in new[] { put, post })
        {
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
            Assert.Equal("DIGEST_INVALID", await HubRig.CodeAsync(response));
        }
        using HttpResponseMessage get = await hub.GetAsync($"/v2/{name}/blobs/{wrong}");
        Assert.Equal(HttpStatusCode.NotFound, get.StatusCode);
    }

    [Theory]
    [InlineData(""), InlineData("?digest="), InlineData("?digest=sha256:abc"), InlineData("?digest=md5:d41d8cd98f00b204e9800998ecf8427e")]
    public async Task Blob_WithADigestThatIsNone_IsRefused(string query)
    {
        string location = await hub.BeginUploadAsync(hub.NewRepository());
        using HttpResponseMessage response = await hub.SendAsync(HttpMethod.Put, location + query, new ByteArrayContent(s_content));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("DIGEST_INVALID", await HubRig.CodeAsync(response));
    }

    [Theory]
    [InlineData(""), InlineData("?digest-algorithm=sha512")]
    public async Task Blob_WithSha512_IsThere(string query)
    {
        string name = hub.NewRepository();
        Digest digest = Digest.FromSha512(SHA512.HashData(s_content));
        string location = await hub.BeginUploadAsync(name, query);
        using HttpResponseMessage first = await PatchAsync(location, s_content[..1000], "0-999");
        using HttpResponseMessage response = await FinishAsync(location, digest, s_content[1000..]);
        await AssertCreatedAsync(name, response, digest);
    }

    [Fact]
    public async Task Upload_WithAnUnknownAlgorithm_IsRefused()
    {
        using HttpResponseMessage response = await hub.SendAsync(
            HttpMethod.Post, $"/v2/{hub.NewRepository()}/blobs/uploads/?digest-algorithm=md5");
        Assert.Equal("DIGEST_INVALID", await HubRig.CodeAsync(response));
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public async Task Mount_OfABlobElsewhere_IsThereAtOnce(bool says)
    {
        string from = hub.NewRepository();
        Digest digest = await hub.PushBlobAsync(from, from);
        string name = hub.NewRepository();
        using HttpResponseMessage response = await hub.SendAsync(
            HttpMethod.Post, $"/v2/{name}/blobs/uploads/?mount={digest}{(says ? $"&from={from}" : "")}");
        await AssertCreatedAsync(name, response, digest);
    }

    [Theory]
    [InlineData("?mount=sha256:0123456789012345678901234567890123456789012345678901234567890123&from=test/none")]
    [InlineData("?mount=sha256:0123456789012345678901234567890123456789012345678901234567890123")]
    [InlineData("?mount=nonsense&from=test/none"), InlineData("?mount=nonsense&from=../x")]
    public async Task Mount_OfWhatIsNotThere_BeginsAnUpload(string query)
    {
        string name = hub.NewRepository();
        using HttpResponseMessage response = await FinishAsync(await hub.BeginUploadAsync(name, query), s_digest, s_content);
        await AssertCreatedAsync(name, response, s_digest);
    }

    private async Task AssertCreatedAsync(string name, HttpResponseMessage response, Digest digest)
    {
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal(digest.ToString(), HubRig.Header(response, "Docker-Content-Digest"));
        byte[] content = await hub.Client.GetByteArrayAsync(response.Headers.Location);
        using var hash = digest.CreateHash();
        hash.AppendData(content);
        Assert.Equal(digest.Hex, Convert.ToHexStringLower(hash.GetCurrentHash()));
        Assert.Equal($"/v2/{name}/blobs/{digest}", response.Headers.Location!.ToString());
    }

    private Task<HttpResponseMessage> PatchAsync(string location, byte[] content, string range) =>
        hub.SendAsync(HttpMethod.Patch, location, new ByteArrayContent(content), ("Content-Range", range));

    private Task<HttpResponseMessage> FinishAsync(string location, Digest digest, byte[] content, string? range = null) => hub.SendAsync(
        HttpMethod.Put, $"{location}?digest={digest}", new ByteArrayContent(content), range is null ? [] : [("Content-Range", range)]);
}
