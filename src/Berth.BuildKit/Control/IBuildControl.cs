using Berth.Builder;
using Berth.Faults;
using Berth.Oci;

namespace Berth.BuildKit.Control;

/// <summary>The engine behind BuildKit's Control service; whoever serves it implements it over its domain.</summary>
public interface IBuildControl
{
    /// <summary>The engine's version and commit.</summary>
    (string Version, string Commit) Version { get; }

    /// <summary>The machine as builds reach it, for <c>--add-host name:host-gateway</c>; null: there is no bridge.</summary>
    string? HostGateway { get; }

    /// <summary>Builds.</summary>
    /// <param name="options">How.</param>
    /// <param name="client">Answers what only the client can.</param>
    /// <param name="export">Takes the files; null makes an image of them.</param>
    /// <param name="context">A tar of the context; null: the client sends it.</param>
    /// <param name="progress">Takes what happens.</param>
    /// <param name="cancellationToken">Gives up, with nothing left.</param>
    /// <returns>The image's ID.</returns>
    /// <exception cref="FaultException">As the engine says it.</exception>
    Task<Digest> BuildAsync(
        SolveOptions options, IBuildClient client, IBuildExport? export, Stream? context, IBuildProgress progress,
        CancellationToken cancellationToken);

    /// <summary>The text of a client's Dockerfile.</summary>
    /// <exception cref="FaultException">InvalidArgument: there is none.</exception>
    Task<string> ReadDefinitionAsync(string filename, IBuildClient client, CancellationToken cancellationToken);

    /// <summary>What the build cache holds.</summary>
    Task<IReadOnlyList<CacheUse>> ListCacheAsync(CancellationToken cancellationToken);

    /// <summary>Removes some of it.</summary>
    /// <param name="all">Also what images use.</param>
    /// <param name="unusedFor">Only what was not used for so long; zero: whenever.</param>
    /// <param name="keepBytes">Stop when no more than this is left; 0: no such limit.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task PruneCacheAsync(bool all, TimeSpan unusedFor, long keepBytes, CancellationToken cancellationToken);
}

/// <summary>A record of the build cache.</summary>
/// <param name="Id">Its ID.</param>
/// <param name="Type"><c>regular</c>, <c>exec.cachemount</c> or <c>source.local</c>.</param>
/// <param name="Description">What made it.</param>
/// <param name="Bytes">Its size.</param>
public sealed record CacheUse(string Id, string Type, string Description, long Bytes)
{
    /// <summary>Something uses it now.</summary>
    public bool InUse { get; init; }

    /// <summary>An image uses it too.</summary>
    public bool Shared { get; init; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset Created { get; init; }

    /// <summary>When it last saved work.</summary>
    public DateTimeOffset? LastUsed { get; init; }

    /// <summary>How often it saved work.</summary>
    public int Uses { get; init; }
}
