using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Berth.Registry.Hosting.Transport;

/// <summary>Gives the connections of a listener a <see cref="SocketOutput"/>. Only for connections without TLS.</summary>
internal static class DirectOutput
{
    // tcp(7), linux/tcp.h: .NET has no name for it.
    private const int TcpNotSentLowWater = 25;

    // Bytes that wait in the kernel before they are on their way; what is on its way to a far client is not counted. The kernel would
    // take some MB, which for clients nearby means that a file's pages have left the processor's cache when they are copied.
    private const int NotSentBytes = 512 * 1024;

    public static void Use(ListenOptions listen)
    {
        // Requests of HTTP/2 share a connection, and the kernel knows nothing of their frames.
        listen.Protocols = HttpProtocols.Http1;
        listen.Use(next => connection => RunAsync(connection, next));
    }

    private static async Task RunAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        if (connection.Features.Get<IConnectionSocketFeature>()?.Socket is not { } socket)
        {
            await next(connection).ConfigureAwait(false);
            return;
        }
        if (socket.ProtocolType == ProtocolType.Tcp)
            socket.SetRawSocketOption((int)SocketOptionLevel.Tcp, TcpNotSentLowWater, BitConverter.GetBytes(NotSentBytes));
        IDuplexPipe former = connection.Transport;
        using var output = new SocketOutput(socket, former.Output);
        connection.Features.Set<IFileSending>(output);
        connection.Transport = new Transport(former.Input, output);
        try
        {
            await next(connection).ConfigureAwait(false);
        }
        finally
        {
            connection.Transport = former;
        }
    }

    private sealed record Transport(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
