using System.Text.Json.Serialization;

namespace Berth.Oci.Runtime;

/// <summary>How one container is to be run.</summary>
/// <remarks>OCI runtime-spec 1.2, config.md. JSON names are the specification's (camelCase).</remarks>
public sealed partial record RuntimeSpec
{
    /// <summary>The specification's version.</summary>
    [JsonPropertyName("ociVersion")]
    public string OciVersion { get; init => field = value ?? "1.2.0"; } = "1.2.0";

    /// <summary>The first process.</summary>
    public ProcessSpec? Process { get; init; }

    /// <summary>The root file system.</summary>
    public RootSpec? Root { get; init; }

    /// <summary>The host name inside.</summary>
    public string? Hostname { get; init; }

    /// <summary>The NIS domain name inside.</summary>
    public string? Domainname { get; init; }

    /// <summary>What is mounted, in order.</summary>
    public IReadOnlyList<MountSpec>? Mounts { get; init; }

    /// <summary>Programs run at points of the lifecycle.</summary>
    public HooksSpec? Hooks { get; init; }

    /// <summary>Notes.</summary>
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }

    /// <summary>What is Linux' own.</summary>
    public LinuxSpec? Linux { get; init; }
}

/// <summary>A process in a container. OCI runtime-spec 1.2, config.md "Process".</summary>
public sealed partial record ProcessSpec
{
    /// <summary>Give it a pseudo-terminal.</summary>
    public bool Terminal { get; init; }

    /// <summary>The terminal's first size.</summary>
    public ConsoleSize? ConsoleSize { get; init; }

    /// <summary>User, groups and umask.</summary>
    public UserSpec User { get; init => field = value ?? new(); } = new();

    /// <summary>Program and arguments; the program is looked up in the environment's PATH inside the container.</summary>
    public IReadOnlyList<string> Args { get; init => field = value ?? []; } = [];

    /// <summary>The environment, <c>NAME=value</c>.</summary>
    public IReadOnlyList<string>? Env { get; init; }

    /// <summary>The working directory, absolute, inside; made if missing.</summary>
    public string Cwd { get; init => field = value ?? "/"; } = "/";

    /// <summary>Capabilities by set; null: none.</summary>
    public CapabilitiesSpec? Capabilities { get; init; }

    /// <summary>Resource limits.</summary>
    public IReadOnlyList<RlimitSpec>? Rlimits { get; init; }

    /// <summary>Forbid gaining privileges by execve.</summary>
    public bool NoNewPrivileges { get; init; }

    /// <summary>The AppArmor profile.</summary>
    public string? ApparmorProfile { get; init; }

    /// <summary>The SELinux label.</summary>
    public string? SelinuxLabel { get; init; }

    /// <summary>The process's oom_score_adj.</summary>
    public int? OomScoreAdj { get; init; }

    /// <summary>The scheduling policy. Since 1.2.</summary>
    public SchedulerSpec? Scheduler { get; init; }

    /// <summary>The I/O scheduling class. Since 1.1.</summary>
    public IoPrioritySpec? IoPriority { get; init; }

    /// <summary>Processors of a further process. Since 1.2.</summary>
    [JsonPropertyName("execCPUAffinity")]
    public CpuAffinitySpec? ExecCpuAffinity { get; init; }
}

/// <summary>A scheduling policy. sched_setattr(2).</summary>
public sealed partial record SchedulerSpec
{
    /// <summary><c>SCHED_OTHER</c>, <c>SCHED_FIFO</c>, ….</summary>
    public string Policy { get; init => field = value ?? ""; } = "";

    /// <summary>The nice value of ordinary policies.</summary>
    public int Nice { get; init; }

    /// <summary>The priority of real-time policies.</summary>
    public int Priority { get; init; }

    /// <summary><c>SCHED_FLAG_RESET_ON_FORK</c>, ….</summary>
    public IReadOnlyList<string>? Flags { get; init; }

    /// <summary>Nanoseconds, deadline policy.</summary>
    public ulong Runtime { get; init; }

    /// <summary>Nanoseconds, deadline policy.</summary>
    public ulong Deadline { get; init; }

    /// <summary>Nanoseconds, deadline policy.</summary>
    public ulong Period { get; init; }
}

/// <summary>An I/O scheduling class. ioprio_set(2).</summary>
public sealed partial record IoPrioritySpec
{
    /// <summary><c>IOPRIO_CLASS_RT</c>, <c>IOPRIO_CLASS_BE</c> or <c>IOPRIO_CLASS_IDLE</c>.</summary>
    public string Class { get; init => field = value ?? ""; } = "";

    /// <summary>0 to 7, 0 is first.</summary>
    public int Priority { get; init; }
}

/// <summary>Processors that a further process may run on, as lists of ranges.</summary>
public sealed partial record CpuAffinitySpec
{
    /// <summary>Until it is in the container's cgroup.</summary>
    public string? Initial { get; init; }

    /// <summary>From then on.</summary>
    public string? Final { get; init; }
}

/// <summary>A terminal's size in characters.</summary>
public sealed partial record ConsoleSize
{
    /// <summary>Rows.</summary>
    public uint Height { get; init; }

    /// <summary>Columns.</summary>
    public uint Width { get; init; }
}

/// <summary>A process's user, as numbers inside the container.</summary>
public sealed partial record UserSpec
{
    /// <summary>User.</summary>
    public uint Uid { get; init; }

    /// <summary>Group.</summary>
    public uint Gid { get; init; }

    /// <summary>File mode creation mask; null keeps 0022.</summary>
    public uint? Umask { get; init; }

    /// <summary>Supplementary groups: exactly these.</summary>
    public IReadOnlyList<uint>? AdditionalGids { get; init; }
}

/// <summary>Capabilities by set, by name (<c>CAP_CHOWN</c>).</summary>
public sealed partial record CapabilitiesSpec
{
    /// <summary>What may ever be gained.</summary>
    public IReadOnlyList<string>? Bounding { get; init; }

    /// <summary>What is in force.</summary>
    public IReadOnlyList<string>? Effective { get; init; }

    /// <summary>What may be kept over execve.</summary>
    public IReadOnlyList<string>? Inheritable { get; init; }

    /// <summary>What may be put in force.</summary>
    public IReadOnlyList<string>? Permitted { get; init; }

    /// <summary>What is kept over execve of ordinary programs.</summary>
    public IReadOnlyList<string>? Ambient { get; init; }
}

/// <summary>A resource limit.</summary>
public sealed partial record RlimitSpec
{
    /// <summary><c>RLIMIT_NOFILE</c>, …</summary>
    public string Type { get; init => field = value ?? ""; } = "";

    /// <summary>What the process may not raise above. <see cref="ulong.MaxValue"/>: no limit.</summary>
    public ulong Hard { get; init; }

    /// <summary>What is in force. <see cref="ulong.MaxValue"/>: no limit.</summary>
    public ulong Soft { get; init; }
}

/// <summary>The root file system.</summary>
public sealed partial record RootSpec
{
    /// <summary>Its directory on the host, absolute or relative to the bundle.</summary>
    public string Path { get; init => field = value ?? ""; } = "";

    /// <summary>Mount it read-only.</summary>
    public bool Readonly { get; init; }
}

/// <summary>Something mounted in the container.</summary>
public sealed partial record MountSpec
{
    /// <summary>Where, absolute, inside.</summary>
    public string Destination { get; init => field = value ?? ""; } = "";

    /// <summary>The file system's type, or <c>bind</c>.</summary>
    public string? Type { get; init; }

    /// <summary>The device, or for bind mounts the path on the host.</summary>
    public string? Source { get; init; }

    /// <summary>Options by name, as in mount(8) and the specification's table.</summary>
    public IReadOnlyList<string>? Options { get; init; }

    /// <summary>Owner mappings of an idmapped mount.</summary>
    public IReadOnlyList<IdMapping>? UidMappings { get; init; }

    /// <summary>Group mappings of an idmapped mount.</summary>
    public IReadOnlyList<IdMapping>? GidMappings { get; init; }
}

/// <summary>A range of ids.</summary>
public sealed partial record IdMapping
{
    /// <summary>The first inside.</summary>
    public uint ContainerID { get; init; }

    /// <summary>The first outside.</summary>
    public uint HostID { get; init; }

    /// <summary>How many.</summary>
    public uint Size { get; init; }
}

/// <summary>Programs run at points of the lifecycle, with the container's state on their stdin.</summary>
public sealed partial record HooksSpec
{
    /// <summary>Deprecated: after the namespaces exist, before pivot_root; in the runtime's namespaces.</summary>
    public IReadOnlyList<HookSpec>? Prestart { get; init; }

    /// <summary>As prestart, after it.</summary>
    public IReadOnlyList<HookSpec>? CreateRuntime { get; init; }

    /// <summary>Before pivot_root, in the container's namespaces.</summary>
    public IReadOnlyList<HookSpec>? CreateContainer { get; init; }

    /// <summary>Before the program is executed, inside.</summary>
    public IReadOnlyList<HookSpec>? StartContainer { get; init; }

    /// <summary>After the program was executed.</summary>
    public IReadOnlyList<HookSpec>? Poststart { get; init; }

    /// <summary>After the container was deleted.</summary>
    public IReadOnlyList<HookSpec>? Poststop { get; init; }
}

/// <summary>One hook.</summary>
public sealed partial record HookSpec
{
    /// <summary>The program, absolute.</summary>
    public string Path { get; init => field = value ?? ""; } = "";

    /// <summary>Its arguments, the zeroth included.</summary>
    public IReadOnlyList<string>? Args { get; init; }

    /// <summary>Its whole environment.</summary>
    public IReadOnlyList<string>? Env { get; init; }

    /// <summary>Seconds it may take; null: no limit.</summary>
    public int? Timeout { get; init; }
}
