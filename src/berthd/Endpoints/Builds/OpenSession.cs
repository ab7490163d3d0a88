using System.IO.Pipelines;
using System.Text;
using Berth.BuildKit.Sessions;
using Berth.Daemon.Http;
using Berth.Daemon.Transport;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Builds;

/// <summary>101, and then the client answers calls on the connection; 400, 409, 503.</summary>
/// <remarks>Engine API, "Initialize interactive session". The side that connected is the server of what follows.</remarks>
internal static class OpenSession
{
    private static readonly byte[] s_head = Encoding.ASCII.GetBytes(
        $"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: {UpgradeHeader.CleartextHttp2}\r\n\r\n");

    public static async Task HandleAsync(ApiCall call)
    {
        IHeaderDictionary headers = call.Http.Request.Headers;
        UpgradeHeader.RequireHttp2(headers);
        SessionOffer offer = SessionOffer.Read(name => headers[name]);
        call.Services.Sessions.Check(offer.Id);
        IHijackFeature connection = call.Http.Features.Get<IHijackFeature>()
            ?? throw new InvalidOperationException("the connection was accepted without the hijacking layer");
        IDuplexPipe client = connection.Hijack();
        try
        {
            await client.Output.WriteAsync(s_head, call.Services.Stopping);
            await call.Services.Sessions.RunAsync(offer, new DuplexPipeStream(client), call.Services.Stopping);
        }
        catch (Exception gone) when (gone is FaultException or IOException or OperationCanceledException)
        {
            // The client sees the connection close; HTTP is over on it.
        }
        finally
        {
            await client.Output.CompleteAsync();
            await client.Input.CompleteAsync();
        }
    }
}
