using Microsoft.Extensions.Logging;

namespace Berth.Daemon.Hosting;

/// <summary>From which level on the daemon logs; changes when settings are read again.</summary>
internal sealed class LogSwitch(LogLevel level)
{
    private volatile int _level = (int)level;

    /// <summary>The level.</summary>
    public LogLevel Level
    {
        get => (LogLevel)_level;
        set => _level = (int)value;
    }

    /// <summary>It logs for debugging.</summary>
    public bool IsDebug => Level <= LogLevel.Debug;

    /// <summary>Whether a message is wanted. What the web server itself says is only of interest when it warns.</summary>
    public bool Wants(string? category, LogLevel level) =>
        level >= Level && (level >= LogLevel.Warning || category?.StartsWith("Microsoft", StringComparison.Ordinal) != true);
}
