using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Berth.Daemon.Transport;

/// <summary>
/// A connection that an endpoint can take away from the server's HTTP layer, which sees it as closed from then on and never learns
/// that the client half-closed. Kestrel's own upgrade cannot be used: it aborts the connection when the client ends its side, and
/// the output of <c>echo x | docker run -i … cat</c> is lost.
/// </summary>
internal sealed class HijackableConnection : ConnectionContext, IHijackFeature
{
    private readonly ConnectionContext _inner;
    private readonly CancellationTokenSource _closed = new();
    private readonly CancellationTokenRegistration _innerClosed;
    private readonly FacadePipe _facade;
    private volatile bool _hijacked;
    private volatile bool _expected;
    private volatile bool _innerEnded;
    private volatile bool _isUndecided;

    /// <param name="inner">The connection.</param>
    /// <param name="mayBeHttp2">A client may begin with HTTP/2; else HTTP/1.1 refuses it.</param>
    public HijackableConnection(ConnectionContext inner, bool mayBeHttp2)
    {
        _inner = inner;
        _isUndecided = mayBeHttp2;
        _facade = new FacadePipe(this, inner.Transport);
        inner.Features.Set<IHijackFeature>(this);
        _innerClosed = inner.ConnectionClosed.UnsafeRegister(
            static state => ((HijackableConnection)state!).OnInnerClosed(), this);
    }

    /// <summary>The client speaks HTTP/2: HTTP/1.1 saw an ended connection, and the bytes are still to be read.</summary>
    public bool IsHttp2 { get; private set; }

    public override IDuplexPipe Transport
    {
        get => _facade;
        set => throw new NotSupportedException("the transport of a hijackable connection is fixed");
    }

    public override string ConnectionId { get => _inner.ConnectionId; set => _inner.ConnectionId = value; }

    public override IFeatureCollection Features => _inner.Features;

    public override IDictionary<object, object?> Items { get => _inner.Items; set => _inner.Items = value; }

    public override CancellationToken ConnectionClosed
    {
        get => _closed.Token;
        set => throw new NotSupportedException("the lifetime of a hijackable connection is fixed");
    }

    public override EndPoint? LocalEndPoint { get => _inner.LocalEndPoint; set => _inner.LocalEndPoint = value; }

    public override EndPoint? RemoteEndPoint { get => _inner.RemoteEndPoint; set => _inner.RemoteEndPoint = value; }

    public IDuplexPipe Hijack()
    {
        if (_hijacked)
            throw new InvalidOperationException("the connection was handed over already");
        _hijacked = true;
        return _inner.Transport;
    }

    public override void Abort(ConnectionAbortedException abortReason)
    {
        if (!_hijacked)
            _inner.Abort(abortReason);
    }

    public override void Abort() => Abort(new ConnectionAbortedException());

    public void AbortTransport() => _inner.Abort(new ConnectionAbortedException("the connection was given up"));

    public override async ValueTask DisposeAsync()
    {
        await _innerClosed.DisposeAsync();
        _closed.Dispose();
        await base.DisposeAsync();
    }

    public void Expect() => _expected = true;

    public void Unexpect()
    {
        _expected = false;
        if (_innerEnded && !_hijacked)
            _closed.Cancel();
    }

    // A client may end its side in the same breath as it asks to attach. The request is then still on its way to its endpoint, which
    // says that it expects a hijack; only when nobody has said so in this time is the connection told to be closed.
    private static readonly TimeSpan s_dispatchTime = TimeSpan.FromMilliseconds(250);

    private void OnInnerClosed()
    {
        _innerEnded = true;
        if (!_hijacked && !_expected)
            _ = CloseLaterAsync();
    }

    private async Task CloseLaterAsync()
    {
        await Task.Delay(s_dispatchTime);
        try
        {
            if (!_hijacked && !_expected)
                await _closed.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // HTTP has seen the end of its input by itself.
        }
    }

    /// <summary>What HTTP sees: the real pipes until the connection is hijacked, an ended connection after.</summary>
    private sealed class FacadePipe(HijackableConnection owner, IDuplexPipe inner) : IDuplexPipe
    {
        public PipeReader Input { get; } = new FacadeReader(owner, inner.Input);

        public PipeWriter Output { get; } = new FacadeWriter(owner, inner.Output);
    }

    private sealed class FacadeReader(HijackableConnection owner, PipeReader inner) : PipeReader
    {
        private static readonly ReadResult s_ended = new(default, isCanceled: false, isCompleted: true);

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
            owner._hijacked ? new(s_ended)
            : owner._isUndecided ? ReadFirstAsync(cancellationToken)
            : inner.ReadAsync(cancellationToken);

        // Only a connection's first bytes are looked at: all that follow go the way they went before.
        private async ValueTask<ReadResult> ReadFirstAsync(CancellationToken cancellationToken)
        {
            while (true)
            {
                ReadResult first = await inner.ReadAsync(cancellationToken);
                bool? isHttp2 = first.IsCanceled || first.IsCompleted ? false : BeginsHttp2(first.Buffer);
                if (isHttp2 is false)
                {
                    owner._isUndecided = first.IsCanceled;
                    return first;
                }
                inner.AdvanceTo(first.Buffer.Start, isHttp2 is true ? first.Buffer.Start : first.Buffer.End);
                if (isHttp2 is not true)
                    continue;
                owner.IsHttp2 = true;
                owner._hijacked = true;
                return s_ended;
            }
        }

        // Null: too little has come to tell.
        private static bool? BeginsHttp2(in ReadOnlySequence<byte> bytes)
        {
            SequenceReader<byte> reader = new(bytes);
            ReadOnlySpan<byte> preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;
            foreach (byte expected in preface)
            {
                if (!reader.TryRead(out byte one))
                    return bytes.IsEmpty ? false : null;
                if (one != expected)
                    return false;
            }
            return true;
        }

        public override bool TryRead(out ReadResult result)
        {
            if (owner._hijacked)
            {
                result = s_ended;
                return true;
            }
            if (!owner._isUndecided)
                return inner.TryRead(out result);
            result = default;
            return false;
        }

        public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
            if (!owner._hijacked)
                inner.AdvanceTo(consumed, examined);
        }

        public override void CancelPendingRead()
        {
            if (!owner._hijacked)
                inner.CancelPendingRead();
        }

        public override void Complete(Exception? exception = null)
        {
            if (!owner._hijacked)
                inner.Complete(exception);
        }
    }

    private sealed class FacadeWriter(HijackableConnection owner, PipeWriter inner) : PipeWriter
    {
        private const int SinkBytes = 4096;
        private byte[] _sink = [];

        public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

        public override long UnflushedBytes => owner._hijacked ? 0 : inner.UnflushedBytes;

        public override void Advance(int bytes)
        {
            if (!owner._hijacked)
                inner.Advance(bytes);
        }

        public override Memory<byte> GetMemory(int sizeHint = 0)
        {
            if (!owner._hijacked)
                return inner.GetMemory(sizeHint);
            if (_sink.Length < Math.Max(sizeHint, 1))
                _sink = new byte[Math.Max(sizeHint, SinkBytes)];
            return _sink;
        }

        public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
            owner._hijacked ? new(new FlushResult(isCanceled: false, isCompleted: true)) : inner.FlushAsync(cancellationToken);

        public override void CancelPendingFlush()
        {
            if (!owner._hijacked)
                inner.CancelPendingFlush();
        }

        public override void Complete(Exception? exception = null)
        {
            if (!owner._hijacked)
                inner.Complete(exception);
        }
    }
}
