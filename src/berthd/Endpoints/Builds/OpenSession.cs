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
    private const string Protocol = "h2c";
    private static readonly byte[] s_head = Encoding.ASCII.GetBytes(
        $"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: {Protocol}\r\n\r\n");

    public static async Task HandleAsync(ApiCall call)
    {
        IHeaderDictionary headers = call.Http.Request.Headers;
        if (headers.Upgrade.ToString() is not Protocol and var other)
            throw FaultException.Invalid(
                other.Length == 0 ? "no upgrade proto in request" : $"upgrade to {other} is not supported: use h2c");
        SessionOffer offer = ReadOffer(headers);
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

    private static SessionOffer ReadOffer(IHeaderDictionary headers)
    {
        string id = headers["X-Docker-Expose-Session-Uuid"].ToString();
        if (id.Length is 0 or > SessionOffer.IdLengthMax)
            throw FaultException.Invalid($"X-Docker-Expose-Session-Uuid: an ID of 1 to {SessionOffer.IdLengthMax} characters is expected");
        IEnumerable<string?> methods = headers["X-Docker-Expose-Session-Grpc-Method"];
        return new SessionOffer(id, methods.Take(SessionOffer.MethodsMax).OfType<string>().ToHashSet(StringComparer.Ordinal))
        {
            SharedKey = headers["X-Docker-Expose-Session-Sharedkey"].ToString(),
        };
    }
}
