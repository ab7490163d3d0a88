using System.Globalization;
using System.Text;
using Berth.BuildKit.Control;
using Berth.Daemon.Hosting;
using Berth.Daemon.Http;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Berth.Daemon.Grpc;

/// <summary>Requests over HTTP/2, which are gRPC's: each is a call of BuildKit's Control service.</summary>
/// <remarks>gRPC over HTTP/2: how a call ended stands behind its answers, whatever happened, and never in HTTP's status.</remarks>
internal sealed partial class GrpcRequests(DaemonServices services, Lazy<ControlServer> control, IdleMemory idle)
{
    private const string ContentType = "application/grpc";
    private const int MessageBytesMax = 8 * 1024;

    /// <summary>Answers one.</summary>
    public async Task HandleAsync(HttpContext http)
    {
        if (http.Request.ContentType?.StartsWith(ContentType, StringComparison.Ordinal) is not true)
        {
            http.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            await http.Response.WriteAsync("HTTP/2 is for gRPC here: use HTTP/1.1 for the Engine API\n", http.RequestAborted);
            return;
        }
        idle.Touch();
        try
        {
            http.Response.ContentType = ContentType;
            Status status = await AnswerAsync(http);
            if (http.RequestAborted.IsCancellationRequested)
                return;
            await http.Response.StartAsync(http.RequestAborted);
            http.Response.AppendTrailer("grpc-status", ((int)status.StatusCode).ToString(CultureInfo.InvariantCulture));
            if (status.Detail.Length > 0)
                http.Response.AppendTrailer("grpc-message", Encode(status.Detail));
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException)
        {
            // Nobody is there to be told.
        }
        finally
        {
            idle.Touch();
        }
    }

    /// <summary>A text as a header may have it: what is not printable ASCII, and the percent sign, as bytes in hexadecimal.</summary>
    internal static string Encode(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        StringBuilder encoded = new(bytes.Length);
        foreach (byte one in bytes.AsSpan(0, Math.Min(bytes.Length, MessageBytesMax)))
            _ = one is >= 0x20 and < 0x7f and not (byte)'%'
                ? encoded.Append((char)one) : encoded.Append(CultureInfo.InvariantCulture, $"%{one:X2}");
        return encoded.ToString();
    }

    private async Task<Status> AnswerAsync(HttpContext http)
    {
        using CancellationTokenSource ending =
            CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, services.Stopping);
        try
        {
            // By it a client that shows how long a build has run knows this machine's clock.
            if (http.Request.Path.Value?.EndsWith("/ListenBuildHistory", StringComparison.Ordinal) == true)
            {
                http.Response.Headers["buildkit-current-timestamp"] = services.Clock.GetUtcNow().ToString(
                    "yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);
            }
            // A stream may be silent for long: its client is to know at once that it is open.
            await http.Response.StartAsync(ending.Token);
            return await control.Value.AnswerAsync(new ControlCall
            {
                Path = http.Request.Path.Value ?? "",
                Headers = name => http.Request.Headers[name],
                Requests = http.Request.Body,
                Answers = http.Response.Body,
                Cancelled = ending.Token,
            });
        }
        catch (Exception failure) when (http.RequestAborted.IsCancellationRequested || failure is IOException)
        {
            return new Status(StatusCode.Cancelled, "the client went away");
        }
        catch (Exception failure)
        {
            Log.Failed(services.Log, http.Request.Path, failure);
            return new Status(StatusCode.Internal, failure.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 5011, Level = LogLevel.Error, Message = "{Path} failed")]
        public static partial void Failed(ILogger logger, PathString path, Exception cause);
    }
}
