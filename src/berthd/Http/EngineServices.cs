using Berth.Engine;

namespace Berth.Daemon.Http;

/// <summary>The domain as endpoints reach it: its interfaces, so that the protocol can be tested without the machine under it.</summary>
internal sealed record EngineServices
{
    /// <summary>Containers.</summary>
    public required IContainers Containers { get; init; }

    /// <summary>Further processes in containers.</summary>
    public required IExecs Execs { get; init; }

    /// <summary>Images.</summary>
    public required IImages Images { get; init; }

    /// <summary>Volumes.</summary>
    public required IVolumes Volumes { get; init; }

    /// <summary>Networks.</summary>
    public required INetworkService Networks { get; init; }

    /// <summary>What happens.</summary>
    public required IEvents Events { get; init; }

    /// <summary>Engine and machine.</summary>
    public required ISystem System { get; init; }

    /// <summary>Builds.</summary>
    public required IBuilds Builds { get; init; }

    /// <summary>Those of an engine that is open.</summary>
    public static EngineServices Of(BerthEngine engine) => new()
    {
        Containers = engine.Containers,
        Execs = engine.Execs,
        Images = engine.Images,
        Volumes = engine.Volumes,
        Networks = engine.Networks,
        Events = engine.Events,
        System = engine.System,
        Builds = engine.Builds,
    };
}
