using System.IO.Compression;
using Berth.Faults;
using ZstdSharp;

namespace Berth.Builder.Files;

/// <summary>Recognises compressed streams by their first bytes and opens them, in this process alone.</summary>
internal static class Compression
{
    /// <summary>How many bytes <see cref="Open"/> looks at.</summary>
    public const int HeadBytes = 6;

    /// <summary>The uncompressed bytes of a stream.</summary>
    /// <param name="stream">The stream, from its beginning.</param>
    /// <param name="head">Its first bytes.</param>
    /// <exception cref="FaultException">NotSupported: bzip2 or xz.</exception>
    public static Stream Open(Stream stream, ReadOnlySpan<byte> head)
    {
        if (head.StartsWith((ReadOnlySpan<byte>)[0x1f, 0x8b]))
            return new GZipStream(stream, CompressionMode.Decompress);
        if (head.StartsWith((ReadOnlySpan<byte>)[0x28, 0xb5, 0x2f, 0xfd]))
            return new DecompressionStream(stream);
        return Refused(head) is { } name
            ? throw new FaultException(FaultKind.NotSupported, $"{name} archives are not unpacked here: use gzip, zstd or no compression")
            : stream;
    }

    /// <summary>The name of a compression that is known and not offered; null for anything else.</summary>
    public static string? Refused(ReadOnlySpan<byte> head) => head.StartsWith("BZh"u8) ? "bzip2"
        : head.StartsWith((ReadOnlySpan<byte>)[0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0]) ? "xz" : null;

    /// <summary>True for a tar header whose checksum holds.</summary>
    public static bool IsTarHeader(ReadOnlySpan<byte> block)
    {
        if (block.Length < 512 || block[0] == 0)
            return false;
        int sum = 0;
        for (int i = 0; i < 512; i++)
            sum += i is >= 148 and < 156 ? ' ' : block[i];
        long written = 0;
        foreach (byte digit in block[148..156])
        {
            if (digit is >= (byte)'0' and <= (byte)'7')
                written = (written * 8) + digit - '0';
            else if (digit is not ((byte)' ' or 0))
                return false;
        }
        return written == sum;
    }
}

/// <summary>A stream with some bytes put back before it.</summary>
internal sealed class PrefixedStream(byte[] prefix, Stream rest) : Stream
{
    private int _at;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer) => TakePrefix(buffer) is > 0 and var count ? count : rest.Read(buffer);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        TakePrefix(buffer.Span) is > 0 and var count ? new ValueTask<int>(count) : rest.ReadAsync(buffer, cancellationToken);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private int TakePrefix(Span<byte> buffer)
    {
        int count = Math.Min(buffer.Length, prefix.Length - _at);
        prefix.AsSpan(_at, count).CopyTo(buffer);
        _at += count;
        return count;
    }
}
