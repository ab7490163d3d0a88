using System.Globalization;
using Berth.Faults;

namespace Berth.Engine.Logs.Destinations;

/// <summary>Options of the fluentd driver.</summary>
internal sealed record FluentdOptions
{
    private const int DefaultPort = 24224;
    private static readonly System.Buffers.SearchValues<char> s_digits = System.Buffers.SearchValues.Create("0123456789.");

    /// <summary>The names of all options that are only this driver's.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "fluentd-address", "fluentd-async", "fluentd-async-reconnect-interval", "fluentd-buffer-limit", "fluentd-max-retries",
        "fluentd-request-ack", "fluentd-retry-wait", "fluentd-sub-second-precision", "fluentd-write-timeout",
    ];

    /// <summary><c>tcp</c>, <c>tls</c> or <c>unix</c>.</summary>
    public required string Transport { get; init; }

    /// <summary>The host, or a socket's path.</summary>
    public required string Host { get; init; }

    /// <summary>The port.</summary>
    public required int Port { get; init; }

    /// <summary>The server confirms what it took.</summary>
    public bool RequestAck { get; init; }

    /// <summary>Times with nanoseconds.</summary>
    public bool SubSecond { get; init; }

    /// <summary>Tries for one batch; 0: without end.</summary>
    public int TriesMax { get; init; }

    /// <summary>Before the first try after a failure.</summary>
    public TimeSpan RetryWait { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>As the user wrote it.</summary>
    public string Address => Transport == "unix" ? $"unix://{Host}" : $"{Transport}://{Host}:{Port}";

    /// <summary>Reads them.</summary>
    /// <exception cref="FaultException">InvalidArgument: one is wrong.</exception>
    public static FluentdOptions Parse(IReadOnlyDictionary<string, string> options)
    {
        string text = options.GetValueOrDefault("fluentd-address", "");
        int colon = text.IndexOf("://", StringComparison.Ordinal);
        string scheme = colon < 0 ? "tcp" : text[..colon];
        string rest = colon < 0 ? text : text[(colon + 3)..];
        if (scheme is not ("tcp" or "tls" or "unix"))
            throw FaultException.Invalid($"invalid fluentd-address ({text}): unsupported scheme: '{scheme}'");
        (string host, int port) = scheme == "unix" ? (rest, 0)
            : rest.Length == 0 ? ("127.0.0.1", DefaultPort) : HostPort.Parse(rest, DefaultPort);
        // Containers never wait for fluentd here, so this one says nothing new; a wrong value is still a mistake.
        _ = LogOptions.Flag(options, "fluentd-async");
        _ = Duration(options, "fluentd-async-reconnect-interval");
        _ = Duration(options, "fluentd-write-timeout");
        if (options.TryGetValue("fluentd-buffer-limit", out string? limit))
            _ = LogOptions.ParseSize(limit);
        return new FluentdOptions
        {
            Transport = scheme, Host = host, Port = port,
            RequestAck = LogOptions.Flag(options, "fluentd-request-ack"),
            SubSecond = LogOptions.Flag(options, "fluentd-sub-second-precision"),
            TriesMax = !options.TryGetValue("fluentd-max-retries", out string? tries) ? 0
                : int.TryParse(tries, NumberStyles.None, CultureInfo.InvariantCulture, out int count) ? count + 1
                : throw FaultException.Invalid($"invalid fluentd-max-retries: {tries}"),
            RetryWait = Duration(options, "fluentd-retry-wait") ?? TimeSpan.FromSeconds(1),
        };
    }

    // The one-unit form of Go's durations, which is how these are written: 500ms, 1s, 2m, 1h.
    private static TimeSpan? Duration(IReadOnlyDictionary<string, string> options, string name)
    {
        if (!options.TryGetValue(name, out string? text))
            return null;
        int letters = text.AsSpan().IndexOfAnyExcept(s_digits);
        TimeSpan? unit = letters < 0 ? null : text[letters..] switch
        {
            "ms" => TimeSpan.FromMilliseconds(1), "s" => TimeSpan.FromSeconds(1), "m" => TimeSpan.FromMinutes(1),
            "h" => TimeSpan.FromHours(1), _ => null,
        };
        return unit is { } one
            && double.TryParse(text.AsSpan(0, letters), CultureInfo.InvariantCulture, out double value) && value <= 10_000
            ? one * value : throw FaultException.Invalid($"invalid value for {name}: time: invalid duration \"{text}\"");
    }
}
