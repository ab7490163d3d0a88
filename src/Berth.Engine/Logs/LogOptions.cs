using Berth.Faults;
using Berth.Runtime;

namespace Berth.Engine;

/// <summary>Where and how output is logged: drivers <c>json-file</c> (also by the name <c>local</c>) and <c>none</c>.</summary>
internal static class LogOptions
{
    private const long DefaultBytesMax = 10_000_000;
    private const int DefaultFilesMax = 3;

    /// <exception cref="FaultException">InvalidArgument: an unknown driver or a wrong option.</exception>
    public static LogSettings Normal(LogSettings? asked, EngineOptions engine)
    {
        LogSettings settings = !string.IsNullOrEmpty(asked?.Type) ? asked
            : new LogSettings(engine.LogDriver, asked?.Config is { Count: > 0 } own ? own : engine.LogOptions);
        if (settings.Type is not ("json-file" or "local" or "none"))
            throw FaultException.Invalid($"logger: no log driver named '{settings.Type}' is registered");
        _ = File(settings, "check");
        return settings;
    }

    /// <summary>The file the monitor writes; null: none.</summary>
    public static LogFile? File(LogSettings settings, string path)
    {
        if (settings.Type == "none")
            return null;
        long bytes = DefaultBytesMax;
        int files = DefaultFilesMax;
        foreach ((string key, string value) in settings.Config)
        {
            switch (key)
            {
                case "max-size":
                    bytes = value == "-1" ? -1 : ParseSize(value);
                    break;
                case "max-file":
                    files = int.TryParse(value, out int count) && count > 0 ? count
                        : throw FaultException.Invalid($"max-file cannot be less than 1: {value}");
                    break;
                case "compress" or "mode" or "labels" or "labels-regex" or "env" or "env-regex" or "tag" or "max-buffer-size":
                    throw new FaultException(FaultKind.NotSupported, $"log opt '{key}' is not offered for {settings.Type} log driver");
                default:
                    throw FaultException.Invalid($"unknown log opt '{key}' for {settings.Type} log driver");
            }
        }
        return new LogFile(path, bytes, files);
    }

    private static long ParseSize(string text)
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
