using System.IO.Pipelines;
using System.Text;
using Berth.Daemon.Http;
using Berth.Daemon.Transport;

namespace Berth.Daemon.Endpoints.Builds;

/// <summary>101, and then HTTP/2 on the connection, on which the client calls BuildKit's Control service; 400.</summary>
internal static class OpenGrpc
{
    private static readonly byte[] s_head = Encoding.ASCII.GetBytes(
        $"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: {UpgradeHeader.CleartextHttp2}\r\n\r\n");

    public static async Task HandleAsync(ApiCall call)
    {
        UpgradeHeader.RequireHttp2(call.Http.Request.Headers);
        IHijackFeature connection = call.Http.Features.Get<IHijackFeature>()
            ?? throw new InvalidOperationException("the connection was accepted without the hijacking layer");
        IDuplexPipe client = connection.Hijack();
        try
        {
            await client.Output.WriteAsync(s_head, call.Services.Stopping);
            await call.Services.Http2.ServeAsync(client, connection.AbortTransport);
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException)
        {
            // The client sees the connection close; HTTP/1.1 is over on it.
        }
        finally
        {
            await client.Output.CompleteAsync();
            await client.Input.CompleteAsync();
        }
    }
}
