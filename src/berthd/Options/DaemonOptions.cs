using Berth.Engine;
using Microsoft.Extensions.Logging;

namespace Berth.Daemon.Options;

/// <summary>How this daemon runs: validated, complete, never changed.</summary>
internal sealed record DaemonOptions
{
    /// <summary>The domain's share.</summary>
    public required EngineOptions Engine { get; init; }

    /// <summary>Where it listens; at least one.</summary>
    public required IReadOnlyList<ListenAddress> Listen { get; init; }

    /// <summary>The group that may use unix sockets; null: <c>docker</c> or <c>berth</c> where there is one.</summary>
    public string? Group { get; init; }

    /// <summary>Where its process ID is written; null: nowhere.</summary>
    public string? PidFile { get; init; }

    /// <summary>From which level on it logs.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    /// <summary>It logs JSON objects instead of lines.</summary>
    public bool LogsAsJson { get; init; }

    /// <summary>Where metrics are served, to everybody who reaches it; null: nowhere.</summary>
    public System.Net.IPEndPoint? Metrics { get; init; }

    /// <summary>Clients that have both builders are told to use BuildKit's.</summary>
    public bool PrefersBuildKit { get; init; } = true;

    /// <summary>How TCP is secured; null when there is none.</summary>
    public TlsFiles? Tls { get; init; }
}

/// <summary>The PEM files by which a daemon proves itself and knows its clients.</summary>
/// <param name="Authority">The certificates whose signature clients need.</param>
/// <param name="Certificate">The daemon's certificate.</param>
/// <param name="Key">Its key.</param>
internal sealed record TlsFiles(string Authority, string Certificate, string Key);
