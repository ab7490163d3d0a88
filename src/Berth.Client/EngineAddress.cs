using Berth.Faults;

namespace Berth.Client;

/// <summary>How the engine is reached.</summary>
public enum EngineTransport
{
    /// <summary>A unix socket on this machine.</summary>
    Unix,

    /// <summary>TCP, with TLS when certificates or verification are configured.</summary>
    Tcp,

    /// <summary>A remote machine over <c>ssh</c>, whose client there runs <c>system dial-stdio</c>.</summary>
    Ssh,
}

/// <summary>Where an engine listens: <c>unix:///run/berth/berth.sock</c>, <c>tcp://host:2375</c>, <c>ssh://user@host</c>.</summary>
/// <remarks>The grammar is that of Docker's <c>-H</c>: a bare path is a unix socket, a bare <c>host:port</c> is TCP.</remarks>
public sealed record EngineAddress
{
    private EngineAddress(EngineTransport transport, string text) => (Transport, Text) = (transport, text);

    /// <summary>The kind of connection.</summary>
    public EngineTransport Transport { get; }

    /// <summary>The address as it is printed in messages and stored in contexts.</summary>
    public string Text { get; }

    /// <summary>The socket's path; empty unless <see cref="EngineTransport.Unix"/>.</summary>
    public string Path { get; private init; } = "";

    /// <summary>The host's name or address; for ssh without the user.</summary>
    public string Host { get; private init; } = "";

    /// <summary>The port, or 0 for the transport's own default.</summary>
    public int Port { get; private init; }

    /// <summary>The user to sign in as; null leaves it to ssh's configuration.</summary>
    public string? User { get; private init; }

    /// <summary>Reads an address.</summary>
    /// <exception cref="FaultException">InvalidArgument: not an address, or one this client cannot reach.</exception>
    public static EngineAddress Parse(string text)
    {
        string trimmed = text.Trim();
        int scheme = trimmed.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0)
            return trimmed.StartsWith('/') ? Unix(trimmed) : ParseTcp("tcp://" + trimmed);
        return trimmed[..scheme] switch
        {
            "unix" when trimmed.Length > scheme + 3 => Unix(trimmed[(scheme + 3)..]),
            "tcp" or "http" or "https" => ParseTcp("tcp" + trimmed[scheme..]),
            "ssh" => ParseSsh(trimmed),
            "npipe" => throw FaultException.Invalid(
                $"connect {trimmed}: named pipes exist on Windows only; use unix://, tcp:// or ssh://"),
            "fd" => throw FaultException.Invalid($"connect {trimmed}: fd:// is for the daemon's side of a socket"),
            _ => throw FaultException.Invalid($"unable to parse docker host `{text}`"),
        };
    }

    /// <summary>The address of a unix socket.</summary>
    public static EngineAddress Unix(string path) => new(EngineTransport.Unix, "unix://" + path) { Path = path };

    /// <inheritdoc/>
    public override string ToString() => Text;

    private static EngineAddress ParseTcp(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) || uri.Host.Length == 0)
            throw FaultException.Invalid($"unable to parse docker host `{text}`");
        return new EngineAddress(EngineTransport.Tcp, text.TrimEnd('/'))
        {
            Host = uri.Host.Trim('[', ']'),
            Port = uri.Port > 0 ? uri.Port : 2375,
        };
    }

    private static EngineAddress ParseSsh(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) || uri.Host.Length == 0 || uri.Host.StartsWith('-'))
            throw FaultException.Invalid($"invalid SSH URL: {text}: no host specified");
        if (uri.UserInfo.Contains(':'))
            throw FaultException.Invalid("invalid SSH URL: plain-text password is not supported");
        if (uri.Query.Length > 0 || uri.Fragment.Length > 0)
            throw FaultException.Invalid($"invalid SSH URL: {text}: query parameters and fragments are not allowed");
        return new EngineAddress(EngineTransport.Ssh, text)
        {
            Host = uri.Host.Trim('[', ']'),
            Port = uri.Port > 0 ? uri.Port : 0,
            User = uri.UserInfo.Length == 0 || uri.UserInfo.StartsWith('-') ? null : Uri.UnescapeDataString(uri.UserInfo),
            Path = uri.AbsolutePath is "/" ? "" : uri.AbsolutePath,
        };
    }
}
