using Berth.BuildKit.Protocol;
using Google.Protobuf;

namespace Berth.BuildKit.Control;

/// <summary>A session's connection inside a call of <c>Control.Session</c>: each message carries a piece of it.</summary>
internal sealed class SessionTunnel(ControlCall call) : Stream
{
    private ReadOnlyMemory<byte> _rest;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, call.Cancelled);
        while (_rest.IsEmpty)
        {
            BytesMessage? message =
                await MessageFrames.ReadAsync(call.Requests, BytesMessage.Parser, either.Token).ConfigureAwait(false);
            if (message is null)
                return 0;
            _rest = message.Data.Memory;
        }
        // Nothing is asked for by whoever only waits for something to come.
        int count = Math.Min(buffer.Length, _rest.Length);
        _rest[..count].CopyTo(buffer);
        _rest = _rest[count..];
        return count;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // Whoever takes the session's bytes copies the message into its frame before this returns.
        BytesMessage message = new() { Data = UnsafeByteOperations.UnsafeWrap(buffer) };
        await MessageFrames.WriteAsync(call.Answers, message, cancellationToken).ConfigureAwait(false);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
