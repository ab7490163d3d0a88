using Berth.Builder.Cache;
using Berth.Faults;
using Berth.Oci;

namespace Berth.Builder;

/// <summary>Builds images. One for the engine; builds run side by side and share the cache.</summary>
public interface IImageBuilder
{
    /// <summary>What earlier builds made.</summary>
    IBuildCache Cache { get; }

    /// <summary>
    /// Builds an image and stores it. When it fails or is cancelled nothing is left but cache records of steps that were done.
    /// </summary>
    /// <exception cref="FaultException">InvalidArgument: the Dockerfile is wrong, or a command failed (Docker's sentence); the
    /// place was reported as <see cref="StepFailed"/>. Others as the base images, runner and sink say.</exception>
    Task<BuiltImage> BuildAsync(BuildRequest request, IBuildProgress progress, CancellationToken cancellationToken);

    /// <summary>The chains that the cache's records and running builds stand on: whoever removes layers leaves these.</summary>
    IReadOnlySet<ChainId> LiveChains();

    /// <summary>Forgets cache records and empties cache mounts that match; those of running builds stay.</summary>
    /// <param name="filter">Which; by default those whose layers no image uses.</param>
    /// <returns>The records forgotten. The caller removes the layers that nobody else holds and so learns the bytes freed.</returns>
    IReadOnlyList<CacheRecord> Prune(CachePruneFilter filter);

    /// <summary>The directories of <c>RUN --mount=type=cache</c>.</summary>
    IReadOnlyList<CacheMount> Mounts();

    /// <summary>Takes away what a killed process left: mounts, scratch layers. Called once before the first build.</summary>
    void Recover();
}

/// <summary>A directory of <c>RUN --mount=type=cache</c>.</summary>
/// <param name="Id">The hash of its ID.</param>
/// <param name="Path">Where it is.</param>
/// <param name="InUse">A step has it now.</param>
/// <param name="Changed">When an entry of it last came or went.</param>
public sealed record CacheMount(string Id, string Path, bool InUse, DateTimeOffset Changed);

/// <summary>Which cache records are to go.</summary>
public sealed record CachePruneFilter
{
    /// <summary>Also those whose layers an image uses.</summary>
    public bool All { get; init; }

    /// <summary>Only those not used since; null: any.</summary>
    public DateTimeOffset? UnusedSince { get; init; }

    /// <summary>Keep the most recently used up to so many bytes; 0 keeps none.</summary>
    public long KeepBytes { get; init; }

    /// <summary>The chains that images stand on.</summary>
    public IReadOnlySet<ChainId> UsedByImages { get; init; } = new HashSet<ChainId>();
}
