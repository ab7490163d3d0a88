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

    /// <summary>Reads <c>unix:///path</c> or <c>tcp://address:port</c>.</summary>
    /// <exception cref="FaultException">InvalidArgument: neither. NotSupported: <c>fd://</c> and <c>npipe://</c>.</exception>
    public static ListenAddress Parse(string text)
    {
        if (text.StartsWith("unix://", StringComparison.Ordinal))
            return Unix(text);
        if (text.StartsWith("tcp://", StringComparison.Ordinal))
            return new ListenAddress(null, ParseTcp(text));
        if (text.StartsWith("fd://", StringComparison.Ordinal))
            throw new FaultException(
                FaultKind.NotSupported, $"listen on {text}: sockets handed over by systemd are not supported, use unix:// instead");
        throw FaultException.Invalid($"invalid bind address ({text}): unix:// or tcp:// is expected");
    }

    /// <summary>As the user wrote it.</summary>
    public override string ToString() => Path is not null ? $"unix://{Path}" : $"tcp://{Tcp}";

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
