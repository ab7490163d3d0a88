using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Berth.Faults;

namespace Berth.Distribution;

/// <summary>Turns a registry's error answers into sentences, as Docker's client words them.</summary>
/// <remarks>OCI distribution-spec 1.1, "Error Codes".</remarks>
internal static class RegistryErrors
{
    /// <summary>The longest error body that is read.</summary>
    public const int BodyBytesMax = 64 * 1024;

    private const int MessageLengthMax = 500;

    public static async Task<RegistryException> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        byte[] body = [];
        try
        {
            body = await BoundedBody.ReadPrefixAsync(response.Content, BodyBytesMax, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException)
        {
            // The status alone says enough.
        }
        return From(response, body);
    }

    public static RegistryException From(HttpResponseMessage response, ReadOnlySpan<byte> body)
    {
        HttpStatusCode status = response.StatusCode;
        if (status == HttpStatusCode.Unauthorized && FromChallenge(response) is { } denied)
            return denied;
        (string? code, string? text) = Parse(body);
        if (status == HttpStatusCode.TooManyRequests)
            (code, text) = ("TOOMANYREQUESTS", text ?? "toomanyrequests: too many requests: wait, or log in for a higher limit");
        if (status == HttpStatusCode.Unauthorized)
            (code, text) = (code ?? "UNAUTHORIZED", text ?? "unauthorized: authentication required");
        bool isTransient = (int)status is 408 or 425 or 429 or >= 500;
        return new RegistryException(
            KindOf(status), text ?? $"received unexpected HTTP status: {(int)status} {ReasonOf(response)}")
        {
            Code = code,
            IsTransient = isTransient,
            RetryAfter = RegistryException.RetryAfterOf(response.Headers),
        };
    }

    public static string ReasonOf(HttpResponseMessage response) =>
        new HttpResponseMessage(response.StatusCode).ReasonPhrase is { Length: > 0 } known ? known : response.StatusCode.ToString();

    private static RegistryException? FromChallenge(HttpResponseMessage response)
    {
        foreach (AuthChallenge challenge in AuthChallenge.Of(response))
        {
            if (challenge.IsBearer && challenge.Parameter("error") == "insufficient_scope")
            {
                return new RegistryException(FaultKind.Forbidden, "denied: requested access to the resource is denied")
                {
                    Code = "DENIED",
                };
            }
        }
        return null;
    }

    private static (string? Code, string? Text) Parse(ReadOnlySpan<byte> body)
    {
        try
        {
            ErrorsJson? wire = JsonSerializer.Deserialize(body, ErrorsJsonContext.Default.ErrorsJson);
            if (wire?.Errors is { Count: > 0 } errors)
            {
                string[] texts = [.. errors.Where(error => error is not null).Take(10).Select(error => TextOf(error!))];
                if (texts.Length > 0)
                    return (
                        errors.First(error => error is not null)!.Code,
                        texts.Length == 1 ? texts[0] : "errors: " + string.Join("; ", texts));
            }
            return wire?.Details is { Length: > 0 } details ? (null, Clip(details)) : (null, null);
        }
        catch (JsonException)
        {
            return (null, null);
        }
    }

    private static string TextOf(ErrorJson error)
    {
        string name = (error.Code ?? "UNKNOWN").ToLowerInvariant().Replace('_', ' ');
        string message = string.IsNullOrEmpty(error.Message) ? name : error.Message;
        return Clip($"{name}: {message}");
    }

    // A stranger's text goes to terminals and logs: one line, no control characters, not endless.
    internal static string Clip(string text)
    {
        string line = new([.. text.Select(c => char.IsControl(c) ? ' ' : c)]);
        return line.Length > MessageLengthMax ? line[..MessageLengthMax] + "…" : line;
    }

    private static FaultKind KindOf(HttpStatusCode status) => (int)status switch
    {
        401 => FaultKind.Unauthorized,
        403 => FaultKind.Forbidden,
        404 => FaultKind.NotFound,
        405 or 501 => FaultKind.NotSupported,
        408 or 425 or 429 or >= 500 => FaultKind.Unavailable,
        >= 400 => FaultKind.InvalidArgument,
        _ => FaultKind.Unavailable,
    };
}

internal sealed record ErrorsJson
{
    [JsonPropertyName("errors")]
    public IReadOnlyList<ErrorJson?>? Errors { get; init; }

    [JsonPropertyName("details")]
    public string? Details { get; init; }
}

internal sealed record ErrorJson
{
    [JsonPropertyName("code")]
    public string? Code { get; init; }

    [JsonPropertyName("message")]
    public string? Message { get; init; }
}

[JsonSerializable(typeof(ErrorsJson))]
internal sealed partial class ErrorsJsonContext : JsonSerializerContext;
