using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Berth.Linux;

namespace Berth.Network;

/// <summary>The same for datagrams: each client gets a socket towards the container until it has been silent for a while.</summary>
internal sealed class DatagramRelay : IDisposable
{
    private const int ClientsMax = 1024;
    private const int DatagramBytesMax = 65535;
    private static readonly TimeSpan s_silenceMax = TimeSpan.FromSeconds(90);
    private readonly Socket _socket;
    private readonly IPEndPoint _target;
    private readonly FileDescriptor? _hostNamespace;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<IPEndPoint, Socket> _clients = new();

    private DatagramRelay(Socket socket, IPEndPoint target, FileDescriptor? hostNamespace)
    {
        _socket = socket;
        _target = target;
        _hostNamespace = hostNamespace;
    }

    public static DatagramRelay Start(Socket socket, IPEndPoint target, FileDescriptor? hostNamespace)
    {
        DatagramRelay relay = new(socket, target, hostNamespace);
        _ = Task.Run(relay.ReceiveAsync);
        return relay;
    }

    public void Dispose()
    {
        _stop.Cancel();
        _socket.Dispose();
    }

    private async Task ReceiveAsync()
    {
        byte[] buffer = new byte[DatagramBytesMax];
        IPEndPoint anybody = new(_socket.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, 0);
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                SocketReceiveFromResult received = await _socket.ReceiveFromAsync(
                    buffer, anybody, _stop.Token);
                Socket? towards = Towards((IPEndPoint)received.RemoteEndPoint);
                if (towards is not null)
                    await towards.SendAsync(buffer.AsMemory(0, received.ReceivedBytes), _stop.Token);
            }
            catch (SocketException)
            {
                // An earlier datagram was refused by its receiver: datagrams may be lost.
            }
            catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private Socket? Towards(IPEndPoint client)
    {
        if (_clients.TryGetValue(client, out Socket? known))
            return known;
        if (_clients.Count >= ClientsMax)
            return null;
        Socket socket = NetworkNamespace.Run(
            _hostNamespace, () => new Socket(_target.AddressFamily, SocketType.Dgram, ProtocolType.Udp));
        socket.Connect(_target);
        _clients[client] = socket;
        _ = AnswerAsync(client, socket);
        return socket;
    }

    private async Task AnswerAsync(IPEndPoint client, Socket socket)
    {
        byte[] buffer = new byte[DatagramBytesMax];
        try
        {
            using CancellationTokenSource silence = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            while (true)
            {
                silence.CancelAfter(s_silenceMax);
                int count = await socket.ReceiveAsync(buffer, silence.Token);
                await _socket.SendToAsync(buffer.AsMemory(0, count), client, silence.Token);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Silent for long, refused, or no longer published.
        }
        finally
        {
            _clients.TryRemove(client, out _);
            socket.Dispose();
        }
    }
}
