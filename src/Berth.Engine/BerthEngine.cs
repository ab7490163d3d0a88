
namespace Berth.Engine;

/// <summary>
/// The whole domain of one container engine: what it owns on disk, what it runs, and the interfaces through which the protocols
/// reach it. Owned by the program that opened it; disposing lets go of everything while the containers go on running.
/// </summary>
/// <remarks>Named so because the namespace is already called Engine.</remarks>
public abstract class BerthEngine : IAsyncDisposable
{
    /// <summary>Containers.</summary>
    public abstract IContainers Containers { get; }

    /// <summary>Further processes in containers.</summary>
    public abstract IExecs Execs { get; }

    /// <summary>Images.</summary>
    public abstract IImages Images { get; }

    /// <summary>Volumes.</summary>
    public abstract IVolumes Volumes { get; }

    /// <summary>Networks.</summary>
    public abstract INetworkService Networks { get; }

    /// <summary>What happens.</summary>
    public abstract IEvents Events { get; }

    /// <summary>Engine and machine.</summary>
    public abstract ISystem System { get; }

    /// <summary>Builds.</summary>
    public abstract IBuilds Builds { get; }

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();
}
