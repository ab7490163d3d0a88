using System.Net;
using Berth.Registry.Storage;
using Berth.Tests;

namespace Berth.Registry.Tests.Storage;

/// <summary>Multipart uploads that a service keeps and that no object tells of. s3rver does not list them, so a service for this alone answers.</summary>
public sealed class S3PartsTests : IDisposable
{
    private readonly HttpListener _service = new();
    private readonly List<string> _asked = [];
    private readonly List<string> _uploads = [];
    private readonly S3BlobStorage _storage;
    private HttpStatusCode _refusal;

    public S3PartsTests()
    {
        string address = $"http://127.0.0.1:{FreePort.Next()}/";
        _service.Prefixes.Add(address);
        _service.Start();
        _ = ServeAsync();
        _storage = new S3BlobStorage(new S3Options
        {
            Endpoint = new Uri(address), Bucket = "hub", Prefix = "p/", AccessKey = "a", SecretKey = "s",
        }, Path.GetTempPath());
    }

    public void Dispose()
    {
        _service.Close();
        _storage.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    [Fact]
    public async Task Parts_WithoutAState_AreToldOverSeveralAnswers_AndAreAbortedWithTheirBytes()
    {
        _uploads.AddRange(Enumerable.Range(0, 3).Select(_ => UploadIds.Next()));
        List<StoredFile> files = await FilesAsync();
        Assert.Equal(_uploads, files.Select(file => file.UploadId));
        StoredState? state = await _storage.LookAsync(files[1], default);
        Assert.Equal(new StoredState(5_000_007, DateTimeOffset.Parse("2026-01-02T03:04:05Z")), state);
        Assert.Equal(5_000_007, await _storage.DeleteAsync(files[1].Location, default));
        Assert.Equal($"DELETE /hub/p/blobs/{files[1].UploadId}?uploadId=of-{files[1].UploadId}", _asked[^1]);
        Assert.Null(await _storage.LookAsync(files[1], default));
        Assert.Equal(0, await _storage.DeleteAsync(files[1].Location, default));
        Assert.Equal(2, (await FilesAsync()).Count);
    }

    [Theory]
    [InlineData(HttpStatusCode.NotImplemented), InlineData(HttpStatusCode.MethodNotAllowed), InlineData(HttpStatusCode.Forbidden)]
    public async Task Service_ThatDoesNotTell_HasNone(HttpStatusCode refusal)
    {
        _uploads.Add(UploadIds.Next());
        _refusal = refusal;
        Assert.Empty(await FilesAsync());
    }

    private async Task<List<StoredFile>> FilesAsync()
    {
        List<StoredFile> all = [];
        await foreach (StoredFile file in _storage.FilesAsync(default))
            all.Add(file);
        return all;
    }

    private async Task ServeAsync()
    {
        while (_service.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _service.GetContextAsync();
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
            _asked.Add($"{context.Request.HttpMethod} {context.Request.RawUrl}");
            (HttpStatusCode status, string body) = Answer(context.Request);
            context.Response.StatusCode = (int)status;
            context.Response.ContentType = "application/xml";
            await using (var writer = new StreamWriter(context.Response.OutputStream))
                await writer.WriteAsync(body);
            context.Response.Close();
        }
    }

    private (HttpStatusCode Status, string Body) Answer(HttpListenerRequest request)
    {
        string query = request.Url!.Query;
        string path = request.Url.AbsolutePath;
        if (query.Contains("list-type=2", StringComparison.Ordinal))
            return (HttpStatusCode.OK, "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>");
        if (path is "/hub" or "/hub/")
            return _refusal != default
                ? (_refusal, "<Error><Code>NotImplemented</Code><Message>no</Message></Error>")
                : (HttpStatusCode.OK, Listing(request.QueryString["key-marker"]));
        string id = path.Split('/')[^1];
        if (!_uploads.Contains(id))
            return (HttpStatusCode.NotFound, "<Error><Code>NoSuchUpload</Code><Message>gone</Message></Error>");
        if (request.HttpMethod == "DELETE")
        {
            _uploads.Remove(id);
            return (HttpStatusCode.NoContent, "");
        }
        bool isSecond = request.QueryString["part-number-marker"] == "1";
        return (HttpStatusCode.OK, $"""
            <ListPartsResult><IsTruncated>{(isSecond ? "false" : "true")}</IsTruncated><NextPartNumberMarker>1</NextPartNumberMarker>
            <Part><PartNumber>{(isSecond ? 2 : 1)}</PartNumber><Size>{(isSecond ? 7 : 5_000_000)}</Size></Part></ListPartsResult>
            """);
    }

    // One upload in each answer.
    private string Listing(string? after)
    {
        int next = string.IsNullOrEmpty(after) ? 0 : _uploads.FindIndex(id => after.EndsWith(id, StringComparison.Ordinal)) + 1;
        string upload = next < _uploads.Count
            ? $"""
                <Upload><Key>p/blobs/{_uploads[next]}</Key><UploadId>of-{_uploads[next]}</UploadId>
                <Initiated>2026-01-02T03:04:05.000Z</Initiated></Upload><NextKeyMarker>p/blobs/{_uploads[next]}</NextKeyMarker>
                <NextUploadIdMarker>of-{_uploads[next]}</NextUploadIdMarker>
                """
            : "";
        string isTruncated = next + 1 < _uploads.Count ? "true" : "false";
        return $"<ListMultipartUploadsResult>{upload}<IsTruncated>{isTruncated}</IsTruncated></ListMultipartUploadsResult>";
    }
}
