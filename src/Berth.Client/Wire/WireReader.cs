using System.Text;

namespace Berth.Client.Wire;

/// <summary>Reads heads and bodies of HTTP/1.1 answers from a connection; what was read too far stays buffered.</summary>
/// <remarks>RFC 9112. Lengths an engine controls are bounded: a head is at most <see cref="HeadLengthMax"/> bytes.</remarks>
internal sealed class WireReader(Stream stream)
{
    public const int HeadLengthMax = 64 * 1024;

    private readonly byte[] _buffer = new byte[32 * 1024];
    private int _start;
    private int _end;

    public int Buffered => _end - _start;

    public async ValueTask<int> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        if (Buffered == 0)
        {
            // Large reads skip the buffer; small ones fill it.
            if (destination.Length >= _buffer.Length)
                return await stream.ReadAsync(destination, cancellationToken);
            if (!await FillAsync(cancellationToken))
                return 0;
        }
        int count = Math.Min(destination.Length, Buffered);
        _buffer.AsMemory(_start, count).CopyTo(destination);
        _start += count;
        return count;
    }

    /// <summary>One line without its CR LF; null at the end of the connection.</summary>
    public async ValueTask<string?> ReadLineAsync(CancellationToken cancellationToken)
    {
        StringBuilder? parts = null;
        while (true)
        {
            int newline = _buffer.AsSpan(_start, Buffered).IndexOf((byte)'\n');
            int count = newline < 0 ? Buffered : newline;
            string part = Encoding.Latin1.GetString(_buffer, _start, count);
            _start += newline < 0 ? count : count + 1;
            if (newline >= 0)
                return (parts is null ? part : parts.Append(part).ToString()).TrimEnd('\r');
            parts = (parts ?? new StringBuilder()).Append(part);
            if (parts.Length > HeadLengthMax)
                throw new IOException("header line is too long");
            if (!await FillAsync(cancellationToken))
                return parts.Length == 0 ? null : throw new EndOfStreamException("connection ended inside a header");
        }
    }

    private async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        _start = 0;
        _end = await stream.ReadAsync(_buffer, cancellationToken);
        return _end > 0;
    }
}
