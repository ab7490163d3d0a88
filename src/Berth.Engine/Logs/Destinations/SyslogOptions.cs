using System.Globalization;
using Berth.Faults;

namespace Berth.Engine.Logs.Destinations;

/// <summary>How a syslog message is laid out.</summary>
internal enum SyslogFormat
{
    /// <summary>As a local daemon wants it: time, tag, process ID.</summary>
    Local,

    /// <summary>RFC 3164: with the host's name.</summary>
    Rfc3164,

    /// <summary>RFC 5424, seconds.</summary>
    Rfc5424,

    /// <summary>RFC 5424, microseconds.</summary>
    Rfc5424Micro,
}

/// <summary>Options of the syslog driver.</summary>
internal sealed record SyslogOptions
{
    private static readonly string[] s_facilities =
    [
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "", "", "", "",
        "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
    ];
    private const int DaemonFacility = 3;
    private const int DefaultPort = 514;

    /// <summary>The names of all options that are only this driver's.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "syslog-address", "syslog-facility", "syslog-format", "syslog-tls-ca-cert", "syslog-tls-cert", "syslog-tls-key",
        "syslog-tls-skip-verify",
    ];

    /// <summary><c>udp</c>, <c>tcp</c>, <c>tcp+tls</c>, <c>unix</c>, <c>unixgram</c>; empty: this machine's syslog.</summary>
    public required string Transport { get; init; }

    /// <summary>The host, or a socket's path.</summary>
    public required string Host { get; init; }

    /// <summary>The port.</summary>
    public int Port { get; init; } = DefaultPort;

    /// <summary>The facility's number.</summary>
    public int Facility { get; init; } = DaemonFacility;

    /// <summary>The layout.</summary>
    public SyslogFormat Format { get; init; }

    /// <summary>The authorities trusted, as a PEM file; null: the system's.</summary>
    public string? TlsAuthority { get; init; }

    /// <summary>Our certificate and key as PEM files; null: none.</summary>
    public (string Certificate, string Key)? TlsIdentity { get; init; }

    /// <summary>The server's certificate is not verified.</summary>
    public bool TlsSkipVerify { get; init; }

    /// <summary>Reads them.</summary>
    /// <exception cref="FaultException">InvalidArgument: one is wrong, in Docker's words.</exception>
    public static SyslogOptions Parse(IReadOnlyDictionary<string, string> options)
    {
        (string transport, string host, int port) = ParseAddress(options.GetValueOrDefault("syslog-address", ""));
        string? certificate = options.GetValueOrDefault("syslog-tls-cert");
        string? key = options.GetValueOrDefault("syslog-tls-key");
        if (certificate is null != key is null)
            throw FaultException.Invalid("syslog-tls-cert and syslog-tls-key must be given together");
        foreach (string? file in new[] { certificate, key, options.GetValueOrDefault("syslog-tls-ca-cert") })
            if (file is not null && !File.Exists(file))
                throw FaultException.Invalid($"could not load TLS material: open {file}: no such file or directory");
        return new SyslogOptions
        {
            Transport = transport, Host = host, Port = port,
            Facility = ParseFacility(options.GetValueOrDefault("syslog-facility", "")),
            Format = options.GetValueOrDefault("syslog-format", "") switch
            {
                "" => SyslogFormat.Local,
                "rfc3164" => SyslogFormat.Rfc3164,
                "rfc5424" => SyslogFormat.Rfc5424,
                "rfc5424micro" => SyslogFormat.Rfc5424Micro,
                _ => throw FaultException.Invalid("Invalid syslog format"),
            },
            TlsAuthority = options.GetValueOrDefault("syslog-tls-ca-cert"),
            TlsIdentity = certificate is null ? null : (certificate, key!),
            // Any value means yes, as in Docker.
            TlsSkipVerify = options.ContainsKey("syslog-tls-skip-verify"),
        };
    }

    private static int ParseFacility(string text)
    {
        if (text.Length == 0)
            return DaemonFacility;
        int number = Array.IndexOf(s_facilities, text);
        if (number >= 0)
            return number;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number is >= 0 and <= 23
            ? number : throw FaultException.Invalid("invalid syslog facility");
    }

    private static (string Transport, string Host, int Port) ParseAddress(string text)
    {
        if (text.Length == 0)
            return ("", "", 0);
        int colon = text.IndexOf("://", StringComparison.Ordinal);
        string scheme = colon < 0 ? "" : text[..colon];
        if (scheme is not ("udp" or "tcp" or "tcp+tls" or "unix" or "unixgram"))
            throw FaultException.Invalid(colon < 0
                ? $"syslog-address should be in form proto://address, got {text}" : $"unsupported scheme: '{scheme}'");
        string rest = text[(colon + 3)..];
        if (scheme is "unix" or "unixgram")
            return File.Exists(rest) ? (scheme, rest, 0) : throw FaultException.Invalid($"stat {rest}: no such file or directory");
        (string host, int port) = HostPort.Parse(rest, DefaultPort);
        return (scheme, host, port);
    }
}

/// <summary>A host and a port.</summary>
internal static class HostPort
{
    /// <summary>Reads <c>host</c>, <c>host:port</c>, <c>[v6]:port</c>.</summary>
    /// <exception cref="FaultException">InvalidArgument: it is none of those.</exception>
    public static (string Host, int Port) Parse(string text, int standard)
    {
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        string address = slash < 0 ? text : text[..slash];
        int colon = address.LastIndexOf(':');
        bool hasPort = colon >= 0 && !address.EndsWith(']')
            && (address[0] == '[' || address.IndexOf(':', StringComparison.Ordinal) == colon);
        int port = standard;
        if (hasPort
            && (!int.TryParse(address[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out port) || port is < 1 or > 65535))
            throw FaultException.Invalid($"invalid address '{text}': invalid port");
        string host = (hasPort ? address[..colon] : address).Trim('[', ']');
        return host.Length > 0 ? (host, port) : throw FaultException.Invalid($"invalid address '{text}': missing host");
    }
}
