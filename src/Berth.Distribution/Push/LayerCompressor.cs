using System.IO.Compression;
using System.Security.Cryptography;
using Berth.Content;
using Berth.Faults;
using Berth.Oci;
using Berth.Oci.Images;

namespace Berth.Distribution;

/// <summary>Makes the compressed blob of a layer that was built here: gzip without name and time, so the same bytes each time.</summary>
internal static class LayerCompressor
{
    public static async Task<Descriptor> CompressAsync(
        IBlobStore store, PushLayer layer, Func<PushLayer, Stream, CancellationToken, Task> writeTar,
        CancellationToken cancellationToken)
    {
        await using IBlobIngest ingest = store.Begin();
        using IncrementalHash hash = layer.DiffId.Digest.CreateHash();
        await using (GZipStream gzip = new(new IngestStream(ingest), CompressionLevel.Fastest))
        {
            HashingStream tar = new(gzip, hash);
            await writeTar(layer, tar, cancellationToken);
        }
        byte[] sum = hash.GetHashAndReset();
        Digest actual = layer.DiffId.Digest.Algorithm == "sha512" ? Digest.FromSha512(sum) : Digest.FromSha256(sum);
        if (actual != layer.DiffId.Digest)
            throw FaultException.Internal(
                $"compress layer {layer.DiffId}: its files now make the tar {actual}: the layer store is damaged");
        long size = ingest.Written;
        Digest digest = await ingest.CommitAsync(cancellationToken);
        return new Descriptor { MediaType = MediaTypes.DockerLayerGzip, Digest = digest, Size = size };
    }
}

/// <summary>A forward-only stream that is written to.</summary>
internal abstract class SinkStream : Stream
{
    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public abstract override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
}

/// <summary>Writes into an ingest.</summary>
internal sealed class IngestStream(IBlobIngest ingest) : SinkStream
{
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        ingest.WriteAsync(buffer, cancellationToken);

    // GZipStream writes its own stream synchronously where its caller does.
    public override void Write(byte[] buffer, int offset, int count) =>
        ingest.WriteAsync(buffer.AsMemory(offset, count), CancellationToken.None).AsTask().GetAwaiter().GetResult();
}

/// <summary>Hashes what passes to another stream.</summary>
internal sealed class HashingStream(Stream inner, IncrementalHash hash) : SinkStream
{
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        hash.AppendData(buffer.Span);
        return inner.WriteAsync(buffer, cancellationToken);
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        hash.AppendData(buffer);
        inner.Write(buffer);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));
}
