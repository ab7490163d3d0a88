using Berth.Builder;
using Berth.Faults;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.References;

namespace Berth.Engine;

/// <summary>Makes images from Dockerfiles.</summary>
public interface IBuilds
{
    /// <summary>Builds. The context is a tar (also gzip, zstd), or a bare Dockerfile when <see
    /// cref="BuildSettings.Remote"/> says so.</summary>
    /// <returns>The image's ID.</returns>
    /// <exception cref="FaultException">InvalidArgument: the Dockerfile or context is wrong. Other kinds: a step failed; the
    /// message is the one for the progress stream.</exception>
    Task<Digest> BuildAsync(
        BuildSettings settings, Stream context, IProgress<ProgressMessage> progress, CancellationToken cancellationToken);

    /// <summary>Builds, and reports what happens as it is.</summary>
    /// <param name="settings">How.</param>
    /// <param name="context">The context as above; null: <see cref="BuildSettings.Client"/> sends it.</param>
    /// <param name="progress">Takes what happens.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The image's ID, also when <see cref="BuildSettings.Export"/> took its files instead of it.</returns>
    /// <exception cref="FaultException">As above.</exception>
    Task<Digest> BuildAsync(BuildSettings settings, Stream? context, IBuildProgress progress, CancellationToken cancellationToken);

    /// <summary>The text of a client's Dockerfile, without building it.</summary>
    /// <exception cref="FaultException">InvalidArgument: there is none.</exception>
    Task<string> ReadDefinitionAsync(IBuildClient client, string dockerfile, CancellationToken cancellationToken);

    /// <summary>Cancels the build that was started with this ID; false: there is none.</summary>
    bool Cancel(string buildId);

    /// <summary>Removes cache records.</summary>
    Task<PruneReport> PruneAsync(BuildPrune request, CancellationToken cancellationToken);
}

/// <summary>How to build. Names are those of the Engine API's query.</summary>
public sealed record BuildSettings
{
    /// <summary>The Dockerfile's path in the context; empty: <c>Dockerfile</c>.</summary>
    public string Dockerfile { get; init; } = "";

    /// <summary>Where the context comes from instead of the body: a URL of an archive, a Dockerfile or a Git
    /// repository; null: the body.</summary>
    public string? Remote { get; init; }

    /// <summary>What to call the image.</summary>
    public IReadOnlyList<ImageReference> Tags { get; init; } = [];

    /// <summary>Values of <c>ARG</c>s; null takes the environment's, which a daemon does not have.</summary>
    public IReadOnlyDictionary<string, string?> BuildArgs { get; init; } = new Dictionary<string, string?>();

    /// <summary>Labels.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>The stage to build; null or empty: the last.</summary>
    public string? Target { get; init; }

    /// <summary>Do everything again.</summary>
    public bool NoCache { get; init; }

    /// <summary>Stages, by name, that are done again.</summary>
    public IReadOnlyList<string> NoCacheStages { get; init; } = [];

    /// <summary>Images that stand for names in FROM and <c>--from</c>, by name.</summary>
    public IReadOnlyDictionary<string, string> NamedImages { get; init; } = new Dictionary<string, string>();

    /// <summary>Fetch base images even when they are here.</summary>
    public bool Pull { get; init; }

    /// <summary>Only the ID in the end.</summary>
    public bool Quiet { get; init; }

    /// <summary>The network of <c>RUN</c>: <c>default</c>, <c>none</c>, <c>host</c> or a network.</summary>
    public string? NetworkMode { get; init; }

    /// <summary>A <c>RUN --network=host</c> is obeyed.</summary>
    public bool AllowsHostNetwork { get; init; }

    /// <summary>Lines for <c>/etc/hosts</c> as <c>name:address</c>.</summary>
    public IReadOnlyList<string> ExtraHosts { get; init; } = [];

    /// <summary>The platform to build for; null: the host's.</summary>
    public Platform? Platform { get; init; }

    /// <summary>Images whose layers may be taken as cache.</summary>
    public IReadOnlyList<string> CacheFrom { get; init; } = [];

    /// <summary>Limits of <c>RUN</c>.</summary>
    public ResourceLimits Resources { get; init; } = new();

    /// <summary>Bytes of <c>/dev/shm</c> of <c>RUN</c>; 0: the default.</summary>
    public long ShmSize { get; init; }

    /// <summary>All layers of this build in one.</summary>
    public bool Squash { get; init; }

    /// <summary>By registry, who fetches base images.</summary>
    public IReadOnlyDictionary<string, RegistryLogin> Logins { get; init; } = new Dictionary<string, RegistryLogin>();

    /// <summary>An ID to cancel by; null.</summary>
    public string? BuildId { get; init; }

    /// <summary>Whoever waits for the build and can be asked for files, secrets and logins; null: nobody.</summary>
    public IBuildClient? Client { get; init; }

    /// <summary>Takes the result's files; null makes an image of them.</summary>
    public IBuildExport? Export { get; init; }

    /// <summary>Secrets by ID, for <c>RUN --mount=type=secret</c>.</summary>
    public IReadOnlyDictionary<string, ReadOnlyMemory<byte>> Secrets { get; init; } =
        new Dictionary<string, ReadOnlyMemory<byte>>();
}

/// <summary>Which cache records go.</summary>
/// <param name="All">Also those that are still of use.</param>
/// <param name="KeepBytes">Stop when no more than this is left; 0: no such limit.</param>
/// <param name="Filters">Restrictions.</param>
public sealed record BuildPrune(bool All, long KeepBytes, FilterSet Filters);
