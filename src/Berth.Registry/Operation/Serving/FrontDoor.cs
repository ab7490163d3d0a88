using System.Text.Json;
using System.Text.Json.Serialization;
using Berth.Registry.Accounts;
using Berth.Registry.Accounts.Oidc;
using Berth.Registry.Api;
using Berth.Registry.Model;
using Berth.Registry.Operation.Limits;
using Berth.Registry.Operation.Metrics;
using Berth.Registry.Pages.Assets;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Tokens;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Logging;

namespace Berth.Registry.Operation.Serving;

/// <summary>What every request passes first: the proxy's word about who asks, counting, limits; and the paths that belong to
/// operation.</summary>
public sealed partial class FrontDoor(
    ServingSettings settings, bool isOpen, AccountServices accounts, RequestLimits limits, HubCounters counters, HubHealth health,
        HubMetrics metrics,
    TimeProvider time, ILogger<FrontDoor> logger)
{
    /// <summary>Puts it before everything else.</summary>
    public void Map(IApplicationBuilder application)
    {
        if (settings.TrustedProxies.Count > 0)
            application.UseForwardedHeaders(ForwardedHeaders());
        application.Use(next => context => HandleAsync(context, next));
    }

    /// <summary>Answers <c>/health</c>, <c>/ready</c> and <c>/metrics</c> of the administrators' listener, and nothing else.</summary>
    public async Task HandleAdministrationAsync(HttpContext context)
    {
        if (!await TryAnswerHealthAsync(context) && !await TryAnswerMetricsAsync(context, isGuarded: false))
            context.Response.StatusCode = StatusCodes.Status404NotFound;
    }

    private async Task HandleAsync(HttpContext context, RequestDelegate next)
    {
        long began = time.GetTimestamp();
        counters.Begin();
        try
        {
            await AnswerAsync(context, next);
        }
        catch (TooManyAttemptsException refusal) when (!context.Response.HasStarted)
        {
            context.Response.Headers.RetryAfter = ((int)Math.Ceiling(refusal.Wait.TotalSeconds))
                .ToString(System.Globalization.CultureInfo.InvariantCulture);
            await RefuseAsync(context, "too many failed sign-ins: try again later");
        }
        catch (FaultException fault) when (fault.Kind is FaultKind.Unavailable && !context.Response.HasStarted)
        {
            // The database is away, or more sign in at once than the machine has memory for.
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            context.Response.Headers.RetryAfter = "5";
            Log.Away(logger, context.Request.Method, Printable(context.Request.Path.Value ?? ""), fault.Message);
            await RefuseAsync(context, "UNAVAILABLE", OutwardText.Of(fault));
        }
        finally
        {
            TimeSpan took = time.GetElapsedTime(began);
            string path = context.Request.Path.Value ?? "";
            counters.End(path, context.Request.Method, context.Response.StatusCode, took);
            if (logger.IsEnabled(LogLevel.Debug))
                Log.Answered(
                    logger, context.Request.Method, Printable(path), context.Response.StatusCode, (long)took.TotalMilliseconds,
                    CallerReader.AddressOf(context));
        }
    }

    private async Task AnswerAsync(HttpContext context, RequestDelegate next)
    {
        // Whoever watches over the hub is not to be limited by it.
        if (await TryAnswerHealthAsync(context))
            return;
        // The page that says how long to wait needs its style, and they ask neither the database nor who it is.
        if (AssetFiles.IsAskedFor(context.Request))
        {
            await next(context);
            return;
        }
        // Here, so that whoever must wait is told so whatever was asked for; who it is, is remembered for the rest of the request.
        if (!isOpen && !TokenEndpoints.Owns(context))
            await accounts.Callers.ReadAsync(context, context.RequestAborted);
        if (!await limits.AdmitAsync(context))
        {
            await RefuseAsync(context, $"too many {context.Items[typeof(RequestLimits)]}: try again later");
            return;
        }
        if (await TryAnswerMetricsAsync(context, isGuarded: true))
            return;
        // Clients ask here first and learn how to sign in; without an account they get a token for what is public.
        if (!isOpen && context.Request.Path.Value is ("/v2/" or "/v2") && context.Request.Headers.Authorization.Count == 0)
        {
            context.Response.Headers["Docker-Distribution-Api-Version"] = "registry/2.0";
            context.Response.Headers.WWWAuthenticate = accounts.Callers.ChallengeFor(context, null, RepositoryAccess.None);
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            await WriteAsync(context, new RefusalAnswer([new RefusalError("UNAUTHORIZED", "authentication required")]),
                OperationJson.Default.RefusalAnswer);
        }
        else if (TokenEndpoints.Owns(context))
            await accounts.TokenEndpoints.HandleAsync(context);
        else
            await next(context);
    }

    private async ValueTask<bool> TryAnswerHealthAsync(HttpContext context)
    {
        bool isReady = context.Request.Path == "/ready";
        if (!isReady && context.Request.Path != "/health")
            return false;
        if (!IsRead(context))
            return true;
        string? problem = isReady ? await health.ProblemAsync(context.RequestAborted) : null;
        context.Response.StatusCode = problem is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        context.Response.Headers.CacheControl = "no-store";
        string? told = problem ?? (isReady ? health.Warning : null);
        await WriteAsync(context, new HealthAnswer(problem is null ? "ok" : "unavailable", told), OperationJson.Default.HealthAnswer);
        return true;
    }

    private async ValueTask<bool> TryAnswerMetricsAsync(HttpContext context, bool isGuarded)
    {
        if (context.Request.Path != "/metrics")
            return false;
        if (!IsRead(context))
            return true;
        if (isGuarded && await accounts.Callers.ReadAsync(context, context.RequestAborted) is not { IsAdministrator: true })
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            context.Response.Headers.WWWAuthenticate = $"Basic realm=\"{accounts.Bearers.Service}\"";
            return true;
        }
        context.Response.ContentType = MetricsText.ContentType;
        await context.Response.WriteAsync(await metrics.WriteAsync(context.RequestAborted), context.RequestAborted);
        return true;
    }

    // RFC 9110, 15.5.6.
    private static bool IsRead(HttpContext context)
    {
        if (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method))
            return true;
        context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
        context.Response.Headers.Allow = "GET, HEAD";
        return false;
    }

    private ForwardedHeadersOptions ForwardedHeaders()
    {
        var options = new ForwardedHeadersOptions
        {
            ForwardedHeaders = Microsoft.AspNetCore.HttpOverrides.ForwardedHeaders.XForwardedFor
                | Microsoft.AspNetCore.HttpOverrides.ForwardedHeaders.XForwardedProto
                | Microsoft.AspNetCore.HttpOverrides.ForwardedHeaders.XForwardedHost,
            // As far back as the chain of trusted proxies goes; the first address that is none of them is the client's.
            ForwardLimit = null,
        };
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();
        foreach (System.Net.IPNetwork network in settings.TrustedProxies)
            options.KnownIPNetworks.Add(network);
        return options;
    }

    private static Task RefuseAsync(HttpContext context, string message)
    {
        context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
        return RefuseAsync(context, "TOOMANYREQUESTS", message);
    }

    // In the form of what was asked: a page, the JSON API's, the registry's.
    private static Task RefuseAsync(HttpContext context, string code, string message)
    {
        if (WaitPage.IsFor(context.Request))
            return WaitPage.SendAsync(context, message);
        if (!context.Request.Path.StartsWithSegments(HubApi.Root))
            return WriteAsync(context, new RefusalAnswer([new RefusalError(code, message)]), OperationJson.Default.RefusalAnswer);
        string word = code == "UNAVAILABLE" ? "unavailable" : "too-many-attempts";
        return WriteAsync(context, new ErrorWire(word, message), ApiJson.Default.ErrorWire);
    }

    private static Task WriteAsync<T>(HttpContext context, T answer, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        context.Response.ContentType = "application/json";
        return context.Response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(answer, type), context.RequestAborted).AsTask();
    }

    // A line of the log is one line, whatever a stranger asks for.
    private static string Printable(string path) =>
        path.Any(char.IsControl) ? string.Concat(path.Select(c => char.IsControl(c) ? '?' : c)) : path;

    private static partial class Log
    {
        [LoggerMessage(EventId = 6212, Level = LogLevel.Warning, Message = "{Method} {Path} failed: {Reason}")]
        public static partial void Away(ILogger logger, string method, string path, string reason);

        [LoggerMessage(EventId = 6211, Level = LogLevel.Debug, Message = "{Method} {Path} {Status} in {Milliseconds} ms from {Address}")]
        public static partial void Answered(ILogger logger, string method, string path, int status, long milliseconds, string? address);
    }
}

/// <summary>How a hub is.</summary>
internal sealed record HealthAnswer(
    [property: JsonPropertyName("status")] string Status,
    [property: JsonPropertyName("problem")][property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Problem);

/// <summary>A refusal in the registry's form.</summary>
internal sealed record RefusalAnswer([property: JsonPropertyName("errors")] IReadOnlyList<RefusalError> Errors);

/// <summary>One error of it.</summary>
internal sealed record RefusalError([property: JsonPropertyName("code")] string Code,
    [property: JsonPropertyName("message")] string Message);

[JsonSerializable(typeof(HealthAnswer))]
[JsonSerializable(typeof(RefusalAnswer))]
internal sealed partial class OperationJson : JsonSerializerContext;
