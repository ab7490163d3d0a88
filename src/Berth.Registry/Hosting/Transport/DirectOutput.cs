using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Berth.Registry.Hosting.Transport;

/// <summary>Gives the connections of a listener a <see cref="SocketOutput"/>. Only for connections without TLS.</summary>
internal static class DirectOutput
{
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
