using System.Net;
using System.Net.Sockets;
using Berth.Linux;

namespace Berth.Network;

/// <summary>The resolver that one container reaches at 127.0.0.11:53.</summary>
/// <remarks>
/// Its sockets are in the container's namespace and hold it, so it is disposed with the sandbox. It listens on ports of the
/// kernel's choice behind a translation rule in that namespace, because a container may want port 53 on all its addresses itself.
/// </remarks>
internal sealed class NameServer : IDisposable
{
    private const string Table = "berth_names";
    private const int QuestionsMax = 64;
    private const int ConnectionsMax = 16;
    private const int QueryBytesMax = 4096;
    private const byte Tcp = 6;
    private const byte Udp = 17;
    private static readonly TimeSpan s_connectionPatience = TimeSpan.FromSeconds(10);
    private readonly Socket _datagrams;
    private readonly Socket _listener;
    private readonly INameView _view;
    private readonly DnsForwarder _forwarder;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _questions = new(QuestionsMax);
    private readonly SemaphoreSlim _connections = new(ConnectionsMax);

    private NameServer(Socket datagrams, Socket listener, INameView view, FileDescriptor? hostNamespace)
    {
        _datagrams = datagrams;
        _listener = listener;
        _view = view;
        _forwarder = new DnsForwarder(hostNamespace);
    }

    /// <summary>Opens the sockets in the namespace and serves until disposed.</summary>
    public static NameServer Start(FileDescriptor target, NetworkOptions options, INameView view)
    {
        (Socket datagrams, Socket listener) = NetworkNamespace.Run(target, Open);
        NameServer server = new(datagrams, listener, view, options.IsDetached ? null : options.HostNamespace);
        _ = Task.Run(server.ServeDatagramsAsync);
        _ = Task.Run(server.ServeConnectionsAsync);
        return server;
    }

    public void Dispose()
    {
        _stop.Cancel();
        _datagrams.Dispose();
        _listener.Dispose();
    }

    private static (Socket Datagrams, Socket Listener) Open()
    {
        Socket datagrams = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        datagrams.Bind(new IPEndPoint(ResolvConf.EmbeddedServer, 0));
        listener.Bind(new IPEndPoint(ResolvConf.EmbeddedServer, 0));
        listener.Listen();

        const string Chain = "output";
        byte[] address = ResolvConf.EmbeddedServer.GetAddressBytes();
        NftablesTransaction transaction = new NftablesTransaction().AddTable(Table).DeleteTable(Table).AddTable(Table)
            .AddChain(Table, Chain, "nat", NftablesConstants.NF_INET_LOCAL_OUT, -100);
        foreach ((byte protocol, Socket socket) in new[] { (Udp, datagrams), (Tcp, listener) })
        {
            transaction.AddRule(Table, Chain, new NftablesRule().Destination(address, 32).Protocol(protocol).DestinationPort(53)
                .TranslateTo(address, (ushort)((IPEndPoint)socket.LocalEndPoint!).Port));
        }
        using NetlinkSocket filter = NetlinkSocket.Open(NetlinkConstants.NETLINK_NETFILTER);
        transaction.Commit(filter, $"table {Table}");
        return (datagrams, listener);
    }

    private async Task ServeDatagramsAsync()
    {
        byte[] buffer = new byte[QueryBytesMax];
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                SocketReceiveFromResult received = await _datagrams.ReceiveFromAsync(
                    buffer, new IPEndPoint(IPAddress.Any, 0), _stop.Token);
                // Beyond the limit questions are lost, as the network may lose them; clients ask again.
                if (_questions.Wait(0, CancellationToken.None))
                    _ = AnswerDatagramAsync(buffer[..received.ReceivedBytes], received.RemoteEndPoint);
            }
            catch (SocketException)
            {
                // An answer was refused by a client that is gone.
            }
            catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task AnswerDatagramAsync(byte[] message, EndPoint client)
    {
        try
        {
            if (await AnswerAsync(message, isStream: false) is { } answer)
                await _datagrams.SendToAsync(answer, client, _stop.Token);
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The client or the container is gone.
        }
        finally
        {
            _questions.Release();
        }
    }

    private async Task ServeConnectionsAsync()
    {
        try
        {
            while (true)
            {
                await _connections.WaitAsync(_stop.Token);
                _ = AnswerConnectionAsync(await _listener.AcceptAsync(_stop.Token));
            }
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The container is gone.
        }
    }

    private async Task AnswerConnectionAsync(Socket client)
    {
        try
        {
            using (client)
            {
                using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
                patience.CancelAfter(s_connectionPatience);
                while (await DnsStream.ReadAsync(client, patience.Token) is { } message)
                {
                    if (await AnswerAsync(message, isStream: true) is not { } answer)
                        return;
                    await DnsStream.WriteAsync(client, answer, patience.Token);
                    patience.CancelAfter(s_connectionPatience);
                }
            }
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The client or the container is gone.
        }
        finally
        {
            _connections.Release();
        }
    }

    private async Task<byte[]?> AnswerAsync(byte[] message, bool isStream)
    {
        if (!DnsQuery.TryParse(message, out DnsQuery query))
            return null;
        if (query.Class == DnsQuery.ClassInternet && AnswerLocally(query) is { } local)
            return local;
        return _view.Upstream() is { } servers
            ? await _forwarder.AskAsync(message, servers, isStream, _stop.Token)
                ?? query.AnswerEmpty(DnsQuery.CodeServerFailure)
            : query.AnswerEmpty(DnsQuery.CodeServerFailure);
    }

    private byte[]? AnswerLocally(DnsQuery query)
    {
        if (query.Type == DnsQuery.TypePtr)
            return query.ReverseAddress() is { } address && _view.NameOf(address) is { } name ? query.AnswerName(name) : null;
        if (_view.Resolve(query.Name) is not { } addresses)
            return null;
        if (query.Type is not (DnsQuery.TypeA or DnsQuery.TypeAaaa))
            return query.AnswerEmpty();
        // Clients take the first: several containers behind one name share the work. No record is an answer too: an IPv6 address of the
        // same name elsewhere would be another's.
        InternetAddress[] shuffled = [.. addresses.Where(address => address.IsIPv6 == (query.Type == DnsQuery.TypeAaaa))];
        Random.Shared.Shuffle(shuffled);
        return query.AnswerAddresses(shuffled);
    }
}
