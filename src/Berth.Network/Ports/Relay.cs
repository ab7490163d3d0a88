using System.Net;
using System.Net.Sockets;
using Berth.Linux;

namespace Berth.Network;

/// <summary>Carries what arrives at a port of the host to a container's port, also from one family to the other. Owns the listening
/// socket.</summary>
internal sealed class Relay : IDisposable
{
    private const int ConnectionsMax = 1024;
    private readonly Socket _listener;
    private readonly IPEndPoint _target;
    private readonly FileDescriptor? _hostNamespace;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _room = new(ConnectionsMax);

    private Relay(Socket listener, IPEndPoint target, FileDescriptor? hostNamespace)
    {
        _listener = listener;
        _target = target;
        _hostNamespace = hostNamespace;
    }

    /// <summary>Starts to serve a bound socket, until it is disposed.</summary>
    public static IDisposable Start(
        Socket socket, IPEndPoint target, TransportProtocol protocol, FileDescriptor? hostNamespace)
    {
        if (protocol == TransportProtocol.Udp)
            return DatagramRelay.Start(socket, target, hostNamespace);
        Relay relay = new(socket, target, hostNamespace);
        _ = Task.Run(relay.AcceptAsync);
        return relay;
    }

    public void Dispose()
    {
        _stop.Cancel();
        PortHolder.Close(_listener);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                await _room.WaitAsync(_stop.Token);
                Socket client = await _listener.AcceptAsync(_stop.Token);
                _ = CarryAsync(client);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The port is no longer published.
        }
    }

    private async Task CarryAsync(Socket client)
    {
        try
        {
            using (client)
            using (Socket server = NetworkNamespace.Run(
                _hostNamespace, () => new Socket(_target.AddressFamily, SocketType.Stream, ProtocolType.Tcp)))
            {
                await server.ConnectAsync(_target, _stop.Token);
                client.NoDelay = server.NoDelay = true;
                await Task.WhenAll(CopyAsync(client, server), CopyAsync(server, client));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // One side went away; closing the other says so.
        }
        finally
        {
            _room.Release();
        }
    }

    private async Task CopyAsync(Socket from, Socket to)
    {
        byte[] buffer = new byte[32 * 1024];
        while (await from.ReceiveAsync(buffer, _stop.Token) is int count and > 0)
        {
            for (int sent = 0; sent < count;)
                sent += await to.SendAsync(buffer.AsMemory(sent, count - sent), _stop.Token);
        }
        // A half-close is passed on: the other direction may still have much to say.
        to.Shutdown(SocketShutdown.Send);
    }
}
