using System.IO.Compression;
using Berth.Faults;
using ZstdSharp;

namespace Berth.Distribution;

/// <summary>Opens a layer's tar, whatever it is compressed with: the content decides, not the media type.</summary>
internal static class Decompression
{
    /// <summary>The uncompressed bytes of a blob. Disposing it disposes the blob's stream.</summary>
    public static async Task<Stream> OpenAsync(Stream blob, long uncompressedBytesMax, CancellationToken cancellationToken)
    {
        byte[] head = new byte[4];
        int length = await blob.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellationToken);
        PrefixedStream whole = new(head.AsMemory(0, length), blob);
        Stream tar = head.AsSpan(0, length) switch
        {
            [0x1f, 0x8b, ..] => new GZipStream(whole, CompressionMode.Decompress),
            [0x28, 0xb5, 0x2f, 0xfd] => new DecompressionStream(whole, leaveOpen: false),
            // A skippable frame, with which some writers of zstd begin.
            [>= 0x50 and <= 0x5f, 0x2a, 0x4d, 0x18] => new DecompressionStream(whole, leaveOpen: false),
            _ => whole,
        };
        return new LimitedStream(tar, uncompressedBytesMax);
    }
}

/// <summary>A forward-only stream over another one.</summary>
internal abstract class ForwardStream : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public abstract override int Read(Span<byte> buffer);

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public abstract override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}

/// <summary>Puts back the bytes that were looked at.</summary>
internal sealed class PrefixedStream(ReadOnlyMemory<byte> prefix, Stream rest) : ForwardStream
{
    private ReadOnlyMemory<byte> _prefix = prefix;

    public override int Read(Span<byte> buffer) => _prefix.IsEmpty ? rest.Read(buffer) : TakePrefix(buffer);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _prefix.IsEmpty ? rest.ReadAsync(buffer, cancellationToken) : ValueTask.FromResult(TakePrefix(buffer.Span));

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            rest.Dispose();
        base.Dispose(disposing);
    }

    private int TakePrefix(Span<byte> buffer)
    {
        int count = Math.Min(buffer.Length, _prefix.Length);
        _prefix.Span[..count].CopyTo(buffer);
        _prefix = _prefix[count..];
        return count;
    }
}

/// <summary>Stops a decompression bomb, and says malformed input as what it is.</summary>
internal sealed class LimitedStream(Stream inner, long bytesMax) : ForwardStream
{
    private long _read;

    public override int Read(Span<byte> buffer)
    {
        try
        {
            return Count(inner.Read(buffer));
        }
        catch (Exception exception) when (exception is InvalidDataException or ZstdException or EndOfStreamException)
        {
            throw Malformed(exception);
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return Count(await inner.ReadAsync(buffer, cancellationToken));
        }
        catch (Exception exception) when (exception is InvalidDataException or ZstdException or EndOfStreamException)
        {
            throw Malformed(exception);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            inner.Dispose();
        base.Dispose(disposing);
    }

    private static FaultException Malformed(Exception cause) =>
        FaultException.Invalid($"unpack layer: the compressed data is malformed: {cause.Message.TrimEnd('.')}", cause);

    private int Count(int read)
    {
        _read += read;
        return _read <= bytesMax ? read : throw FaultException.Invalid(
            $"unpack layer: it is larger than the limit of {bytesMax} bytes");
    }
}

/// <summary>Tells how much was read.</summary>
internal sealed class CountingStream(Stream inner, Action<long> counted) : ForwardStream
{
    private long _count;

    public override int Read(Span<byte> buffer) => Count(inner.Read(buffer));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Count(await inner.ReadAsync(buffer, cancellationToken));

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            inner.Dispose();
        base.Dispose(disposing);
    }

    private int Count(int read)
    {
        counted(_count += read);
        return read;
    }
}
