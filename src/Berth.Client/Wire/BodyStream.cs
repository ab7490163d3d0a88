using System.Globalization;

namespace Berth.Client.Wire;

/// <summary>The body of one answer: by length, in chunks, or up to the end of the connection.</summary>
internal sealed class BodyStream : Stream
{
    private readonly WireReader _reader;
    private readonly bool _chunked;
    private readonly Action<bool> _finished;
    private long _left;       // Bytes left in the body or in the current chunk; -1: until the connection ends.
    private bool _firstChunk = true;
    private bool _done;

    /// <param name="reader">The connection's reader, behind the head.</param>
    /// <param name="length">The body's length; -1: until the connection ends. Ignored when chunked.</param>
    /// <param name="chunked">True for <c>Transfer-Encoding: chunked</c>.</param>
    /// <param name="finished">Called once: true when the connection may be used again.</param>
    public BodyStream(WireReader reader, long length, bool chunked, Action<bool> finished)
    {
        (_reader, _left, _chunked, _finished) = (reader, chunked ? 0 : length, chunked, finished);
        if (!chunked && length == 0)
            Finish(reusable: true);
    }

    /// <summary>How many bytes are to come; -1 when only the end will tell.</summary>
    public long BytesLeft => _chunked ? -1 : _left;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_done || buffer.IsEmpty)
            return 0;
        if (_chunked && _left == 0 && !await NextChunkAsync(cancellationToken))
            return 0;
        if (_left >= 0 && buffer.Length > _left)
            buffer = buffer[..(int)_left];
        int count = await _reader.ReadAsync(buffer, cancellationToken);
        if (count == 0)
            return _left < 0 ? Finish(reusable: false) : throw new EndOfStreamException("unexpected EOF");
        if (_left > 0)
            _left -= count;
        return _left == 0 && !_chunked ? count + Finish(reusable: true) : count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) =>
        throw new NotSupportedException("bodies are read asynchronously");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_done)
            Finish(reusable: false);
        base.Dispose(disposing);
    }

    private async ValueTask<bool> NextChunkAsync(CancellationToken cancellationToken)
    {
        if (!_firstChunk)
            _ = await _reader.ReadLineAsync(cancellationToken);
        _firstChunk = false;
        string line = await _reader.ReadLineAsync(cancellationToken) ?? throw new EndOfStreamException("unexpected EOF");
        int extension = line.IndexOf(';');
        ReadOnlySpan<char> size = (extension < 0 ? line : line[..extension]).AsSpan().Trim();
        if (!long.TryParse(size, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _left) || _left < 0)
            throw new IOException("malformed chunked encoding");
        if (_left > 0)
            return true;
        while (await _reader.ReadLineAsync(cancellationToken) is { Length: > 0 })
        {
            // Trailers carry nothing we use.
        }
        Finish(reusable: true);
        return false;
    }

    private int Finish(bool reusable)
    {
        _done = true;
        _finished(reusable);
        return 0;
    }
}
