using Berth.BuildKit.Sessions;
using Berth.Daemon.Hosting;
using Berth.Daemon.Metrics;
using Berth.Daemon.Streams;
using Berth.Daemon.Transport;
using Microsoft.Extensions.Logging;

namespace Berth.Daemon.Http;

/// <summary>What endpoints reach for beside the request.</summary>
/// <param name="Engine">The domain.</param>
/// <param name="Clock">The time.</param>
/// <param name="Program">What this daemon says of itself.</param>
/// <param name="Log">Where requests that fail by our fault are reported.</param>
/// <param name="Stopping">Cancelled when the daemon shuts down.</param>
internal sealed record DaemonServices(
    EngineServices Engine, TimeProvider Clock, ProgramIdentity Program, ILogger Log, CancellationToken Stopping)
{
    /// <summary>What is counted of requests.</summary>
    public RequestCounts Requests { get; } = new();

    /// <summary>The sessions of clients that build with BuildKit.</summary>
    public SessionTable Sessions { get; } = new(Clock);

    /// <summary>Connections that go on by HTTP/2.</summary>
    public HandedConnections Http2 { get; } = new();

    /// <summary>Contexts that wait for their builds.</summary>
    public UploadTable Uploads { get; } = new(Clock);

    /// <summary>What is said of the builder that clients are to use.</summary>
    public bool PrefersBuildKit { get; init; } = true;

    /// <summary>From which level on the daemon logs; null: as it began.</summary>
    public LogSwitch? Levels { get; init; }
}

/// <summary>What this daemon says of itself.</summary>
/// <param name="Version">Its version.</param>
/// <param name="Commit">The commit it was built from, short; may be empty.</param>
/// <param name="BuildTime">When it was built, RFC 3339; may be empty.</param>
/// <param name="Debug">It logs for debugging.</param>
internal sealed record ProgramIdentity(string Version, string Commit, string BuildTime, bool Debug);
