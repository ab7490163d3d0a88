using System.Text.RegularExpressions;
using Berth.Engine.Logs.Destinations;
using Berth.Faults;

namespace Berth.Engine;

/// <summary>Log drivers and their options, checked as Docker checks them.</summary>
internal static class LogOptions
{
    private const long FileBytesMax = 10_000_000;
    private const int FileFilesMax = 3;
    private const long CacheBytesMax = 20_000_000;
    private const int CacheFilesMax = 5;
    private const int BufferBytesMax = 1024 * 1024;
    private static readonly string[] s_everywhere =
        ["mode", "max-buffer-size", "cache-disabled", "cache-max-size", "cache-max-file", "cache-compress"];
    private static readonly string[] s_attributes = ["labels", "labels-regex", "env", "env-regex", "tag"];

    /// <summary>The drivers there are, as <c>info</c> lists them.</summary>
    public static IReadOnlyList<string> Drivers { get; } = ["fluentd", "journald", "json-file", "local", "none", "syslog"];

    /// <summary>The settings of a container with the engine's defaults filled in.</summary>
    /// <exception cref="FaultException">InvalidArgument: an unknown driver or a wrong option.</exception>
    public static LogSettings Normal(LogSettings? asked, EngineOptions engine)
    {
        LogSettings settings = string.IsNullOrEmpty(asked?.Type)
            ? new LogSettings(engine.LogDriver, asked?.Config is { Count: > 0 } own ? own : engine.LogOptions)
            : asked.Config.Count == 0 && asked.Type == engine.LogDriver ? new LogSettings(asked.Type, engine.LogOptions) : asked;
        _ = Plan(settings);
        return settings;
    }

    /// <summary>What settings mean; null: no log at all.</summary>
    /// <exception cref="FaultException">InvalidArgument: an unknown driver or a wrong option.</exception>
    public static LogPlan? Plan(LogSettings settings)
    {
        IReadOnlyDictionary<string, string> options = settings.Config;
        if (!Drivers.Contains(settings.Type))
            throw FaultException.Invalid($"logger: no log driver named '{settings.Type}' is registered");
        if (settings.Type == "none")
            return null;
        CheckNames(settings.Type, options);
        string mode = options.GetValueOrDefault("mode", "");
        if (mode is not ("" or "blocking" or "non-blocking"))
            throw FaultException.Invalid($"logger: logging mode not supported: {mode}");
        if (options.ContainsKey("max-buffer-size") && mode != "non-blocking")
            throw FaultException.Invalid("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
        LogPlan plan = settings.Type switch
        {
            "json-file" => Files(settings.Type, options, FileBytesMax, FileFilesMax, compress: false, prefix: ""),
            "local" => Files(settings.Type, options, CacheBytesMax, CacheFilesMax, compress: true, prefix: ""),
            _ => Files(settings.Type, options, CacheBytesMax, CacheFilesMax, compress: true, prefix: "cache-") with
            {
                Open = Destination(settings.Type, options),
                IsReadable = !Flag(options, "cache-disabled"),
                Blocks = mode == "blocking",
            },
        };
        return options.TryGetValue("max-buffer-size", out string? size)
            ? plan with { BufferBytes = (int)Math.Clamp(ParseSize(size), 16 * 1024, BufferBytesMax) } : plan;
    }

    private static Func<LogSource, ILogDestination> Destination(string driver, IReadOnlyDictionary<string, string> options)
    {
        switch (driver)
        {
            case "syslog":
                SyslogOptions syslog = SyslogOptions.Parse(options);
                return source => new SyslogDestination(syslog, source);
            case "journald":
                return source => new JournaldDestination(JournaldDestination.Socket, source);
            default:
                FluentdOptions fluentd = FluentdOptions.Parse(options);
                return source => new FluentdDestination(fluentd, source);
        }
    }

    private static LogPlan Files(
        string driver, IReadOnlyDictionary<string, string> options, long bytes, int files, bool compress, string prefix)
    {
        if (options.TryGetValue(prefix + "max-size", out string? size))
            bytes = size == "-1" ? -1 : ParseSize(size);
        if (options.TryGetValue(prefix + "max-file", out string? count))
            files = int.TryParse(count, out int number) && number > 0 ? number
                : throw FaultException.Invalid($"max-file cannot be less than 1: {count}");
        bool isCompressed = options.ContainsKey(prefix + "compress") ? Flag(options, prefix + "compress") : compress;
        if (isCompressed && options.ContainsKey(prefix + "compress") && (files < 2 || bytes < 0))
            throw FaultException.Invalid("compress cannot be true when max-file is less than 2 or max-size is not set");
        _ = Flag(options, "cache-disabled");
        return new LogPlan
        {
            Driver = driver, BytesMax = bytes, FilesMax = files, Compress = isCompressed && files > 1 && bytes > 0,
            Attributes = new LogAttributeChoice(
                Names(options, "labels"), Pattern(options, "labels-regex"), Names(options, "env"), Pattern(options, "env-regex")),
            Tag = options.GetValueOrDefault("tag"),
        };
    }

    private static void CheckNames(string driver, IReadOnlyDictionary<string, string> options)
    {
        string[] known = driver switch
        {
            "json-file" => ["max-file", "max-size", "compress", .. s_attributes],
            "local" => ["max-file", "max-size", "compress"],
            "syslog" => [.. SyslogOptions.Names, .. s_attributes],
            "fluentd" => [.. FluentdOptions.Names, .. s_attributes],
            _ => s_attributes,
        };
        foreach (string name in options.Keys)
            if (!known.Contains(name) && !s_everywhere.Contains(name))
                throw FaultException.Invalid(driver == "local"
                    ? $"unknown log opt '{name}' for log driver local" : $"unknown log opt '{name}' for {driver} log driver");
    }

    /// <summary>A boolean as Go reads it; a missing or empty one is false.</summary>
    internal static bool Flag(IReadOnlyDictionary<string, string> options, string name) => options.GetValueOrDefault(name, "") switch
    {
        "1" or "t" or "T" or "true" or "TRUE" or "True" => true,
        "" or "0" or "f" or "F" or "false" or "FALSE" or "False" => false,
        var text => throw FaultException.Invalid($"invalid value for option {name}: strconv.ParseBool: parsing \"{text}\": invalid syntax"),
    };

    private static string[] Names(IReadOnlyDictionary<string, string> options, string name) =>
        options.GetValueOrDefault(name, "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    // Without backtracking, as Go's are: a pattern of a user cannot hold the engine.
    private static Regex? Pattern(IReadOnlyDictionary<string, string> options, string name)
    {
        if (options.GetValueOrDefault(name) is not { Length: > 0 } text)
            return null;
        try
        {
            return new Regex(text, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception failure) when (failure is ArgumentException or NotSupportedException)
        {
            throw FaultException.Invalid($"error parsing {name}: {failure.Message}", failure);
        }
    }

    internal static long ParseSize(string text)
    {
        string number = text.TrimEnd('b', 'B');
        long unit = number.Length == 0 ? 0
            : char.ToLowerInvariant(number[^1]) switch { 'k' => 1000, 'm' => 1_000_000, 'g' => 1_000_000_000, _ => 1 };
        if (unit > 1)
            number = number[..^1];
        return unit > 0 && long.TryParse(number, out long value) && value > 0 && value < long.MaxValue / unit ? value * unit
            : throw FaultException.Invalid($"invalid size: '{text}'");
    }
}
