using System.IO.Pipelines;
using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Berth.Daemon.Transport;

/// <summary>
/// Connections that begin as HTTP/1.1 and go on as HTTP/2: Kestrel takes one for the one or the other when it accepts it, so those that
/// change are accepted a second time here, at an address that exists only inside this process.
/// </summary>
internal sealed class HandedConnections : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly Channel<ConnectionContext> _waiting = Channel.CreateUnbounded<ConnectionContext>();

    /// <summary>The address to listen on.</summary>
    public EndPoint Address { get; } = new HandedAddress();

    public bool CanBind(EndPoint endpoint) => ReferenceEquals(endpoint, Address);

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new(new Listener(this));

    /// <summary>Serves a connection by HTTP/2 until it is over. Its pipes stay the caller's.</summary>
    /// <param name="pipe">The connection's bytes, beginning with HTTP/2's preface.</param>
    /// <param name="abort">Ends the connection at once.</param>
    public async Task ServeAsync(IDuplexPipe pipe, Action abort)
    {
        HandedConnection connection = new(pipe, abort);
        if (_waiting.Writer.TryWrite(connection))
            await connection.Over;
    }

    private sealed class HandedAddress : EndPoint
    {
        public override string ToString() => "h2c";
    }

    private sealed class Listener(HandedConnections owner) : IConnectionListener
    {
        public EndPoint EndPoint => owner.Address;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (await owner._waiting.Reader.WaitToReadAsync(cancellationToken))
                if (owner._waiting.Reader.TryRead(out ConnectionContext? connection))
                    return connection;
            return null;
        }

        public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            owner._waiting.Writer.TryComplete();
            while (owner._waiting.Reader.TryRead(out ConnectionContext? unserved))
                await unserved.DisposeAsync();
        }

        public ValueTask DisposeAsync() => UnbindAsync();
    }

    private sealed class HandedConnection(IDuplexPipe pipe, Action abort) : ConnectionContext
    {
        private static long s_count;
        private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly CancellationTokenSource _closed = new();

        public Task Over => _over.Task;

        public override IDuplexPipe Transport { get; set; } = pipe;

        public override string ConnectionId { get; set; } = $"h2c-{Interlocked.Increment(ref s_count)}";

        public override IFeatureCollection Features { get; } = new FeatureCollection();

        public override IDictionary<object, object?> Items { get; set; } = new Dictionary<object, object?>();

        public override CancellationToken ConnectionClosed
        {
            get => _closed.Token;
            set => throw new NotSupportedException("the lifetime of a connection that was handed over is fixed");
        }

        public override void Abort(ConnectionAbortedException abortReason) => abort();

        public override ValueTask DisposeAsync()
        {
            _over.TrySetResult();
            _closed.Dispose();
            return base.DisposeAsync();
        }
    }
}
