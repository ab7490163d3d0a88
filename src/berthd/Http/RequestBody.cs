using System.Buffers;
using System.IO.Pipelines;

namespace Berth.Daemon.Http;

/// <summary>A request's body that can be given up and still be read to its end.</summary>
/// <remarks>Kestrel cannot go on with a body of which a read was cancelled: it closes the connection under a client that still sends, and
/// that client tells of a broken pipe instead of what the answer says. Here a cancelled read goes on alone, and
/// <see cref="DrainAsync"/> takes it up. For one reader at a time.</remarks>
internal sealed class RequestBody(PipeReader reader) : Stream
{
    private Task<ReadResult>? _pending;
    private bool _isEnded;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException("the body's length is in the request's header");

    public override long Position
    {
        get => throw new NotSupportedException("a request's body is read once");
        set => throw new NotSupportedException("a request's body is read once");
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
            return 0;
        while (!_isEnded)
        {
            ReadResult result = await NextAsync(cancellationToken);
            int count = (int)Math.Min(buffer.Length, result.Buffer.Length);
            result.Buffer.Slice(0, count).CopyTo(buffer.Span);
            reader.AdvanceTo(result.Buffer.GetPosition(count));
            _isEnded = result.IsCompleted && count == result.Buffer.Length;
            if (count > 0)
                return count;
        }
        return 0;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Reads what nobody wanted, so that the client can send it all and read the answer.</summary>
    /// <param name="cancellationToken">When to leave the rest: the client then meets a closed connection.</param>
    /// <exception cref="OperationCanceledException">The body did not end in time.</exception>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        while (!_isEnded)
        {
            ReadResult result = await NextAsync(cancellationToken);
            reader.AdvanceTo(result.Buffer.End);
            _isEnded = result.IsCompleted;
        }
    }

    public override void Flush() { }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("read it asynchronously");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("a request's body is read once");

    public override void SetLength(long value) => throw new NotSupportedException("a request's body is read only");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("a request's body is read only");

    // Waits for the read that is under way, or begins one; never two at once.
    private async ValueTask<ReadResult> NextAsync(CancellationToken cancellationToken)
    {
        if (_pending is null)
        {
            ValueTask<ReadResult> read = reader.ReadAsync(CancellationToken.None);
            if (read.IsCompletedSuccessfully)
                return read.Result;
            _pending = read.AsTask();
        }
        ReadResult result = await _pending.WaitAsync(cancellationToken);
        _pending = null;
        return result;
    }
}
