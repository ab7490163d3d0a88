using Berth.Distribution;
using Berth.Oci.Images;
using Berth.Oci.References;

namespace Berth.Builder;

/// <summary>One build as a client asks for it.</summary>
public sealed record BuildRequest
{
    /// <summary>The files that COPY and ADD read; the caller made it and disposes it after the build.</summary>
    public required BuildContext Context { get; init; }

    /// <summary>The Dockerfile's path in the context. Ignored when <see cref="DockerfileText"/> is given.</summary>
    public string DockerfilePath { get; init; } = "Dockerfile";

    /// <summary>The Dockerfile itself (<c>-f -</c>); null: read <see cref="DockerfilePath"/>.</summary>
    public string? DockerfileText { get; init; }

    /// <summary>Names for the result; those without tag get <c>latest</c>.</summary>
    public IReadOnlyList<ImageReference> Tags { get; init; } = [];

    /// <summary>Build arguments; a null value means "named without a value", which is as good as not given.</summary>
    public IReadOnlyDictionary<string, string?> BuildArguments { get; init; } = new Dictionary<string, string?>();

    /// <summary>Labels put on the result.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>The stage to build, by name or number; null: the last.</summary>
    public string? Target { get; init; }

    /// <summary>Take nothing from the cache (what is made still goes into it).</summary>
    public bool NoCache { get; init; }

    /// <summary>Stages, by name in any case, that take nothing from the cache.</summary>
    public IReadOnlyList<string> NoCacheStages { get; init; } = [];

    /// <summary>Images that stand for names in FROM and <c>--from</c>, by name in any case; they go before stages of that name.</summary>
    public IReadOnlyDictionary<string, string> NamedImages { get; init; } = new Dictionary<string, string>();

    /// <summary>Ask the registry for newer base images.</summary>
    public bool Pull { get; init; }

    /// <summary>The machine to build for; null: this one.</summary>
    public Platform? Platform { get; init; }

    /// <summary>The network of RUN: <c>default</c>, <c>none</c>, <c>host</c> or the name of a network.</summary>
    public string NetworkMode { get; init; } = "default";

    /// <summary>A step may share the machine's network where its RUN says so (<c>--allow network.host</c>), also when the others do not.
    /// </summary>
    public bool AllowsHostNetwork { get; init; }

    /// <summary>Lines for <c>/etc/hosts</c> of RUN, as <c>name:address</c>.</summary>
    public IReadOnlyList<string> ExtraHosts { get; init; } = [];

    /// <summary>Images whose history may serve as cache. Only layers that were built here are ever taken; other names are
    /// reported as not usable.</summary>
    public IReadOnlyList<string> CacheFrom { get; init; } = [];

    /// <summary>Limits of RUN.</summary>
    public StepLimits Limits { get; init; } = new();

    /// <summary>Secrets that the client offers for <c>RUN --mount=type=secret</c>, by ID. Never stored, logged or part of a key.</summary>
    public IReadOnlyDictionary<string, ReadOnlyMemory<byte>> Secrets { get; init; } = new Dictionary<string, ReadOnlyMemory<byte>>();

    /// <summary>Whoever waits for the build and can be asked for more; null when everything was said at its beginning.</summary>
    public IBuildClient? Client { get; init; }

    /// <summary>Takes the result's files; null makes an image of them.</summary>
    public IBuildExport? Export { get; init; }

    /// <summary>Credentials by registry (<c>X-Registry-Config</c>), for <see cref="IBaseImages"/>.</summary>
    public IReadOnlyDictionary<string, RegistryCredentials> RegistryCredentials { get; init; } =
        new Dictionary<string, RegistryCredentials>();
}

/// <summary>Limits of the processes of a RUN; null and 0 take the engine's defaults.</summary>
public sealed record StepLimits
{
    /// <summary>Bytes of memory.</summary>
    public long MemoryBytes { get; init; }

    /// <summary>Bytes of memory and swap together; -1 without limit.</summary>
    public long MemorySwapBytes { get; init; }

    /// <summary>Weight of processor time.</summary>
    public long CpuShares { get; init; }

    /// <summary>Microseconds of each period.</summary>
    public long CpuQuotaMicroseconds { get; init; }

    /// <summary>The period in microseconds.</summary>
    public long CpuPeriodMicroseconds { get; init; }

    /// <summary>Processors, as a list of ranges.</summary>
    public string? CpusetCpus { get; init; }

    /// <summary>Memory nodes, as a list of ranges.</summary>
    public string? CpusetMems { get; init; }

    /// <summary>Bytes of <c>/dev/shm</c>.</summary>
    public long ShmSizeBytes { get; init; }

    /// <summary>The parent of the steps' cgroups.</summary>
    public string? CgroupParent { get; init; }

    /// <summary>Resource limits by name (<c>nofile</c>): soft and hard.</summary>
    public IReadOnlyDictionary<string, (long Soft, long Hard)> Ulimits { get; init; } = new Dictionary<string, (long, long)>();
}

/// <summary>What a build made.</summary>
/// <param name="ImageId">The digest of its configuration.</param>
/// <param name="Config">The configuration.</param>
/// <param name="Names">The names it was stored under.</param>
public sealed record BuiltImage(Berth.Oci.Digest ImageId, ImageConfig Config, IReadOnlyList<ImageReference> Names);
