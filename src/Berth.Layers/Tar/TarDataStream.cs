namespace Berth.Layers.Tar;

/// <summary>One entry's data with its holes as zeros, read through its <see cref="TarReader"/>.</summary>
internal sealed class TarDataStream(TarReader reader, long size) : Stream
{
    private readonly byte[] _piece = new byte[64 * 1024];
    private long _position;
    private long _pieceOffset;
    private int _pieceUsed;
    private int _pieceLength;

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => size;
    public override long Position { get => _position; set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        if (_position == size || buffer.IsEmpty)
            return 0;
        if (_pieceUsed == _pieceLength)
            NextPiece();
        bool inHole = _pieceUsed == _pieceLength || _position < _pieceOffset + _pieceUsed;
        long end = _pieceUsed == _pieceLength ? size : _pieceOffset + _pieceUsed;
        int count = (int)Math.Min(buffer.Length, inHole ? end - _position : _pieceLength - _pieceUsed);
        if (inHole)
        {
            buffer[..count].Clear();
        }
        else
        {
            _piece.AsSpan(_pieceUsed, count).CopyTo(buffer);
            _pieceUsed += count;
        }
        _position += count;
        return count;
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken) =>
        cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<int>(cancellationToken) : new(Read(buffer.Span));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private void NextPiece()
    {
        if (_rest.Length == 0 && !TakeMore())
            return;
        _pieceLength = Math.Min(_rest.Length, _piece.Length);
        _pieceUsed = 0;
        _pieceOffset = _restOffset;
        _rest.AsSpan(0, _pieceLength).CopyTo(_piece);
        _rest = _rest[_pieceLength..];
        _restOffset += _pieceLength;
    }

    // A piece may be larger than what is kept here; its rest waits, since the reader has gone past it.
    private byte[] _rest = [];
    private long _restOffset;

    private bool TakeMore()
    {
        if (!reader.TryReadData(out _restOffset, out ReadOnlySpan<byte> data))
            return false;
        _rest = data.ToArray();
        return true;
    }
}
