using Berth.Faults;

namespace Berth.Engine;

/// <summary>The engine and the machine as a whole.</summary>
public interface ISystem
{
    /// <summary>Counts and properties.</summary>
    SystemInfo Info();

    /// <summary>What takes up the disk.</summary>
    Task<DiskUsage> DiskUsageAsync(CancellationToken cancellationToken);

    /// <summary>Tries a login.</summary>
    /// <returns>The identity token to be kept instead of the password; null: keep the password.</returns>
    /// <exception cref="FaultException">Unauthorized: wrong. Unavailable: no answer.</exception>
    Task<string?> LoginAsync(RegistryLogin login, CancellationToken cancellationToken);
}

/// <summary>Counts and properties of engine and machine.</summary>
public sealed record SystemInfo
{
    /// <summary>The engine's own lasting ID.</summary>
    public required string Id { get; init; }

    /// <summary>Its options.</summary>
    public required EngineOptions Options { get; init; }

    /// <summary>The log drivers there are.</summary>
    public IReadOnlyList<string> LogDrivers { get; init; } = [];

    /// <summary>All containers.</summary>
    public int Containers { get; init; }

    /// <summary>Those that run.</summary>
    public int Running { get; init; }

    /// <summary>Those that are paused.</summary>
    public int Paused { get; init; }

    /// <summary>Those that ended or never ran.</summary>
    public int Stopped { get; init; }

    /// <summary>All images.</summary>
    public int Images { get; init; }

    /// <summary>The storage driver: <c>overlay2</c> or <c>vfs</c>, as Docker names them.</summary>
    public string StorageDriver { get; init; } = "";

    /// <summary>The file system of the data root.</summary>
    public string BackingFilesystem { get; init; } = "";

    /// <summary><c>1</c> or <c>2</c>; hybrid counts as 1.</summary>
    public string CgroupVersion { get; init; } = "";

    /// <summary>Who makes cgroups: <c>cgroupfs</c>, or <c>none</c> where there are none to make and so no limits.</summary>
    public string CgroupDriver { get; init; } = "cgroupfs";

    /// <summary>Events since the engine was opened.</summary>
    public long Events { get; init; }

    /// <summary>Health checks since the engine was opened.</summary>
    public long HealthChecks { get; init; }

    /// <summary>Those of them that failed.</summary>
    public long HealthChecksFailed { get; init; }

    /// <summary>Listeners of events.</summary>
    public int EventListeners { get; init; }

    /// <summary>Open descriptors of this process.</summary>
    public int OpenDescriptors { get; init; }

    /// <summary>The host's name.</summary>
    public string HostName { get; init; } = "";

    /// <summary>The kernel's version.</summary>
    public string KernelVersion { get; init; } = "";

    /// <summary>Such as <c>Debian GNU/Linux 12 (bookworm)</c>.</summary>
    public string OperatingSystem { get; init; } = "";

    /// <summary>Such as <c>12</c>.</summary>
    public string OsVersion { get; init; } = "";

    /// <summary>Such as <c>x86_64</c>.</summary>
    public string Architecture { get; init; } = "";

    /// <summary>Processors.</summary>
    public int Processors { get; init; }

    /// <summary>Bytes of memory.</summary>
    public long MemoryTotal { get; init; }

    /// <summary>Such as <c>name=seccomp,profile=builtin</c>.</summary>
    public IReadOnlyList<string> SecurityOptions { get; init; } = [];

    /// <summary>Devices that containers can ask for by name: <c>vendor.com/class=name</c>.</summary>
    public IReadOnlyList<string> DescribedDevices { get; init; } = [];

    /// <summary>What the machine lacks, in a sentence each.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Limits the kernel offers: <c>memory</c>, <c>swap</c>, <c>cpu-cfs</c>, <c>cpu-shares</c>, <c>cpuset</c>,
    /// <c>pids</c>, <c>oom-kill-disable</c>, <c>ipv4-forwarding</c>.</summary>
    public IReadOnlySet<string> Capabilities { get; init; } = new HashSet<string>();
}

/// <summary>What takes up the disk.</summary>
public sealed record DiskUsage
{
    /// <summary>Bytes of all image layers, each counted once.</summary>
    public long LayersSize { get; init; }

    /// <summary>Images with shared sizes and users.</summary>
    public IReadOnlyList<ImageSummary> Images { get; init; } = [];

    /// <summary>Containers with sizes.</summary>
    public IReadOnlyList<ContainerSummary> Containers { get; init; } = [];

    /// <summary>Volumes with sizes and users.</summary>
    public IReadOnlyList<VolumeDetails> Volumes { get; init; } = [];

    /// <summary>Build cache records.</summary>
    public IReadOnlyList<BuildCacheEntry> BuildCache { get; init; } = [];
}

/// <summary>A record of the build cache.</summary>
public sealed record BuildCacheEntry
{
    /// <summary>The type of a layer.</summary>
    public const string Regular = "regular";

    /// <summary>Its ID.</summary>
    public required string Id { get; init; }

    /// <summary>Records it stands on.</summary>
    public IReadOnlyList<string> Parents { get; init; } = [];

    /// <summary><see cref="Regular"/>, <c>exec.cachemount</c> or <c>source.local</c>.</summary>
    public string Type { get; init; } = Regular;

    /// <summary>What made it.</summary>
    public string Description { get; init; } = "";

    /// <summary>Something uses it now.</summary>
    public bool InUse { get; init; }

    /// <summary>An image uses its layer too.</summary>
    public bool Shared { get; init; }

    /// <summary>Bytes on disk.</summary>
    public long Size { get; init; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it last saved work.</summary>
    public DateTimeOffset? LastUsedAt { get; init; }

    /// <summary>How often it saved work.</summary>
    public int UsageCount { get; init; }
}
