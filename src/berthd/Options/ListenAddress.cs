using System.Net;

namespace Berth.Daemon.Options;

/// <summary>Where the daemon listens: a unix socket's path, or an address and port that are only ever served with TLS.</summary>
/// <param name="Path">The socket's path; null for TCP.</param>
/// <param name="Tcp">The address; null for a unix socket.</param>
internal sealed record ListenAddress(string? Path, IPEndPoint? Tcp)
{
    // Linux: sun_path has 108 bytes, the last of which is a zero.
    private const int SocketPathBytesMax = 107;

    private const int TlsPort = 2376;

    /// <summary>Which of the sockets that systemd handed over: empty or <c>*</c> all, a number or a name one; null: none.</summary>
    public string? Handed { get; init; }

    /// <summary>Reads <c>unix:///path</c>, <c>tcp://address:port</c> or <c>fd://</c>.</summary>
    /// <exception cref="FaultException">InvalidArgument: none of them.</exception>
    public static ListenAddress Parse(string text)
    {
        if (text.StartsWith("unix://", StringComparison.Ordinal))
            return Unix(text);
        if (text.StartsWith("tcp://", StringComparison.Ordinal))
            return new ListenAddress(null, ParseTcp(text));
        if (text.StartsWith("fd://", StringComparison.Ordinal))
            return new ListenAddress(null, null) { Handed = text["fd://".Length..] };
        throw FaultException.Invalid($"invalid bind address ({text}): unix://, tcp:// or fd:// is expected");
    }

    /// <summary>As the user wrote it.</summary>
    public override string ToString() => Handed is not null ? $"fd://{Handed}" : Path is not null ? $"unix://{Path}" : $"tcp://{Tcp}";

    /// <summary>Reads <c>address:port</c>.</summary>
    /// <exception cref="FaultException">InvalidArgument: something else.</exception>
    public static IPEndPoint ParseMetrics(string text)
    {
        string address = text.StartsWith("localhost:", StringComparison.Ordinal) ? "127.0.0.1" + text["localhost".Length..]
            : text.StartsWith(':') ? "0.0.0.0" + text : text;
        return IPEndPoint.TryParse(address, out IPEndPoint? endPoint) && address.Contains(':', StringComparison.Ordinal) ? endPoint
            : throw FaultException.Invalid($"invalid metrics-addr ({text}): an IP address and a port are expected");
    }

    private static ListenAddress Unix(string text)
    {
        string path = text["unix://".Length..];
        if (!path.StartsWith('/'))
            throw FaultException.Invalid($"invalid bind address ({text}): the socket's path must be absolute");
        if (System.Text.Encoding.UTF8.GetByteCount(path) > SocketPathBytesMax)
            throw FaultException.Invalid(
                $"invalid bind address ({text}): the socket's path is longer than {SocketPathBytesMax} bytes");
        return new ListenAddress(path, null);
    }

    private static IPEndPoint ParseTcp(string text)
    {
        string address = text["tcp://".Length..].TrimEnd('/');
        if (address.StartsWith("localhost", StringComparison.Ordinal))
            address = "127.0.0.1" + address["localhost".Length..];
        if (!IPEndPoint.TryParse(address, out IPEndPoint? endPoint))
            throw FaultException.Invalid($"invalid bind address ({text}): an IP address and a port are expected");
        return endPoint.Port == 0 ? new IPEndPoint(endPoint.Address, TlsPort) : endPoint;
    }
}
