using System.IO.Pipelines;
using Amazon.S3.Model;

namespace Berth.Registry.Storage;

/// <summary>An object of <see cref="S3BlobStorage"/>.</summary>
internal sealed class S3BlobReader(S3BlobStorage storage, string key, long bytes) : IBlobReader
{
    private const int PieceBytes = 256 * 1024;

    public long Bytes => bytes;

    public FileStream? File => null;

    public async ValueTask CopyToAsync(PipeWriter output, long offset, long count, CancellationToken cancellationToken)
    {
        var request = new GetObjectRequest { BucketName = storage.Bucket, Key = key };
        if (offset > 0 || count < bytes)
            request.ByteRange = new ByteRange(offset, offset + count - 1);
        using GetObjectResponse response = await S3BlobStorage.AskAsync(
            () => storage.Client.GetObjectAsync(request, cancellationToken)).ConfigureAwait(false);
        while (count > 0)
        {
            Memory<byte> room = output.GetMemory((int)Math.Min(count, PieceBytes));
            if (room.Length > count)
                room = room[..(int)count];
            int read = await response.ResponseStream.ReadAsync(room, cancellationToken).ConfigureAwait(false);
            if (read == 0)
                throw new EndOfStreamException("the storage sent less than it has");
            output.Advance(read);
            count -= read;
            FlushResult flushed = await output.FlushAsync(cancellationToken).ConfigureAwait(false);
            if (flushed.IsCompleted || flushed.IsCanceled)
                return;
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
