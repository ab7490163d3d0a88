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
            connection?.End();
            idle.Touch();
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
