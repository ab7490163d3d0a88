using System.Net.Sockets;
using System.Text;
using Grpc.Net.Client;

namespace Berth.EndToEnd.Tests.Buildx;

/// <summary>How a client of BuildKit reaches an engine's gRPC.</summary>
public enum Route
{
    /// <summary><c>POST /grpc</c> with an upgrade, as Buildx' docker driver does.</summary>
    Upgrade,

    /// <summary>HTTP/2 on the socket itself, as newer engines also offer.</summary>
    PriorKnowledge,
}

/// <summary>Connections to an engine's socket.</summary>
internal static class BuildxConnection
{
    /// <summary>A channel whose connection is one to the engine.</summary>
    public static GrpcChannel Open(string socket, Route route) => GrpcChannel.ForAddress("http://engine", new GrpcChannelOptions
    {
        HttpHandler = new SocketsHttpHandler
        {
            EnableMultipleHttp2Connections = false,
            ConnectCallback = async (_, cancellationToken) => route == Route.PriorKnowledge
                ? await ConnectAsync(socket, cancellationToken)
                : await UpgradeAsync(socket, "/grpc", "", cancellationToken),
        },
        DisposeHttpClient = true,
        MaxReceiveMessageSize = null,
        MaxSendMessageSize = null,
    });

    /// <summary>Asks for HTTP/2 on a connection by a request.</summary>
    public static async Task<NetworkStream> UpgradeAsync(string socket, string path, string headers, CancellationToken cancellationToken)
    {
        NetworkStream stream = await ConnectAsync(socket, cancellationToken);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"POST {path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n{headers}\r\n"), cancellationToken);
        StringBuilder head = new();
        byte[] one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one, cancellationToken);
            head.Append((char)one[0]);
        }
        return head.ToString().StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal) ? stream
            : throw new IOException($"the engine does not upgrade: {head}");
    }

    private static async Task<NetworkStream> ConnectAsync(string socket, CancellationToken cancellationToken)
    {
        Socket connection = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellationToken);
        return new NetworkStream(connection, ownsSocket: true);
    }
}
