using Berth.Oci;
using Berth.Runtime;

namespace Berth.Engine;

/// <summary>Where in its life a container is. The lower-case names are the Engine API's.</summary>
public enum ContainerStatus
{
    /// <summary>Made, never started.</summary>
    Created,

    /// <summary>Its first process runs.</summary>
    Running,

    /// <summary>Its processes are frozen.</summary>
    Paused,

    /// <summary>It ended and waits to be started again by its policy.</summary>
    Restarting,

    /// <summary>It is being removed.</summary>
    Removing,

    /// <summary>It ended.</summary>
    Exited,

    /// <summary>It could not be removed whole.</summary>
    Dead,
}

/// <summary>State of a container at one moment.</summary>
public sealed record ContainerState
{
    /// <summary>Where in its life it is.</summary>
    public ContainerStatus Status { get; init; }

    /// <summary>True while its first process exists (running, paused, and between restarts as Docker has it).</summary>
    public bool Running => Status is ContainerStatus.Running or ContainerStatus.Paused or ContainerStatus.Restarting;

    /// <summary>Its first process as the host sees it; 0 when there is none.</summary>
    public int Pid { get; init; }

    /// <summary>How it ended last.</summary>
    public int ExitCode { get; init; }

    /// <summary>Why it could not start.</summary>
    public string Error { get; init; } = "";

    /// <summary>The kernel killed for memory.</summary>
    public bool OutOfMemory { get; init; }

    /// <summary>When it last started; null: never.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it last ended; null: never.</summary>
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>Its health; null without a check.</summary>
    public HealthState? Health { get; init; }
}

/// <summary>Health of a container.</summary>
/// <param name="Status"><c>starting</c>, <c>healthy</c> or <c>unhealthy</c>.</param>
/// <param name="FailingStreak">Failures in a row.</param>
/// <param name="Log">The last five results.</param>
public sealed record HealthState(string Status, int FailingStreak, IReadOnlyList<HealthResult> Log);

/// <summary>One health check.</summary>
/// <param name="Start">When it began.</param>
/// <param name="End">When it ended.</param>
/// <param name="ExitCode">0 healthy, 1 unhealthy, -1 timed out.</param>
/// <param name="Output">The first 4096 bytes it wrote.</param>
public sealed record HealthResult(DateTimeOffset Start, DateTimeOffset End, int ExitCode, string Output);

/// <summary>All that is known about a container: inspect.</summary>
public sealed record ContainerDetails
{
    /// <summary>The 64-character ID.</summary>
    public required string Id { get; init; }

    /// <summary>The name without a slash.</summary>
    public required string Name { get; init; }

    /// <summary>Names that containers on the default bridge have for it, as <c>web/db</c>.</summary>
    public IReadOnlyList<string> LinkNames { get; init; } = [];

    /// <summary>When it was made.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>The program that runs: the entrypoint's first part, or the command's.</summary>
    public required string Path { get; init; }

    /// <summary>Its arguments.</summary>
    public required IReadOnlyList<string> Args { get; init; }

    /// <summary>Its state.</summary>
    public required ContainerState State { get; init; }

    /// <summary>The image's ID; null: the image is gone or there was none.</summary>
    public required Digest ImageId { get; init; }

    /// <summary>What runs, image and request merged.</summary>
    public required ContainerSettings Config { get; init; }

    /// <summary>The host's part.</summary>
    public required HostSettings Host { get; init; }

    /// <summary>Its mounts beside those that every container has.</summary>
    public required IReadOnlyList<MountPoint> Mounts { get; init; }

    /// <summary>Its networks.</summary>
    public required ContainerNetworks Networks { get; init; }

    /// <summary>How often its policy restarted it.</summary>
    public int RestartCount { get; init; }

    /// <summary>Execs that have not ended.</summary>
    public IReadOnlyList<string> ExecIds { get; init; } = [];

    /// <summary>The current log file; empty without.</summary>
    public string LogPath { get; init; } = "";

    /// <summary>What <c>logs --details</c> says of each line: the labels, variables and tag that the log's options name.</summary>
    public IReadOnlyDictionary<string, string> LogAttributes { get; init; } = new Dictionary<string, string>();

    /// <summary>Managed <c>/etc/resolv.conf</c> on the host.</summary>
    public string ResolvConfPath { get; init; } = "";

    /// <summary>Managed <c>/etc/hostname</c> on the host.</summary>
    public string HostnamePath { get; init; } = "";

    /// <summary>Managed <c>/etc/hosts</c> on the host.</summary>
    public string HostsPath { get; init; } = "";

    /// <summary>The image's platform, for <c>Platform</c>.</summary>
    public string Os { get; init; } = "linux";

    /// <summary>The AppArmor profile that was asked for; empty: none.</summary>
    public string AppArmorProfile { get; init; } = "";

    /// <summary>Lower, upper, work and merged directories of the root.</summary>
    public IReadOnlyDictionary<string, string> GraphDriver { get; init; } = new Dictionary<string, string>();

    /// <summary>Bytes of its own files, when asked for.</summary>
    public long? SizeRw { get; init; }

    /// <summary>Bytes of all its files, when asked for.</summary>
    public long? SizeRootFs { get; init; }
}

/// <summary>A mount of a container.</summary>
public sealed record MountPoint
{
    /// <summary><c>bind</c>, <c>volume</c> or <c>tmpfs</c>.</summary>
    public required string Type { get; init; }

    /// <summary>The volume's name; empty for others.</summary>
    public string Name { get; init; } = "";

    /// <summary>The path of the host; empty for a tmpfs.</summary>
    public string Source { get; init; } = "";

    /// <summary>The path in the container.</summary>
    public required string Destination { get; init; }

    /// <summary>The volume's driver; empty for others.</summary>
    public string Driver { get; init; } = "";

    /// <summary>The options as the request had them.</summary>
    public string Mode { get; init; } = "";

    /// <summary>It can be written.</summary>
    public bool ReadWrite { get; init; } = true;

    /// <summary>Its propagation.</summary>
    public string Propagation { get; init; } = "";
}

/// <summary>The networks of a container.</summary>
public sealed record ContainerNetworks
{
    /// <summary>The network namespace's path; empty when it does not run.</summary>
    public string SandboxKey { get; init; } = "";

    /// <summary>The network namespace's ID; empty when it does not run.</summary>
    public string SandboxId { get; init; } = "";

    /// <summary>Ports exposed and where they are published; the list is empty for a port that is only exposed.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<PortBinding>> Ports { get; init; } =
        new Dictionary<string, IReadOnlyList<PortBinding>>();

    /// <summary>Endpoints by network name.</summary>
    public IReadOnlyDictionary<string, EndpointDetails> Endpoints { get; init; } = new Dictionary<string, EndpointDetails>();
}

/// <summary>A container in a list.</summary>
public sealed record ContainerSummary
{
    /// <summary>All that is known; sizes only when asked for.</summary>
    public required ContainerDetails Details { get; init; }

    /// <summary>The image as <c>ps</c> shows it: the name of the request while it still means that image, otherwise its ID.</summary>
    public required string Image { get; init; }

    /// <summary>The command as one line.</summary>
    public required string Command { get; init; }

    /// <summary>The state in words: <c>Up 3 minutes (healthy)</c>.</summary>
    public required string Status { get; init; }
}

/// <summary>Processes of a container, as <c>ps</c> shows them.</summary>
/// <param name="Titles">Column heads.</param>
/// <param name="Processes">A row each.</param>
public sealed record ProcessTable(IReadOnlyList<string> Titles, IReadOnlyList<IReadOnlyList<string>> Processes);

/// <summary>Counts of a container at one moment.</summary>
/// <param name="Id">The container.</param>
/// <param name="Name">Its name.</param>
/// <param name="At">When; the default for one that does not run.</param>
/// <param name="Counts">Its cgroups' counts; null when it does not run.</param>
/// <param name="Networks">Its interfaces' counts.</param>
/// <param name="SystemCpuNanoseconds">Time that all processors of the host spent, idle included.</param>
/// <param name="OnlineCpus">Processors of the host.</param>
/// <param name="PreviousAt">When the sample before was taken.</param>
/// <param name="Previous">The sample before; null for the first.</param>
/// <param name="PreviousSystemCpuNanoseconds">As above, of the sample before.</param>
public sealed record StatisticsSample(
    string Id, string Name, DateTimeOffset At, CgroupStatistics? Counts, IReadOnlyList<InterfaceCounts> Networks,
    ulong SystemCpuNanoseconds, int OnlineCpus, DateTimeOffset PreviousAt, CgroupStatistics? Previous,
    ulong PreviousSystemCpuNanoseconds);

/// <summary>Counts of one network interface inside a container.</summary>
public sealed record InterfaceCounts(
    string Name, ulong ReceivedBytes, ulong ReceivedPackets, ulong ReceivedErrors, ulong ReceivedDropped,
    ulong SentBytes, ulong SentPackets, ulong SentErrors, ulong SentDropped);

/// <summary>A file inside a container.</summary>
/// <param name="Name">Its last part.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Mode">The kernel's <c>st_mode</c>; the wire form is Go's.</param>
/// <param name="ModifiedAt">When its content changed.</param>
/// <param name="LinkTarget">Where a link points, as the container sees it; empty for others.</param>
public sealed record PathStat(string Name, long Size, uint Mode, DateTimeOffset ModifiedAt, string LinkTarget);
