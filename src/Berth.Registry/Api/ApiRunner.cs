using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Berth.Registry.Hosting;
using Berth.Registry.Model;
using Berth.Registry.Pages.Frame;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Berth.Registry.Api;

/// <summary>Runs a call of the JSON API: finds out who asks, and turns faults into answers.</summary>
/// <remarks>
/// A caller signs in as clients of the registry do (Basic with a password or token, Bearer), or by a browser's session, which counts
/// for a
/// change only when a page of this hub sent it.
/// </remarks>
internal sealed partial class ApiRunner(HubServices services)
{
    private const string Challenge = "Basic realm=\"berth-hub\", charset=\"UTF-8\"";

    private readonly ILogger _log = services.Loggers.CreateLogger("Berth.Registry.Api");

    /// <summary>An endpoint for a call.</summary>
    /// <param name="handle">Answers it.</param>
    /// <param name="names">What its query may name; null: the call says so itself (<see cref="ApiCall.RequireNames"/>).</param>
    public RequestDelegate Call(Func<ApiCall, Task> handle, IReadOnlyList<string>? names) => context => RunAsync(context, handle, names);

    private async Task RunAsync(HttpContext context, Func<ApiCall, Task> handle, IReadOnlyList<string>? names)
    {
        ApiCall call = new(context, services, Caller.Anonymous);
        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.Headers.CacheControl = "private, no-store";
        try
        {
            Caller caller = await services.Callers.ReadAsync(context, context.RequestAborted)
                ?? throw new FaultException(FaultKind.Unauthorized, "the credentials are wrong");
            call = new ApiCall(context, services, caller);
            if (names is not null)
                call.RequireNames(names);
            await handle(call);
        }
        catch (FaultException fault) when (!context.Response.HasStarted)
        {
            if (fault.Kind is FaultKind.Internal)
                Log.Failed(_log, context.Request.Path, fault);
            else if (fault.Kind is FaultKind.Unavailable)
                Log.Away(_log, context.Request.Path, fault.Message);
            await SendAsync(call, fault);
        }
        catch (Tokens.TooManyAttemptsException tooMany) when (!context.Response.HasStarted)
        {
            context.Response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(tooMany.Wait.TotalSeconds)).ToString();
            await call.SendAsync(new ErrorWire("too-many-attempts", tooMany.Message), ApiJson.Default.ErrorWire,
                StatusCodes.Status429TooManyRequests);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            return;
        }
        catch (Exception failure) when (!context.Response.HasStarted)
        {
            Log.Failed(_log, context.Request.Path, failure);
            await SendAsync(call, FaultException.Internal("the hub could not answer; its log has the reason", failure));
        }
    }

    private static Task SendAsync(ApiCall call, FaultException fault)
    {
        if (fault.Kind is FaultKind.Unauthorized)
            call.Http.Response.Headers.WWWAuthenticate = Challenge;
        string message = fault.Kind is FaultKind.Internal ? "the hub could not answer; its log has the reason" : OutwardText.Of(fault);
        return call.SendAsync(new ErrorWire(WordOf(fault.Kind), message), ApiJson.Default.ErrorWire, ErrorPage.StatusOf(fault.Kind));
    }

    private static string WordOf(FaultKind kind) => kind switch
    {
        FaultKind.InvalidArgument => "invalid",
        FaultKind.Unauthorized => "unauthorized",
        FaultKind.Forbidden => "forbidden",
        FaultKind.NotFound => "not-found",
        FaultKind.Conflict => "conflict",
        FaultKind.NotSupported => "not-supported",
        FaultKind.Unavailable or FaultKind.Cancelled => "unavailable",
        _ => "internal",
    };

    private static partial class Log
    {
        [LoggerMessage(EventId = 7201, Level = LogLevel.Error, Message = "The call {Path} failed")]
        public static partial void Failed(ILogger logger, PathString path, Exception cause);

        [LoggerMessage(EventId = 7202, Level = LogLevel.Warning, Message = "The call {Path} failed: {Reason}")]
        public static partial void Away(ILogger logger, PathString path, string reason);
    }
}

/// <summary>One call: who asks, what for, and how to answer.</summary>
internal sealed class ApiCall(HttpContext http, HubServices services, Caller caller)
{
    /// <summary>The largest body of a call; a README of the longest kind fits, whatever its script.</summary>
    public const int BodyBytesMax = 1024 * 1024;

    // How much of a stranger's text a message repeats.
    private const int ShownMax = 40;

    public HttpContext Http { get; } = http;

    public HubServices Services { get; } = services;

    public Caller Caller { get; } = caller;

    public CancellationToken Cancelled => Http.RequestAborted;

    public string Method => Http.Request.Method;

    /// <summary>One value of the path; empty where there is none.</summary>
    public string Route(string name) => (string?)Http.Request.RouteValues[name] ?? "";

    /// <summary>One value of the query; empty where there is none.</summary>
    public string Query(string name) => Http.Request.Query[name].ToString();

    /// <summary>Refuses a query that names anything else: who mistypes <c>dry-run</c> must not get what they did not ask for.</summary>
    /// <exception cref="FaultException">InvalidArgument: another name, or one of these twice.</exception>
    public void RequireNames(params IReadOnlyList<string> names)
    {
        foreach ((string name, Microsoft.Extensions.Primitives.StringValues values) in Http.Request.Query)
        {
            if (!names.Contains(name, StringComparer.OrdinalIgnoreCase))
                throw FaultException.Invalid(
                    $"{Shortened(name)}: the query may not name this; "
                    + (names.Count == 0 ? "this call takes no query" : $"known here: {string.Join(", ", names)}"));
            if (values.Count > 1)
                throw FaultException.Invalid($"{name}: it stands in the query more than once");
        }
    }

    /// <summary>One value of the query that must be one of a few; empty where there is none.</summary>
    /// <exception cref="FaultException">InvalidArgument: it is none of them.</exception>
    public string OneOf(string name, params ReadOnlySpan<string> values)
    {
        string text = Query(name);
        return text.Length == 0 || values.Contains(text) ? text
            : throw FaultException.Invalid($"{name}: {Shortened(text)} is none of {string.Join(", ", values)}");
    }

    /// <summary>The mark of the page before; null: the first page.</summary>
    /// <exception cref="FaultException">InvalidArgument: it is no mark.</exception>
    public Browsing.PageMark? Mark() => Query("after") is not { Length: > 0 } text ? null
        : Browsing.PageMark.Parse(text) ?? throw FaultException.Invalid("after: the \"next\" of the page before is expected");

    private static string Shortened(string text) => text.Length <= ShownMax ? text : text[..ShownMax] + "…";

    /// <summary>A number of the query.</summary>
    /// <exception cref="FaultException">InvalidArgument: there is something else.</exception>
    public long? Number(string name)
    {
        string text = Query(name);
        if (text.Length == 0)
            return null;
        return long.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture,
            out long number)
            ? number : throw FaultException.Invalid($"{name}: a number is expected");
    }

    /// <summary>How many rows are wanted, from one to <paramref name="most"/>: more is not refused, it is not given.</summary>
    public int Limit(int usual, int most) => (int)Math.Clamp(Number("limit") ?? usual, 1, most);

    /// <summary>The body.</summary>
    /// <exception cref="FaultException">InvalidArgument: no JSON, too large, unknown fields or wrong types.</exception>
    public async Task<T> ReadAsync<T>(JsonTypeInfo<T> type) where T : class
    {
        if (!Http.Request.HasJsonContentType())
            throw FaultException.Invalid("read body: Content-Type must be application/json");
        byte[] body = await ReadBodyAsync();
        try
        {
            return JsonSerializer.Deserialize(body, type) ?? throw FaultException.Invalid("read body: it is null");
        }
        catch (JsonException exception)
        {
            throw FaultException.Invalid($"read body: {WhyOf(exception)}", exception);
        }
    }

    // Of text that is no JSON the reader says what and where; of a field that does not fit it would name types of this program.
    private static string WhyOf(JsonException exception) => exception.InnerException is JsonException syntax ? syntax.Message
        : exception.Path is { Length: > 1 } path ? $"{Shortened(path)}: this call has no such field, or one of another kind"
        : "an object with this call's fields is expected";

    /// <summary>Answers with a document.</summary>
    public async Task SendAsync<T>(T document, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK)
    {
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(document, type);
        Http.Response.StatusCode = status;
        Http.Response.ContentType = "application/json; charset=utf-8";
        Http.Response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(Method))
            await Http.Response.Body.WriteAsync(body, Cancelled);
    }

    /// <summary>Answers that it is done.</summary>
    public Task DoneAsync()
    {
        Http.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private async Task<byte[]> ReadBodyAsync()
    {
        using MemoryStream body = new();
        byte[] buffer = new byte[16 * 1024];
        for (int read; (read = await Http.Request.Body.ReadAsync(buffer, Cancelled)) > 0;)
        {
            if (body.Length + read > BodyBytesMax)
                throw FaultException.Invalid($"read body: it is larger than {BodyBytesMax} bytes");
            body.Write(buffer, 0, read);
        }
        return body.ToArray();
    }
}
