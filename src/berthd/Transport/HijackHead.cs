using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using Berth.Linux.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Transport;

/// <summary>The head of an answer behind which raw output follows. Libraries read heads through a buffer and drop what else is in it
/// (docker-py's exec lost a fifth of all outputs), so nothing follows until the client has read the head. Docker's own engine is
/// saved by its being slow.</summary>
internal sealed class HijackHead(HttpContext http)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(200);

    // Only a unix socket tells what its other side has read; there is no TLS on one, so that the bytes can go to it directly.
    private readonly Socket? _socket = http.Features.Get<IConnectionSocketFeature>()?.Socket is
        { AddressFamily: AddressFamily.Unix } socket ? socket : null;

    /// <summary>Sends the head. Nothing else may be on its way to the client.</summary>
    public async ValueTask SendAsync(string head, PipeWriter output, CancellationToken cancellationToken)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(head);
        if (_socket is null)
        {
            await output.WriteAsync(bytes, cancellationToken);
            return;
        }
        try
        {
            for (int sent = 0; sent < bytes.Length;)
                sent += await _socket.SendAsync(bytes.AsMemory(sent), SocketFlags.None, cancellationToken);
        }
        catch (SocketException)
        {
            // The client is gone: writing its output will say so.
        }
    }

    /// <summary>Completes when the client has read it, or takes its time over it.</summary>
    public ValueTask IsReadAsync(CancellationToken cancellationToken) =>
        _socket is null || UnixSockets.IsAllRead(_socket) ? ValueTask.CompletedTask : WaitAsync(_socket, cancellationToken);

    private static async ValueTask WaitAsync(Socket socket, CancellationToken cancellationToken)
    {
        long start = Environment.TickCount64;
        while (!UnixSockets.IsAllRead(socket) && Environment.TickCount64 - start < s_patience.TotalMilliseconds)
            await Task.Delay(1, cancellationToken);
    }
}
