using System.Text.Json;
using Berth.Daemon.Endpoints;
using Berth.Daemon.Hosting;
using Berth.Daemon.Transport;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Berth.Daemon.Http;

/// <summary>The top of every request: version, endpoint, answer, failure.</summary>
internal sealed partial class ApiDispatcher(DaemonServices services, IdleMemory idle)
{
    private static readonly TimeSpan s_drainTime = TimeSpan.FromSeconds(30);
    private readonly Router _router = new(EndpointTable.All);
    private readonly string _server = $"Berth/{services.Program.Version} (linux)";

    /// <summary>Answers one request.</summary>
    public async Task HandleAsync(HttpContext http)
    {
        WriteCommonHeaders(http.Response.Headers);
        IConnectionUse? connection = http.Features.Get<IConnectionUse>();
        connection?.Begin();
        idle.Touch();
        try
        {
            await DispatchAsync(http);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to be told.
        }
        catch (Exception failure) when (failure is FaultException or BadHttpRequestException)
        {
            await FailAsync(http, failure);
        }
        catch (Exception failure) when (failure is ConnectionResetException or ConnectionAbortedException)
        {
            // The client went away in the middle.
        }
        catch (Exception failure)
        {
            Log.Failed(services.Log, http.Request.Method, http.Request.Path, failure);
            await FailAsync(http, failure);
        }
        finally
        {
            await DrainAsync(http);
            connection?.End();
            idle.Touch();
        }
    }

    // A client that sends all before it reads gets its answer although nobody wanted the rest. Not for ever: the rest may never come.
    private static async Task DrainAsync(HttpContext http)
    {
        if (http.Features.Get<RequestBody>() is not { } body || http.RequestAborted.IsCancellationRequested)
            return;
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        patience.CancelAfter(s_drainTime);
        try
        {
            await http.Response.CompleteAsync();
            await body.DrainAsync(patience.Token);
        }
        catch (Exception failure) when (failure is OperationCanceledException or IOException or InvalidOperationException)
        {
            // Kestrel closes the connection.
        }
    }

    private async Task DispatchAsync(HttpContext http)
    {
        string path = http.Request.Path.Value ?? "/";
        Wire.ApiVersion version = ApiPath.TakeVersion(ref path);
        if (_router.Find(http.Request.Method, path, version) is not { } found)
            throw FaultException.NotFound("page not found");
        Log.Request(services.Log, http.Request.Method, http.Request.Path);
        IHijackFeature? connection = found.Endpoint.Hijacks ? http.Features.Get<IHijackFeature>() : null;
        connection?.Expect();
        if (!found.Endpoint.Hijacks && http.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true })
        {
            RequestBody body = new(http.Request.BodyReader);
            http.Features.Set(body);
            http.Request.Body = body;
        }
        long begin = services.Clock.GetTimestamp();
        try
        {
            await found.Endpoint.Handler(new ApiCall(http, services, version, found.Values));
            Count(http.Response.StatusCode);
        }
        catch (FaultException fault)
        {
            Count(fault.Kind.HttpStatus);
            throw;
        }
        finally
        {
            connection?.Unexpect();
        }

        void Count(int status) => services.Requests.Count(
            found.Endpoint.Method, found.Endpoint.Pattern, status, services.Clock.GetElapsedTime(begin));
    }

    private void WriteCommonHeaders(IHeaderDictionary headers)
    {
        headers.Server = _server;
        headers["Api-Version"] = Wire.ApiVersion.Newest.ToString();
        headers["Docker-Experimental"] = "false";
        headers["Ostype"] = "linux";
    }

    private static async Task FailAsync(HttpContext http, Exception failure)
    {
        if (http.Response.HasStarted)
        {
            // Too late for a status: the client must see that the answer is cut short.
            http.Abort();
            return;
        }
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(
            new Wire.ErrorResponse { Message = failure.Message }, Wire.ApiJson.Wire.ErrorResponse);
        http.Response.StatusCode = StatusOf(failure);
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = body.Length + 1;
        if (http.Request.Method == HttpMethods.Head)
            return;
        await http.Response.Body.WriteAsync(body, http.RequestAborted);
        await http.Response.Body.WriteAsync("\n"u8.ToArray(), http.RequestAborted);
    }

    private static int StatusOf(Exception failure) => failure switch
    {
        FaultException fault => fault.Kind.HttpStatus,
        BadHttpRequestException bad => bad.StatusCode,
        _ => StatusCodes.Status500InternalServerError,
    };

    private static partial class Log
    {
        [LoggerMessage(EventId = 5001, Level = LogLevel.Error, Message = "{Method} {Path} failed")]
        public static partial void Failed(ILogger logger, string method, PathString path, Exception cause);

        [LoggerMessage(EventId = 5002, Level = LogLevel.Debug, Message = "{Method} {Path}")]
        public static partial void Request(ILogger logger, string method, PathString path);
    }
}
