using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Berth.Engine.Logs.Destinations;

/// <summary>A connection to a log server that is made when it is needed, and made anew after it broke.</summary>
internal sealed class LogConnection(Func<CancellationToken, Task<(Socket Socket, Stream? Stream)>> open) : IDisposable
{
    private static readonly TimeSpan s_connectTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_writeTime = TimeSpan.FromSeconds(30);
    private static readonly string[] s_localSockets = ["/dev/log", "/var/run/syslog", "/var/run/log"];
    private Socket? _socket;
    private Stream? _stream;

    /// <summary>To a syslog server.</summary>
    public static LogConnection For(SyslogOptions options) => options.Transport switch
    {
        "" => new(_ => Task.FromResult(Local())),
        "unix" => new(_ => Task.FromResult(Unix(options.Host, SocketType.Stream))),
        "unixgram" => new(_ => Task.FromResult(Unix(options.Host, SocketType.Dgram))),
        "udp" => new(stop => UdpAsync(options.Host, options.Port, stop)),
        "tcp" => new(stop => TcpAsync(options.Host, options.Port, stop)),
        _ => new(stop => TlsAsync(options, stop)),
    };

    /// <summary>By TCP.</summary>
    public static LogConnection Tcp(string host, int port) => new(stop => TcpAsync(host, port, stop));

    /// <summary>By TLS, the server verified by the system's authorities.</summary>
    public static LogConnection Tls(string host, int port) => new(stop => TlsAsync(
        new SyslogOptions { Transport = "tcp+tls", Host = host, Port = port }, stop));

    /// <summary>To a unix socket.</summary>
    public static LogConnection Unix(string path) => new(_ => Task.FromResult(Unix(path, SocketType.Stream)));

    /// <summary>To a unix socket of datagrams.</summary>
    public static LogConnection Datagrams(string path) => new(_ => Task.FromResult(Unix(path, SocketType.Dgram)));

    /// <summary>Sends a whole message; of a stream, it may wait for <see cref="FlushAsync"/>.</summary>
    /// <exception cref="IOException">It cannot be reached, or the connection broke; the next call connects again.</exception>
    public Task SendAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken) =>
        GuardAsync(async stop =>
        {
            if (_stream is { } stream)
                await stream.WriteAsync(message, stop);
            else
                await _socket!.SendAsync(message, SocketFlags.None, stop);
        }, cancellationToken);

    /// <summary>Sends what is held back.</summary>
    public Task FlushAsync(CancellationToken cancellationToken) => _stream is null ? Task.CompletedTask
        : GuardAsync(stop => _stream.FlushAsync(stop), cancellationToken);

    /// <summary>Reads from the server; 0: it closed the connection.</summary>
    public async Task<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        int count = 0;
        await GuardAsync(async stop => count = await _stream!.ReadAsync(buffer, stop), cancellationToken);
        return count;
    }

    public void Dispose()
    {
        try
        {
            _stream?.Dispose();
        }
        catch (IOException)
        {
            // What it could not send was not confirmed to anybody.
        }
        Discard();
    }

    private async Task GuardAsync(Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        try
        {
            using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(_socket is null ? s_connectTime : s_writeTime);
            if (_socket is null)
            {
                (_socket, Stream? stream) = await open(limit.Token);
                _stream = stream is null ? null : new BufferedStream(stream, 16 * 1024);
            }
            else if (_stream is not null && IsClosedByPeer(_socket))
                throw new IOException("connection closed by peer");
            await work(limit.Token);
        }
        catch (Exception failure) when (failure is SocketException or IOException or AuthenticationException or ObjectDisposedException
            or CryptographicException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            Discard();
            throw new IOException(failure is OperationCanceledException ? "i/o timeout" : failure.Message, failure);
        }
    }

    // Unsent bytes belong to a batch that will be sent again as a whole.
    private void Discard()
    {
        _socket?.Dispose();
        (_stream, _socket) = (null, null);
    }

    // A write to a connection whose other end is gone succeeds once; its lines would be lost.
    private static bool IsClosedByPeer(Socket socket) => socket.Poll(0, SelectMode.SelectRead) && socket.Available == 0;

    private static (Socket, Stream?) Local()
    {
        foreach (string path in s_localSockets)
            foreach (SocketType type in new[] { SocketType.Dgram, SocketType.Stream })
                try
                {
                    return Unix(path, type);
                }
                catch (SocketException)
                {
                    // The next place.
                }
        throw new IOException("Unix syslog delivery error");
    }

    private static (Socket, Stream?) Unix(string path, SocketType type)
    {
        Socket socket = new(AddressFamily.Unix, type, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return (socket, type == SocketType.Stream ? new NetworkStream(socket, ownsSocket: false) : null);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<(Socket, Stream?)> UdpAsync(string host, int port, CancellationToken cancellationToken)
    {
        IPAddress[] addresses = await Dns.GetHostAddressesAsync(host, cancellationToken);
        IPAddress address = addresses.Length > 0 ? addresses[0] : throw new IOException($"lookup {host}: no such host");
        Socket socket = new(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync(new IPEndPoint(address, port), cancellationToken);
        return (socket, null);
    }

    private static async Task<(Socket, Stream?)> TcpAsync(string host, int port, CancellationToken cancellationToken)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(host, port, cancellationToken);
            return (socket, new NetworkStream(socket, ownsSocket: false));
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<(Socket, Stream?)> TlsAsync(SyslogOptions options, CancellationToken cancellationToken)
    {
        (Socket socket, Stream? stream) = await TcpAsync(options.Host, options.Port, cancellationToken);
        SslStream tls = new(stream!, leaveInnerStreamOpen: false);
        try
        {
            SslClientAuthenticationOptions authentication = new() { TargetHost = options.Host };
            if (options.TlsIdentity is { } identity)
                authentication.ClientCertificates = [X509Certificate2.CreateFromPemFile(identity.Certificate, identity.Key)];
            if (options.TlsSkipVerify)
                // What the option says, in Docker's words: insecure, and asked for by name.
#pragma warning disable CA5359
                authentication.RemoteCertificateValidationCallback = (_, _, _, _) => true;
#pragma warning restore CA5359
            else if (options.TlsAuthority is { } authority)
                authentication.CertificateChainPolicy = Trust(authority);
            await tls.AuthenticateAsClientAsync(authentication, cancellationToken);
            return (socket, tls);
        }
        catch
        {
            await tls.DisposeAsync();
            socket.Dispose();
            throw;
        }
    }

    private static X509ChainPolicy Trust(string authority)
    {
        X509ChainPolicy policy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPemFile(authority);
        return policy;
    }
}
