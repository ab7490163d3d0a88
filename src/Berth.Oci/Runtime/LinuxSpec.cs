using System.Text.Json.Serialization;

namespace Berth.Oci.Runtime;

/// <summary>What is Linux' own. OCI runtime-spec 1.2, config-linux.md.</summary>
public sealed partial record LinuxSpec
{
    /// <summary>New or joined namespaces; those not named are the host's.</summary>
    public IReadOnlyList<NamespaceSpec>? Namespaces { get; init; }

    /// <summary>User ids of a new user namespace.</summary>
    public IReadOnlyList<IdMapping>? UidMappings { get; init; }

    /// <summary>Group ids of a new user namespace.</summary>
    public IReadOnlyList<IdMapping>? GidMappings { get; init; }

    /// <summary>Device nodes beside the default ones.</summary>
    public IReadOnlyList<DeviceSpec>? Devices { get; init; }

    /// <summary>The cgroup, below the hierarchy's root (<c>/berth/id</c>).</summary>
    public string? CgroupsPath { get; init; }

    /// <summary>Limits.</summary>
    public LinuxResources? Resources { get; init; }

    /// <summary>Kernel parameters, by name with dots.</summary>
    public IReadOnlyDictionary<string, string>? Sysctl { get; init; }

    /// <summary>The system call filter; null: none.</summary>
    public SeccompSpec? Seccomp { get; init; }

    /// <summary>The root mount's propagation.</summary>
    public string? RootfsPropagation { get; init; }

    /// <summary>Paths hidden.</summary>
    public IReadOnlyList<string>? MaskedPaths { get; init; }

    /// <summary>Paths made read-only.</summary>
    public IReadOnlyList<string>? ReadonlyPaths { get; init; }

    /// <summary>The SELinux label of mounts.</summary>
    public string? MountLabel { get; init; }

    /// <summary>Offsets of a new time namespace's clocks, by name: <c>monotonic</c>, <c>boottime</c>.</summary>
    public IReadOnlyDictionary<string, TimeOffset>? TimeOffsets { get; init; }

    /// <summary>The execution domain.</summary>
    public PersonalitySpec? Personality { get; init; }

    /// <summary>Cache and memory bandwidth allocation of the processor.</summary>
    public IntelRdtSpec? IntelRdt { get; init; }

    /// <summary>Where memory is taken from on machines with several nodes. Since 1.3.</summary>
    public MemoryPolicySpec? MemoryPolicy { get; init; }

    /// <summary>Network devices of the host moved in, by their name there. Since 1.3.</summary>
    public IReadOnlyDictionary<string, NetDeviceSpec>? NetDevices { get; init; }
}

/// <summary>How far a clock of a time namespace is ahead.</summary>
public sealed partial record TimeOffset
{
    /// <summary>Seconds.</summary>
    public long Secs { get; init; }

    /// <summary>And nanoseconds.</summary>
    public uint Nanosecs { get; init; }
}

/// <summary>An execution domain. personality(2).</summary>
public sealed partial record PersonalitySpec
{
    /// <summary><c>LINUX</c> or <c>LINUX32</c>.</summary>
    public string Domain { get; init => field = value ?? ""; } = "";

    /// <summary>None are defined.</summary>
    public IReadOnlyList<string>? Flags { get; init; }
}

/// <summary>A class of Intel's resource director.</summary>
public sealed partial record IntelRdtSpec
{
    /// <summary>Its name.</summary>
    [JsonPropertyName("closID")]
    public string? ClosId { get; init; }
}

/// <summary>A memory policy. set_mempolicy(2).</summary>
public sealed partial record MemoryPolicySpec
{
    /// <summary><c>MPOL_BIND</c>, ….</summary>
    public string Mode { get; init => field = value ?? ""; } = "";

    /// <summary>The nodes, as a list of ranges.</summary>
    public string? Nodes { get; init; }

    /// <summary><c>MPOL_F_STATIC_NODES</c>, ….</summary>
    public IReadOnlyList<string>? Flags { get; init; }
}

/// <summary>A network device that is moved in.</summary>
public sealed partial record NetDeviceSpec
{
    /// <summary>Its name inside; null: the same.</summary>
    public string? Name { get; init; }
}

/// <summary>One namespace.</summary>
public sealed partial record NamespaceSpec
{
    /// <summary><c>pid network mount ipc uts user cgroup time</c>.</summary>
    public string Type { get; init => field = value ?? ""; } = "";

    /// <summary>Join this one (<c>/proc/&lt;pid&gt;/ns/…</c>); null: a new one.</summary>
    public string? Path { get; init; }
}

/// <summary>A device node to make inside.</summary>
public sealed partial record DeviceSpec
{
    /// <summary>Where, absolute, inside.</summary>
    public string Path { get; init => field = value ?? ""; } = "";

    /// <summary><c>c</c>, <c>u</c>, <c>b</c> or <c>p</c>.</summary>
    public string Type { get; init => field = value ?? "c"; } = "c";

    /// <summary>Major number.</summary>
    public long Major { get; init; }

    /// <summary>Minor number.</summary>
    public long Minor { get; init; }

    /// <summary>Permissions; null: 0666.</summary>
    public uint? FileMode { get; init; }

    /// <summary>Owner inside.</summary>
    public uint? Uid { get; init; }

    /// <summary>Group inside.</summary>
    public uint? Gid { get; init; }
}

/// <summary>Limits by controller; null leaves a limit alone.</summary>
public sealed partial record LinuxResources
{
    /// <summary>Device rules in order; the last that matches decides.</summary>
    public IReadOnlyList<DeviceRule>? Devices { get; init; }

    /// <summary>Memory.</summary>
    public MemoryLimits? Memory { get; init; }

    /// <summary>Processor time.</summary>
    public CpuLimits? Cpu { get; init; }

    /// <summary>Number of processes.</summary>
    public PidsLimits? Pids { get; init; }

    /// <summary>Block devices.</summary>
    [JsonPropertyName("blockIO")]
    public BlockIoLimits? BlockIO { get; init; }

    /// <summary>Huge pages.</summary>
    public IReadOnlyList<HugepageLimit>? HugepageLimits { get; init; }

    /// <summary>Remote direct memory access, by device.</summary>
    public IReadOnlyDictionary<string, RdmaLimits>? Rdma { get; init; }

    /// <summary>Network classes and priorities, v1 only.</summary>
    public NetworkLimits? Network { get; init; }

    /// <summary>cgroup v2 files by name.</summary>
    public IReadOnlyDictionary<string, string>? Unified { get; init; }
}

/// <summary>Limits on one RDMA device; null: no limit.</summary>
public sealed partial record RdmaLimits
{
    /// <summary>Handles.</summary>
    public uint? HcaHandles { get; init; }

    /// <summary>Objects.</summary>
    public uint? HcaObjects { get; init; }
}

/// <summary>Marks on network traffic, v1 only.</summary>
public sealed partial record NetworkLimits
{
    /// <summary>The class of all packets.</summary>
    [JsonPropertyName("classID")]
    public uint? ClassId { get; init; }

    /// <summary>Priorities by interface.</summary>
    public IReadOnlyList<InterfacePriority>? Priorities { get; init; }
}

/// <summary>A priority on one interface.</summary>
public sealed partial record InterfacePriority
{
    /// <summary>The interface.</summary>
    public string Name { get; init => field = value ?? ""; } = "";

    /// <summary>The priority.</summary>
    public uint Priority { get; init; }
}

/// <summary>Allows or denies a device.</summary>
public sealed partial record DeviceRule
{
    /// <summary>Allow or deny.</summary>
    public bool Allow { get; init; }

    /// <summary><c>a</c>, <c>c</c> or <c>b</c>.</summary>
    public string? Type { get; init; }

    /// <summary>Null: any.</summary>
    public long? Major { get; init; }

    /// <summary>Null: any.</summary>
    public long? Minor { get; init; }

    /// <summary>Of <c>r</c>, <c>w</c>, <c>m</c>.</summary>
    public string? Access { get; init; }
}

/// <summary>Memory limits in bytes; -1: no limit.</summary>
public sealed partial record MemoryLimits
{
    /// <summary>Memory.</summary>
    public long? Limit { get; init; }

    /// <summary>What it should shrink to under pressure.</summary>
    public long? Reservation { get; init; }

    /// <summary>Memory and swap together.</summary>
    public long? Swap { get; init; }

    /// <summary>0 to 100, v1 only.</summary>
    public ulong? Swappiness { get; init; }

    /// <summary>Stop instead of kill, v1 only.</summary>
    public bool? DisableOOMKiller { get; init; }

    /// <summary>Kernel memory: kernels since 5.4 have no such limit, and it is no longer part of any.</summary>
    public long? Kernel { get; init; }

    /// <summary>Kernel memory of TCP, v1 only.</summary>
    public long? KernelTCP { get; init; }
}

/// <summary>Processor limits.</summary>
public sealed partial record CpuLimits
{
    /// <summary>Weight, 2 to 262144, v1 scale.</summary>
    public ulong? Shares { get; init; }

    /// <summary>Microseconds of a period it may run; -1: no limit.</summary>
    public long? Quota { get; init; }

    /// <summary>The period in microseconds.</summary>
    public ulong? Period { get; init; }

    /// <summary>Real-time microseconds, v1 only.</summary>
    public long? RealtimeRuntime { get; init; }

    /// <summary>Real-time period, v1 only.</summary>
    public ulong? RealtimePeriod { get; init; }

    /// <summary>Processors, as a list of ranges.</summary>
    public string? Cpus { get; init; }

    /// <summary>Memory nodes, as a list of ranges.</summary>
    public string? Mems { get; init; }

    /// <summary>1: weight is idle. v2 and new v1 kernels.</summary>
    public long? Idle { get; init; }

    /// <summary>Microseconds that may be saved up.</summary>
    public ulong? Burst { get; init; }
}

/// <summary>A limit on processes; 0 or less: none.</summary>
public sealed partial record PidsLimits
{
    /// <summary>How many.</summary>
    public long Limit { get; init; }
}

/// <summary>Block device limits.</summary>
public sealed partial record BlockIoLimits
{
    /// <summary>10 to 1000.</summary>
    public ushort? Weight { get; init; }

    /// <summary>Weight against the groups below, of version 1's CFQ scheduler.</summary>
    public ushort? LeafWeight { get; init; }

    /// <summary>Weights by device.</summary>
    public IReadOnlyList<WeightDevice>? WeightDevice { get; init; }

    /// <summary>Bytes read per second.</summary>
    public IReadOnlyList<ThrottleDevice>? ThrottleReadBpsDevice { get; init; }

    /// <summary>Bytes written per second.</summary>
    public IReadOnlyList<ThrottleDevice>? ThrottleWriteBpsDevice { get; init; }

    /// <summary>Reads per second.</summary>
    public IReadOnlyList<ThrottleDevice>? ThrottleReadIOPSDevice { get; init; }

    /// <summary>Writes per second.</summary>
    public IReadOnlyList<ThrottleDevice>? ThrottleWriteIOPSDevice { get; init; }
}

/// <summary>A weight for one device.</summary>
public sealed partial record WeightDevice
{
    /// <summary>Major number.</summary>
    public long Major { get; init; }

    /// <summary>Minor number.</summary>
    public long Minor { get; init; }

    /// <summary>10 to 1000.</summary>
    public ushort? Weight { get; init; }

    /// <summary>Weight against the groups below, of version 1's CFQ scheduler.</summary>
    public ushort? LeafWeight { get; init; }
}

/// <summary>A rate for one device.</summary>
public sealed partial record ThrottleDevice
{
    /// <summary>Major number.</summary>
    public long Major { get; init; }

    /// <summary>Minor number.</summary>
    public long Minor { get; init; }

    /// <summary>Per second.</summary>
    public ulong Rate { get; init; }
}

/// <summary>A limit on one size of huge pages.</summary>
public sealed partial record HugepageLimit
{
    /// <summary><c>2MB</c>, …</summary>
    public string PageSize { get; init => field = value ?? ""; } = "";

    /// <summary>Bytes.</summary>
    public ulong Limit { get; init; }
}

/// <summary>A system call filter. OCI runtime-spec 1.2, config-linux.md "Seccomp".</summary>
public sealed partial record SeccompSpec
{
    /// <summary><c>SCMP_ACT_ERRNO</c>, …: for calls that no rule names.</summary>
    public string DefaultAction { get; init => field = value ?? ""; } = "";

    /// <summary>The error of the default action.</summary>
    public uint? DefaultErrnoRet { get; init; }

    /// <summary><c>SCMP_ARCH_X86_64</c>, …: call conventions beside the native one.</summary>
    public IReadOnlyList<string>? Architectures { get; init; }

    /// <summary><c>SECCOMP_FILTER_FLAG_LOG</c>, ….</summary>
    public IReadOnlyList<string>? Flags { get; init; }

    /// <summary>The socket that gets the notify descriptor.</summary>
    public string? ListenerPath { get; init; }

    /// <summary>Bytes handed to the listener.</summary>
    public string? ListenerMetadata { get; init; }

    /// <summary>The rules.</summary>
    public IReadOnlyList<SyscallRule>? Syscalls { get; init; }
}

/// <summary>What to do with some calls.</summary>
public sealed partial record SyscallRule
{
    /// <summary>Calls by name; unknown ones are skipped.</summary>
    public IReadOnlyList<string> Names { get; init => field = value ?? []; } = [];

    /// <summary>The action.</summary>
    public string Action { get; init => field = value ?? ""; } = "";

    /// <summary>The error of an errno action.</summary>
    public uint? ErrnoRet { get; init; }

    /// <summary>All of these must hold.</summary>
    public IReadOnlyList<SyscallArgument>? Args { get; init; }
}

/// <summary>A condition on one argument.</summary>
public sealed partial record SyscallArgument
{
    /// <summary>Which, 0 to 5.</summary>
    public uint Index { get; init; }

    /// <summary>Compared with; the mask for masked comparison.</summary>
    public ulong Value { get; init; }

    /// <summary>Compared with after masking.</summary>
    public ulong ValueTwo { get; init; }

    /// <summary><c>SCMP_CMP_EQ</c>, ….</summary>
    public string Op { get; init => field = value ?? ""; } = "";
}
