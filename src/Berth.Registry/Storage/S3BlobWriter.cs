using System.Buffers;
using Amazon.S3.Model;
using Berth.Oci;

namespace Berth.Registry.Storage;

/// <summary>An upload to S3: parts as they become full, and the rest in a local file until the request ends.</summary>
internal sealed class S3BlobWriter(S3BlobStorage storage, string id, S3UploadState state, S3Tail tail, RunningHash? hash) : IBlobWriter
{
    // S3 takes 10,000 parts of at least 5 MiB: with this, blobs of 156 GiB.
    private const int PartBytes = 16 * 1024 * 1024;

    private const int ReadBytes = 256 * 1024;

    private RunningHash? _hash = hash;
    private bool _changed;
    private bool _completed;
    private bool _finished;
    private string _location = S3BlobStorage.Location(id);

    public long Bytes { get; private set; }

    public bool HasUnsaved => _changed && !_completed;

    public void Abandon()
    {
        _hash?.Dispose();
        _hash = null;
    }

    public static async Task<S3BlobWriter> ResumeAsync(
        S3BlobStorage storage, string id, string algorithm, long bytes, CancellationToken cancellationToken)
    {
        byte[]? saved = await storage.ReadAsync(storage.StateKey(id), cancellationToken).ConfigureAwait(false);
        if (saved is null && bytes > 0)
            throw FaultException.NotFound($"resume upload {id}: its bytes are gone");
        S3UploadState state = saved is null ? new S3UploadState() : S3UploadState.Parse(saved);
        var tail = new S3Tail(storage.Spool);
        try
        {
            if (state.TailBytes > 0)
                await storage.TryReadAsync(storage.TailKey(id), tail, cancellationToken).ConfigureAwait(false);
            return Resume(storage, id, algorithm, bytes, state, tail);
        }
        catch
        {
            tail.Dispose();
            throw;
        }
    }

    private static S3BlobWriter Resume(S3BlobStorage storage, string id, string algorithm, long bytes, S3UploadState state, S3Tail tail)
    {
        // More than was agreed was written by a request that did not end. A part cannot be cut: what it held beyond is asked for again.
        while (state.PartsBytes > bytes)
        {
            state.Parts.RemoveAt(state.Parts.Count - 1);
            tail.Cut(0);
        }
        tail.Cut((int)Math.Min(tail.Bytes, bytes - state.PartsBytes));
        long there = state.PartsBytes + tail.Bytes;
        RunningHash? hash = storage.Hashes.Take(id, algorithm, there);
        if (hash is null && there == 0)
            hash = new RunningHash(algorithm);
        if (hash is not null && hash.Bytes != there)
        {
            hash.Dispose();
            hash = null;
        }
        return new S3BlobWriter(storage, id, state, tail, hash) { Bytes = there };
    }

    public async ValueTask WriteAsync(ReadOnlySequence<byte> bytes, CancellationToken cancellationToken)
    {
        foreach (ReadOnlyMemory<byte> segment in bytes)
        {
            for (ReadOnlyMemory<byte> rest = segment; !rest.IsEmpty;)
            {
                int count = Math.Min(rest.Length, PartBytes - tail.Bytes);
                tail.Append(rest.Span[..count]);
                _hash?.Append(rest.Span[..count]);
                Bytes += count;
                _changed = true;
                rest = rest[count..];
                if (tail.Bytes == PartBytes)
                    await SendPartAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    public async ValueTask SuspendAsync(CancellationToken cancellationToken)
    {
        if (!_changed || _completed)
            return;
        if (tail.Bytes > 0)
            await storage.WriteAsync(storage.TailKey(id), tail.OpenRead, cancellationToken).ConfigureAwait(false);
        await SaveStateAsync(cancellationToken).ConfigureAwait(false);
        _changed = false;
    }

    public async ValueTask<Digest> DigestAsync(string algorithm, CancellationToken cancellationToken)
    {
        if (_hash?.Algorithm == algorithm)
            return _hash.Digest();
        // Another process has hashed the beginning, or with another algorithm. Parts cannot be read, the whole object can.
        await CompleteAsync(cancellationToken).ConfigureAwait(false);
        using var hash = new RunningHash(algorithm);
        using GetObjectResponse response = await S3BlobStorage.AskAsync(
            () => storage.Client.GetObjectAsync(storage.Bucket, storage.Key(_location), cancellationToken)).ConfigureAwait(false);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ReadBytes);
        try
        {
            while (await response.ResponseStream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is > 0 and int count)
                hash.Append(buffer.AsSpan(0, count));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        return hash.Digest();
    }

    public async ValueTask<string> FinishAsync(Digest digest, CancellationToken cancellationToken)
    {
        await CompleteAsync(cancellationToken).ConfigureAwait(false);
        foreach (string key in new[] { storage.TailKey(id), storage.StateKey(id) })
            await S3BlobStorage.AskAsync(() => storage.Client.DeleteObjectAsync(storage.Bucket, key, cancellationToken))
                .ConfigureAwait(false);
        _finished = true;
        return _location;
    }

    public ValueTask DisposeAsync()
    {
        if (_hash is { } hash && _finished)
            hash.Dispose();
        else if (_hash is { } kept)
            storage.Hashes.Keep(id, kept);
        _hash = null;
        tail.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task CompleteAsync(CancellationToken cancellationToken)
    {
        if (_completed)
            return;
        if (state.UploadId is null)
        {
            // An object can be written over: under a key of this attempt's alone, one whose lease another has taken writes over nothing.
            _location = S3BlobStorage.Location($"{id}.{UploadIds.Next()}");
            await storage.WriteAsync(storage.Key(_location), tail.OpenRead, cancellationToken).ConfigureAwait(false);
            _completed = true;
            return;
        }
        if (tail.Bytes > 0)
            await SendPartAsync(cancellationToken).ConfigureAwait(false);
        var request = new CompleteMultipartUploadRequest
        {
            BucketName = storage.Bucket, Key = storage.BlobKey(id), UploadId = state.UploadId,
            PartETags = [.. state.Parts.Select((part, index) => new PartETag(index + 1, part.ETag))],
        };
        await S3BlobStorage.AskAsync(() => storage.Client.CompleteMultipartUploadAsync(request, cancellationToken)).ConfigureAwait(false);
        _completed = true;
    }

    private async Task SendPartAsync(CancellationToken cancellationToken)
    {
        if (state.UploadId is null)
        {
            InitiateMultipartUploadResponse begun = await S3BlobStorage.AskAsync(
                () => storage.Client.InitiateMultipartUploadAsync(storage.Bucket, storage.BlobKey(id), cancellationToken))
                .ConfigureAwait(false);
            state.UploadId = begun.UploadId;
            // Before the first part: whoever cleans up must be able to find it.
            await SaveStateAsync(cancellationToken).ConfigureAwait(false);
        }
        UploadPartResponse sent = await S3BlobStorage.AskAsync(async () =>
        {
            using Stream stream = tail.OpenRead();
            return await storage.Client.UploadPartAsync(
                new UploadPartRequest
                {
                    BucketName = storage.Bucket, Key = storage.BlobKey(id), UploadId = state.UploadId, PartNumber = state.Parts.Count + 1,
                    PartSize = tail.Bytes, InputStream = stream, UseChunkEncoding = false,
                }, cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
        state.Parts.Add((sent.ETag, tail.Bytes));
        tail.Cut(0);
    }

    private Task SaveStateAsync(CancellationToken cancellationToken)
    {
        state.TailBytes = tail.Bytes;
        return storage.WriteAsync(storage.StateKey(id), state.ToBytes(), cancellationToken);
    }
}
