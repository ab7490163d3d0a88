using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using Berth.Faults;

namespace Berth.Distribution;

/// <summary>A registry refused, or could not be reached. Inside this project only: it is made a fault where it leaves.</summary>
internal sealed class RegistryException(FaultKind kind, string message, Exception? cause = null) : Exception(message, cause)
{
    public FaultKind Kind { get; } = kind;

    /// <summary>The first code of the registry's error list, such as <c>DENIED</c>; null without one.</summary>
    public string? Code { get; init; }

    /// <summary>True when the same request may succeed later.</summary>
    public bool IsTransient { get; init; }

    /// <summary>True when no connection could be made, so that another scheme or endpoint may do.</summary>
    public bool IsUnreachable { get; init; }

    /// <summary>How long the registry asks to wait.</summary>
    public TimeSpan? RetryAfter { get; init; }

    public FaultException ToFault() => new(Kind, Message, this);

    /// <summary>A broken transfer: worth another attempt.</summary>
    /// <param name="method">What was tried.</param>
    /// <param name="uri">Where.</param>
    /// <param name="cause">Why not.</param>
    /// <param name="insecureAdvice">As in <see cref="RegistryOptions.InsecureAdvice"/>.</param>
    public static RegistryException Broken(HttpMethod method, Uri uri, Exception cause, string insecureAdvice = "") =>
        new(FaultKind.Unavailable, $"{Attempt(method, uri)}: {Cause(cause, uri, insecureAdvice)}", cause)
        {
            IsTransient = !IsTlsRefusal(cause),
            IsUnreachable = cause is HttpRequestException
            {
                HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
                    or HttpRequestError.SecureConnectionError,
            },
        };

    /// <summary>Something stood still for too long.</summary>
    public static RegistryException TimedOut(HttpMethod method, Uri uri, string what) =>
        new(FaultKind.Unavailable, $"{Attempt(method, uri)}: {what}") { IsTransient = true, IsUnreachable = true };

    /// <summary>What Go's clients write before the cause. The query may be a signature, so it is left out.</summary>
    public static string Attempt(HttpMethod method, Uri uri)
    {
        string name = method.Method;
        return $"{name[0]}{name[1..].ToLowerInvariant()} \"{Clean(uri)}\"";
    }

    /// <summary>An address without user info, query and fragment.</summary>
    public static string Clean(Uri uri) => $"{uri.Scheme}://{uri.Authority}{uri.AbsolutePath}";

    /// <summary>The Retry-After header as a span; null when it is missing or a date.</summary>
    public static TimeSpan? RetryAfterOf(HttpResponseHeaders headers) => headers.RetryAfter?.Delta;

    private static bool IsTlsRefusal(Exception cause) => cause is HttpRequestException { InnerException: AuthenticationException };

    private static string Cause(Exception cause, Uri uri, string insecureAdvice) => cause switch
    {
        HttpRequestException { InnerException: AuthenticationException tls } => TlsCause(tls, uri, insecureAdvice),
        HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } =>
            $"dial tcp: lookup {uri.Host}: no such host: is this machine online, and is that the registry that was meant?",
        HttpRequestException { InnerException: SocketException socket } => 
            $"dial tcp {uri.Host}:{uri.Port}: {Dial(socket)}{NextStep(socket)}",
        HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded } => "unexpected EOF",
        HttpRequestException { InnerException: HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded } } => "EOF",
        HttpRequestException { InnerException: IOException io } => io.Message.TrimEnd('.'),
        _ => cause.Message.TrimEnd('.'),
    };

    // Behind Docker's own text, which clients look for within the line.
    private static string NextStep(SocketException socket) => socket.SocketErrorCode == SocketError.ConnectionRefused
        ? ": is the registry running, and is that its port?" : "";

    private static string Dial(SocketException socket) => socket.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => "connect: connection refused",
        SocketError.HostUnreachable => "connect: no route to host",
        SocketError.NetworkUnreachable => "connect: network is unreachable",
        SocketError.TimedOut => "i/o timeout",
        SocketError.ConnectionReset => "connect: connection reset by peer",
        _ => socket.Message,
    };

    private static string TlsCause(AuthenticationException tls, Uri uri, string insecureAdvice) =>
        tls.Message.Contains("frame", StringComparison.OrdinalIgnoreCase)
            ? "http: server gave HTTP response to HTTPS client: "
                + insecureAdvice.Replace("{0}", uri.Authority, StringComparison.Ordinal)
            : $"tls: failed to verify certificate: {tls.Message.TrimEnd('.')}: put its authority into "
                + $"/etc/docker/certs.d/{uri.Authority}/ca.crt";
}
