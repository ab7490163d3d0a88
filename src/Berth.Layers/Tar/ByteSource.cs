namespace Berth.Layers.Tar;

/// <summary>Where a reader's bytes come from, piece by piece, without copying them.</summary>
internal abstract class ByteSource : IDisposable
{
    /// <summary>The rest of the current piece; valid until the next <see cref="Fill"/>.</summary>
    protected ReadOnlyMemory<byte> Piece { get; set; }

    /// <summary>What can be read now; empty only at the end of the input.</summary>
    public ReadOnlySpan<byte> Peek()
    {
        if (Piece.IsEmpty)
            Piece = Fill();
        return Piece.Span;
    }

    /// <summary>As <see cref="Peek"/>.</summary>
    public ReadOnlyMemory<byte> PeekMemory() => Peek().IsEmpty ? default : Piece;

    /// <summary>Goes past bytes that were peeked.</summary>
    public void Skip(int count) => Piece = Piece[count..];

    /// <summary>Fills a buffer; false when the input ends before its first byte.</summary>
    /// <exception cref="EndOfStreamException">The input ends within.</exception>
    public bool TryRead(Span<byte> buffer)
    {
        bool any = false;
        while (!buffer.IsEmpty)
        {
            ReadOnlySpan<byte> piece = Peek();
            if (piece.IsEmpty)
                return any ? throw new EndOfStreamException() : false;
            int count = Math.Min(piece.Length, buffer.Length);
            piece[..count].CopyTo(buffer);
            buffer = buffer[count..];
            Skip(count);
            any = true;
        }
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>The next piece; empty at the end of the input.</summary>
    protected abstract ReadOnlyMemory<byte> Fill();

    /// <summary>Gives buffers back.</summary>
    protected virtual void Dispose(bool disposing) { }
}

/// <summary>Bytes that are in memory: one piece.</summary>
internal sealed class MemorySource : ByteSource
{
    public MemorySource(ReadOnlyMemory<byte> bytes) => Piece = bytes;

    protected override ReadOnlyMemory<byte> Fill() => default;
}

/// <summary>Bytes of a stream, through one large buffer.</summary>
internal sealed class StreamSource(Stream stream) : ByteSource
{
    private const int BufferBytes = 256 * 1024;
    private byte[]? _buffer;

    protected override ReadOnlyMemory<byte> Fill()
    {
        _buffer ??= new byte[BufferBytes];
        return _buffer.AsMemory(0, stream.Read(_buffer, 0, _buffer.Length));
    }
}
