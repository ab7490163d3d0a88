using System.Net;
using System.Runtime.CompilerServices;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace Berth.Registry.Storage;

/// <summary>Blobs as objects <c>blobs/&lt;upload&gt;</c> of an S3-compatible service, for several hubs that share them.</summary>
/// <remarks>
/// An object cannot be renamed or added to: so its key is the upload's ID, and what has arrived of it is a multipart upload of the
/// service's,
/// whose state is an object of its own beneath <c>uploads/</c>. The service says that an object is there when it is durable.
/// </remarks>
public sealed class S3BlobStorage : IBlobStorage
{
    private readonly AmazonS3Client _client;
    private readonly S3Options _options;

    /// <summary>A storage in a bucket. Nothing is asked of the service yet.</summary>
    public S3BlobStorage(S3Options options)
    {
        _options = options;
        _client = new AmazonS3Client(new BasicAWSCredentials(options.AccessKey, options.SecretKey), new AmazonS3Config
        {
            ServiceURL = options.Endpoint.ToString(), AuthenticationRegion = options.Region, ForcePathStyle = true, MaxErrorRetry = 4,
            // Newer checksums are not known to every service; the digest is checked by whoever pulls.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        });
    }

    internal SuspendedHashes Hashes { get; } = new();

    internal AmazonS3Client Client => _client;

    internal string Bucket => _options.Bucket;

    /// <inheritdoc/>
    public ValueTask<IBlobWriter> BeginAsync(string id, string algorithm, CancellationToken cancellationToken) =>
        new(new S3BlobWriter(this, id, new S3UploadState(), new RunningHash(algorithm)));

    /// <inheritdoc/>
    public async ValueTask<IBlobWriter> ResumeAsync(string id, string algorithm, long bytes, CancellationToken cancellationToken) =>
        await S3BlobWriter.ResumeAsync(this, id, algorithm, bytes, cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public async ValueTask<long?> ArrivedAsync(string id, long bytes, CancellationToken cancellationToken)
    {
        // Of an upload without bytes nothing is stored.
        if (await ReadAsync(StateKey(id), cancellationToken).ConfigureAwait(false) is not { } saved)
            return bytes == 0 ? 0 : null;
        S3UploadState state = S3UploadState.Parse(saved);
        return Math.Min(state.PartsBytes + state.TailBytes, bytes);
    }

    /// <inheritdoc/>
    public async ValueTask CancelAsync(string id, CancellationToken cancellationToken)
    {
        Hashes.Take(id, "sha256", 0)?.Dispose();
        byte[]? state = await ReadAsync(StateKey(id), cancellationToken).ConfigureAwait(false);
        if (state is not null && S3UploadState.Parse(state) is { UploadId: { } uploadId })
            await AbortAsync(BlobKey(id), uploadId, cancellationToken).ConfigureAwait(false);
        foreach (string key in new[] { TailKey(id), StateKey(id), BlobKey(id) })
            await AskAsync(() => _client.DeleteObjectAsync(Bucket, key, cancellationToken)).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<IBlobReader?> OpenAsync(string location, CancellationToken cancellationToken) =>
        await SizeAsync(location, cancellationToken).ConfigureAwait(false) is { } bytes
            ? new S3BlobReader(this, Key(location), bytes)
            : null;

    /// <inheritdoc/>
    public async ValueTask<long> DeleteAsync(string location, CancellationToken cancellationToken)
    {
        if (await SizeAsync(location, cancellationToken).ConfigureAwait(false) is not { } bytes)
            return 0;
        await AskAsync(() => _client.DeleteObjectAsync(Bucket, Key(location), cancellationToken)).ConfigureAwait(false);
        return bytes;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<StoredBlob> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new ListObjectsV2Request { BucketName = Bucket, Prefix = Key("blobs/") };
        bool more = true;
        while (more)
        {
            ListObjectsV2Response page =
                await AskAsync(() => _client.ListObjectsV2Async(request, cancellationToken)).ConfigureAwait(false);
            foreach (S3Object found in page.S3Objects ?? [])
                yield return new StoredBlob(found.Key[_options.Prefix.Length..], found.Size ?? 0);
            more = page.IsTruncated == true;
            request.ContinuationToken = page.NextContinuationToken;
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        Hashes.Dispose();
        _client.Dispose();
        return ValueTask.CompletedTask;
    }

    internal static string Location(string id) => $"blobs/{id}";

    internal string BlobKey(string id) => Key(Location(id));

    internal string StateKey(string id) => Key($"uploads/{id}.state");

    internal string TailKey(string id) => Key($"uploads/{id}.tail");

    /// <summary>A small object; null: none.</summary>
    internal async Task<byte[]?> ReadAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            using GetObjectResponse response = await _client.GetObjectAsync(Bucket, key, cancellationToken).ConfigureAwait(false);
            using var content = new MemoryStream();
            await response.ResponseStream.CopyToAsync(content, cancellationToken).ConfigureAwait(false);
            return content.ToArray();
        }
        catch (AmazonS3Exception exception) when (exception.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
        catch (Exception exception) when (IsAway(exception))
        {
            throw Away(exception);
        }
    }

    /// <summary>Stores a small object.</summary>
    internal Task WriteAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => AskAsync(async () =>
    {
        using var stream = new MemoryStream(content.ToArray(), writable: false);
        return await _client.PutObjectAsync(
            new PutObjectRequest { BucketName = Bucket, Key = key, InputStream = stream, UseChunkEncoding = false }, cancellationToken)
            .ConfigureAwait(false);
    });

    internal async Task AbortAsync(string key, string uploadId, CancellationToken cancellationToken)
    {
        try
        {
            await _client.AbortMultipartUploadAsync(Bucket, key, uploadId, cancellationToken).ConfigureAwait(false);
        }
        catch (AmazonS3Exception exception) when (exception.StatusCode
            is HttpStatusCode.NotFound or HttpStatusCode.NotImplemented or HttpStatusCode.MethodNotAllowed)
        {
            // It was completed or aborted before, or the service does not know how: its own rules for old uploads remain.
        }
        catch (Exception exception) when (IsAway(exception))
        {
            throw Away(exception);
        }
    }

    /// <summary>Asks the service; what fails is told as the hub's storage being away.</summary>
    internal static async Task<T> AskAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask().ConfigureAwait(false);
        }
        catch (Exception exception) when (IsAway(exception))
        {
            throw Away(exception);
        }
    }

    private static bool IsAway(Exception exception) => exception is AmazonServiceException or AmazonClientException or HttpRequestException;

    private static FaultException Away(Exception cause) => FaultException.Unavailable($"store blob: {cause.Message}", cause);

    private async Task<long?> SizeAsync(string location, CancellationToken cancellationToken)
    {
        try
        {
            GetObjectMetadataResponse head =
                await _client.GetObjectMetadataAsync(Bucket, Key(location), cancellationToken).ConfigureAwait(false);
            return head.ContentLength;
        }
        catch (AmazonS3Exception exception) when (exception.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
        catch (Exception exception) when (IsAway(exception))
        {
            throw Away(exception);
        }
    }

    private string Key(string name) => _options.Prefix + name;
}
