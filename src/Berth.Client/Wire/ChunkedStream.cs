using System.Globalization;
using System.Text;

namespace Berth.Client.Wire;

/// <summary>Sends what is written as chunks of an HTTP/1.1 body. Small writes are gathered.</summary>
internal sealed class ChunkedStream(Stream output) : Stream
{
    // Room for the size line in front and CR LF behind, so that each chunk is one write.
    private const int HeadRoom = 10;
    private readonly byte[] _buffer = new byte[HeadRoom + 64 * 1024 + 2];
    private int _count;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    private int Capacity => _buffer.Length - HeadRoom - 2;

    public override async ValueTask WriteAsync(
        ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty)
        {
            int count = Math.Min(buffer.Length, Capacity - _count);
            buffer[..count].CopyTo(_buffer.AsMemory(HeadRoom + _count));
            _count += count;
            buffer = buffer[count..];
            if (_count == Capacity)
                await FlushAsync(cancellationToken);
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    // GZipStream ends with synchronous writes when it is disposed; they only fill the buffer or block for one chunk.
    public override void Write(byte[] buffer, int offset, int count)
    {
        ReadOnlySpan<byte> rest = buffer.AsSpan(offset, count);
        while (!rest.IsEmpty)
        {
            int part = Math.Min(rest.Length, Capacity - _count);
            rest[..part].CopyTo(_buffer.AsSpan(HeadRoom + _count));
            _count += part;
            rest = rest[part..];
            if (_count == Capacity)
                output.Write(TakeChunk().Span);
        }
    }

    public override void Flush()
    {
        if (_count > 0)
            output.Write(TakeChunk().Span);
    }

    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        if (_count > 0)
            await output.WriteAsync(TakeChunk(), cancellationToken);
    }

    /// <summary>Sends what is left and the end mark. Without it the other side sees a body cut short, as it should.</summary>
    public async Task FinishAsync(CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken);
        await output.WriteAsync("0\r\n\r\n"u8.ToArray(), cancellationToken);
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private ReadOnlyMemory<byte> TakeChunk()
    {
        string head = _count.ToString("x", CultureInfo.InvariantCulture) + "\r\n";
        int start = HeadRoom - head.Length;
        Encoding.ASCII.GetBytes(head, _buffer.AsSpan(start));
        "\r\n"u8.CopyTo(_buffer.AsSpan(HeadRoom + _count));
        ReadOnlyMemory<byte> chunk = _buffer.AsMemory(start, head.Length + _count + 2);
        _count = 0;
        return chunk;
    }
}
