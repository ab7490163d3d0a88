using Berth.BuildKit.Protocol;
using Berth.BuildKit.Sessions;
using Berth.Faults;
using Grpc.Core;

namespace Berth.BuildKit.Control;

/// <summary>A tar that a client has on its standard input, sent over its session when it is read.</summary>
/// <remarks>BuildKit, session/upload.</remarks>
internal sealed class UploadStream : Stream
{
    private readonly AsyncDuplexStreamingCall<BytesMessage, BytesMessage> _call;
    private ReadOnlyMemory<byte> _rest;

    /// <exception cref="FaultException">InvalidArgument: the client uploads nothing.</exception>
    public UploadStream(ClientSession session, string path, CancellationToken cancellationToken)
    {
        if (!session.Offers(SessionMethods.Upload))
            throw FaultException.Invalid("session: the client uploads nothing to this build");
        Metadata headers = new() { { "urlpath", path }, { "urlhost", "buildkit-session" } };
        _call = session.Calls.AsyncDuplexStreamingCall(
            SessionMethods.Upload, null, new CallOptions(headers, cancellationToken: cancellationToken));
    }

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
        try
        {
            while (_rest.IsEmpty)
            {
                if (!await _call.ResponseStream.MoveNext(cancellationToken).ConfigureAwait(false))
                    return 0;
                _rest = _call.ResponseStream.Current.Data.Memory;
            }
        }
        catch (RpcException refused)
        {
            throw ClientSession.Explain(refused, "upload", cancellationToken);
        }
        int count = Math.Min(buffer.Length, _rest.Length);
        _rest[..count].CopyTo(buffer);
        _rest = _rest[count..];
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _call.Dispose();
        base.Dispose(disposing);
    }
}
