using System.Buffers;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Berth.Registry.Model;

namespace Berth.Registry.Storage;

/// <summary>Blobs as objects <c>blobs/&lt;upload&gt;[.&lt;attempt&gt;]</c> of an S3-compatible service, for several hubs that share them.
/// </summary>
/// <remarks>
/// An object cannot be renamed or added to: so its key is the upload's ID, and what has arrived of it is a multipart upload of the
/// service's,
/// whose state is an object of its own beneath <c>uploads/</c>. The service says that an object is there when it is durable.
/// </remarks>
public sealed class S3BlobStorage : IBlobStorage
{
    internal const string Blobs = "blobs/";
    private const string Uploads = "uploads/";
    private const string State = ".state";
    private const string Tail = ".tail";
    private const int ReadBytes = 64 * 1024;
    private const string OwnerKey = "storage.id";

    private readonly AmazonS3Client _client;
    private readonly S3Options _options;

    /// <summary>A storage in a bucket. Nothing is asked of the service yet.</summary>
    /// <param name="options">The bucket.</param>
    /// <param name="spool">A local directory for what has arrived and is too short for a part; made when it is needed.</param>
    public S3BlobStorage(S3Options options, string spool)
    {
        (_options, Spool) = (options, spool);
        _client = new AmazonS3Client(new BasicAWSCredentials(options.AccessKey, options.SecretKey), new AmazonS3Config
        {
            ServiceURL = options.Endpoint.ToString(), AuthenticationRegion = options.Region, ForcePathStyle = true, MaxErrorRetry = 4,
            // Newer checksums are not known to every service; the digest is checked by whoever pulls.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        });
    }

    internal SuspendedHashes Hashes { get; } = new();

    internal string Spool { get; }

    internal AmazonS3Client Client => _client;

    internal string Bucket => _options.Bucket;

    /// <inheritdoc/>
    public ValueTask<IBlobWriter> BeginAsync(string id, string algorithm, CancellationToken cancellationToken) =>
        new(new S3BlobWriter(this, id, new S3UploadState(), new S3Tail(Spool), new RunningHash(algorithm)));

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
    public async ValueTask<long> CancelAsync(string id, CancellationToken cancellationToken)
    {
        Hashes.Take(id, "sha256", 0)?.Dispose();
        long freed = 0;
        byte[]? saved = await ReadAsync(StateKey(id), cancellationToken).ConfigureAwait(false);
        if (saved is not null)
        {
            S3UploadState state = S3UploadState.Parse(saved);
            freed = saved.Length + state.TailBytes;
            if (state.UploadId is { } uploadId && await AbortAsync(BlobKey(id), uploadId, cancellationToken).ConfigureAwait(false))
                freed += state.PartsBytes;
        }
        foreach (string key in new[] { TailKey(id), StateKey(id) })
            await AskAsync(() => _client.DeleteObjectAsync(Bucket, key, cancellationToken)).ConfigureAwait(false);
        // It was interrupted between the finished object and the database's row: at every attempt there may be one.
        await foreach (StoredFile file in ObjectsAsync(Location(id), cancellationToken).ConfigureAwait(false))
            freed += await DeleteAsync(file.Location, cancellationToken).ConfigureAwait(false);
        return freed;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<StoredFile> PiecesAsync(string id, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (await ReadAsync(StateKey(id), cancellationToken).ConfigureAwait(false) is { } saved
            && S3UploadState.TryParse(saved)?.UploadId is { } uploadId)
            yield return new StoredFile(new S3Parts(id, uploadId).Location, id);
        await foreach (StoredFile file in ObjectsAsync(Uploads + id, cancellationToken).ConfigureAwait(false))
            yield return file;
        // It was interrupted between the finished object and the database's row: at every attempt there may be one.
        await foreach (StoredFile file in ObjectsAsync(Location(id), cancellationToken).ConfigureAwait(false))
            yield return file;
    }

    /// <inheritdoc/>
    public async ValueTask<IBlobReader?> OpenAsync(string location, CancellationToken cancellationToken) =>
        await StateAsync(location, cancellationToken).ConfigureAwait(false) is { Bytes: var bytes }
            ? new S3BlobReader(this, Key(location), bytes)
            : null;

    /// <inheritdoc/>
    public async ValueTask<long> DeleteAsync(string location, CancellationToken cancellationToken)
    {
        if (S3Parts.TryParse(location) is { } parts)
        {
            long held = await parts.BytesAsync(this, cancellationToken).ConfigureAwait(false) ?? 0;
            return await AbortAsync(BlobKey(parts.Id), parts.UploadId, cancellationToken).ConfigureAwait(false) ? held : 0;
        }
        if (await StateAsync(location, cancellationToken).ConfigureAwait(false) is not { } state)
            return 0;
        await AskAsync(() => _client.DeleteObjectAsync(Bucket, Key(location), cancellationToken)).ConfigureAwait(false);
        return state.Bytes;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<StoredFile> FilesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (string prefix in new[] { Uploads, Blobs })
        {
            await foreach (StoredFile file in ObjectsAsync(prefix, cancellationToken).ConfigureAwait(false))
                yield return file;
        }
        await foreach (StoredFile file in S3Parts.ListAsync(this, cancellationToken).ConfigureAwait(false))
            yield return file;
    }

    /// <inheritdoc/>
    public async ValueTask<long?> BytesAsync(string location, CancellationToken cancellationToken) =>
        S3Parts.TryParse(location) is { } parts
            ? await parts.BytesAsync(this, cancellationToken).ConfigureAwait(false)
            : (await StateAsync(location, cancellationToken).ConfigureAwait(false))?.Bytes;

    /// <inheritdoc/>
    public async ValueTask<StoredState?> LookAsync(StoredFile file, CancellationToken cancellationToken)
    {
        if (S3Parts.TryParse(file.Location) is not { } parts)
            return file.State ?? await StateAsync(file.Location, cancellationToken).ConfigureAwait(false);
        return await parts.BytesAsync(this, cancellationToken).ConfigureAwait(false) is { } bytes && file.State is { } begun
            ? begun with { Bytes = bytes }
            : null;
    }

    /// <inheritdoc/>
    public async ValueTask<DateTimeOffset> ClockAsync(CancellationToken cancellationToken)
    {
        // Left by a crash, this is an upload without a row.
        string location = $"{Uploads}{UploadIds.Next()}{Tail}";
        await WriteAsync(Key(location), [0], cancellationToken).ConfigureAwait(false);
        StoredState? written = await StateAsync(location, cancellationToken).ConfigureAwait(false);
        await DeleteAsync(location, cancellationToken).ConfigureAwait(false);
        return written?.ChangedAt ?? throw FaultException.Unavailable("look at the storage's clock: what was written is gone");
    }

    /// <inheritdoc/>
    public async ValueTask<string?> OwnerAsync(CancellationToken cancellationToken) =>
        await ReadAsync(Key(OwnerKey), cancellationToken).ConfigureAwait(false) is { } owner
            ? Encoding.ASCII.GetString(owner).Trim()
            : null;

    /// <inheritdoc/>
    public async ValueTask SetOwnerAsync(string owner, CancellationToken cancellationToken) =>
        await WriteAsync(Key(OwnerKey), Encoding.ASCII.GetBytes(owner + "\n"), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        Hashes.Dispose();
        _client.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>How many names an answer of a listing has; services give at most 1,000.</summary>
    internal int ListedAtOnce { get; init; } = 1000;

    internal static string Location(string id) => Blobs + id;

    internal string BlobKey(string id) => Key(Location(id));

    internal string StateKey(string id) => Key(Uploads + id + State);

    internal string TailKey(string id) => Key(Uploads + id + Tail);

    /// <summary>A small object; null: none.</summary>
    internal async Task<byte[]?> ReadAsync(string key, CancellationToken cancellationToken)
    {
        using var content = new MemoryStream();
        return await TryReadAsync(
            key, stream => stream.CopyToAsync(content, cancellationToken), cancellationToken).ConfigureAwait(false)
            ? content.ToArray()
            : null;
    }

    /// <summary>Reads what was written of an upload's tail; false: none.</summary>
    internal Task<bool> TryReadAsync(string key, S3Tail tail, CancellationToken cancellationToken) => TryReadAsync(
        key,
        async stream =>
        {
            byte[] buffer = ArrayPool<byte>.Shared.Rent(ReadBytes);
            try
            {
                while (await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is > 0 and int count)
                    tail.Append(buffer.AsSpan(0, count));
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }, cancellationToken);

    private async Task<bool> TryReadAsync(string key, Func<Stream, Task> read, CancellationToken cancellationToken)
    {
        try
        {
            using GetObjectResponse response = await _client.GetObjectAsync(Bucket, key, cancellationToken).ConfigureAwait(false);
            await read(response.ResponseStream).ConfigureAwait(false);
            return true;
        }
        catch (AmazonS3Exception exception) when (exception.StatusCode == HttpStatusCode.NotFound)
        {
            return false;
        }
        catch (Exception exception) when (IsAway(exception))
        {
            throw Away(exception);
        }
    }

    /// <summary>Stores a small object.</summary>
    internal Task WriteAsync(string key, byte[] content, CancellationToken cancellationToken) =>
        WriteAsync(key, () => new MemoryStream(content, writable: false), cancellationToken);

    /// <summary>Stores an object.</summary>
    internal Task WriteAsync(string key, Func<Stream> content, CancellationToken cancellationToken) => AskAsync(async () =>
    {
        using Stream stream = content();
        return await _client.PutObjectAsync(
            new PutObjectRequest { BucketName = Bucket, Key = key, InputStream = stream, UseChunkEncoding = false }, cancellationToken)
            .ConfigureAwait(false);
    });

    /// <summary>Gives up a multipart upload; false: there was none.</summary>
    internal async Task<bool> AbortAsync(string key, string uploadId, CancellationToken cancellationToken)
    {
        try
        {
            await _client.AbortMultipartUploadAsync(Bucket, key, uploadId, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (AmazonS3Exception exception) when (exception.StatusCode
            is HttpStatusCode.NotFound or HttpStatusCode.NotImplemented or HttpStatusCode.MethodNotAllowed)
        {
            // It was completed or aborted before, or the service does not know how: its own rules for old uploads remain.
            return false;
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

    internal static bool IsAway(Exception exception) =>
        exception is AmazonServiceException or AmazonClientException or HttpRequestException || IsUnreadable(exception);

    internal static FaultException Away(Exception cause) => FaultException.Unavailable(
        IsUnreadable(cause)
            ? $"{OutwardText.StorageAway}: the service's answer is not S3's, its ETag is no digest: is s3-endpoint an S3 service? ({cause.Message})"
            : $"{OutwardText.StorageAway}'s S3 service: {cause.Message}", cause);

    // What the client lets through when it takes an entity tag for the digest of an object and finds that it is none.
    private static bool IsUnreadable(Exception exception) => exception is FormatException or ArgumentOutOfRangeException;

    private async Task<StoredState?> StateAsync(string location, CancellationToken cancellationToken)
    {
        try
        {
            GetObjectMetadataResponse head =
                await _client.GetObjectMetadataAsync(Bucket, Key(location), cancellationToken).ConfigureAwait(false);
            return new StoredState(head.ContentLength, TimeOf(head.LastModified));
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

    private async IAsyncEnumerable<StoredFile> ObjectsAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new ListObjectsV2Request { BucketName = Bucket, Prefix = Key(prefix), MaxKeys = ListedAtOnce };
        bool more = true;
        while (more)
        {
            ListObjectsV2Response page =
                await AskAsync(() => _client.ListObjectsV2Async(request, cancellationToken)).ConfigureAwait(false);
            foreach (S3Object found in page.S3Objects ?? [])
            {
                if (FileOf(found) is { } file)
                    yield return file;
            }
            more = page.IsTruncated == true;
            request.ContinuationToken = page.NextContinuationToken;
        }
    }

    private StoredFile? FileOf(S3Object found)
    {
        string location = NameOf(found.Key);
        string name = location[(location.IndexOf('/', StringComparison.Ordinal) + 1)..];
        string id = location.StartsWith(Blobs, StringComparison.Ordinal) ? name.Split('.')[0]
            : name.EndsWith(State, StringComparison.Ordinal) ? name[..^State.Length]
            : name.EndsWith(Tail, StringComparison.Ordinal) ? name[..^Tail.Length] : "";
        return UploadIds.IsOne(id) ? new StoredFile(location, id, new StoredState(found.Size ?? 0, TimeOf(found.LastModified))) : null;
    }

    /// <summary>A service that tells no time says that something was just changed.</summary>
    internal static DateTimeOffset TimeOf(DateTime? time) => time is { } known ? known.ToUniversalTime() : DateTimeOffset.MaxValue;

    internal string Key(string name) => _options.Prefix + name;

    internal string NameOf(string key) => key[_options.Prefix.Length..];
}
