using Berth.Content;
using Berth.Distribution;
using Berth.Engine.State;
using Berth.Layers;
using Berth.Network;
using Berth.Runtime;
using Microsoft.Extensions.Logging;

namespace Berth.Engine;

/// <summary>What the services of one engine share. Owned by <see cref="BerthEngine"/>.</summary>
internal sealed class EngineParts
{
    private volatile EngineOptions _options = null!;

    /// <summary>Replaced whole when settings are read again.</summary>
    public required EngineOptions Options
    {
        get => _options;
        set => _options = value;
    }

    public required StateDatabase State { get; init; }
    public required IContainerRuntime Runtime { get; init; }
    public required ILayerStore Layers { get; init; }
    public required IBlobStore Blobs { get; init; }
    public required INetworks Networks { get; init; }
    public required TimeProvider Time { get; init; }
    public required ILoggerFactory Loggers { get; init; }
    public required EventHub Events { get; init; }
    public required BackgroundWork Background { get; init; }
    public required ContainerTable Containers { get; init; }
    public required string EngineId { get; init; }

    /// <summary>The profile of containers that name none.</summary>
    public required DefaultConfinement Confinement { get; init; }

    /// <summary>Health checks of all containers.</summary>
    public HealthCounts HealthChecks { get; } = new();

    /// <summary>Cancelled when the engine is disposed.</summary>
    public CancellationTokenSource Closing { get; } = new();

    public string ContainerDirectory(string id) => Path.Combine(Options.DataRoot, "containers", id);

    public string RunDirectory(string id) => Path.Combine(Options.ExecRoot, "containers", id);

    public string LogPath(string id) => Path.Combine(ContainerDirectory(id), id + "-json.log");
}

/// <summary>How many health checks there were.</summary>
internal sealed class HealthCounts
{
    private long _total;
    private long _failed;

    public long Total => Interlocked.Read(ref _total);

    public long Failed => Interlocked.Read(ref _failed);

    public void Count(bool isFailure)
    {
        Interlocked.Increment(ref _total);
        if (isFailure)
            Interlocked.Increment(ref _failed);
    }
}

/// <summary>The outer parts that tests replace; null: the real one.</summary>
internal sealed record EngineSubstitutes
{
    public IContainerRuntime? Runtime { get; init; }
    public ILayerStore? Layers { get; init; }
    public IBlobStore? Blobs { get; init; }
    public INetworks? Networks { get; init; }
    public IImageDistribution? Distribution { get; init; }
    public TimeProvider? Time { get; init; }
    public DefaultConfinement? Confinement { get; init; }
}
