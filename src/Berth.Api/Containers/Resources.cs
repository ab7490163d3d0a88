using System.Text.Json.Serialization;

namespace Berth.Api;

/// <summary>Limits and shares of a container.</summary>
/// <remarks>Engine API "Resources". Zero and null mean: no limit of its own.</remarks>
public record Resources
{
    /// <summary>Weight against other containers; 1024 is the kernel's default.</summary>
    public long CpuShares { get; set; }

    /// <summary>Bytes of memory.</summary>
    public long Memory { get; set; }

    /// <summary>Processors in units of 10⁻⁹.</summary>
    public long NanoCpus { get; set; }

    /// <summary>The cgroup below which its own is made.</summary>
    public string CgroupParent { get; set => field = value ?? ""; } = "";

    /// <summary>Block I/O weight, 10 to 1000.</summary>
    public ushort BlkioWeight { get; set; }

    /// <summary>Block I/O weight by device.</summary>
    public IReadOnlyList<WeightDevice>? BlkioWeightDevice { get; set; }

    /// <summary>Bytes read per second, by device.</summary>
    public IReadOnlyList<ThrottleDevice>? BlkioDeviceReadBps { get; set; }

    /// <summary>Bytes written per second, by device.</summary>
    public IReadOnlyList<ThrottleDevice>? BlkioDeviceWriteBps { get; set; }

    /// <summary>Reads per second, by device.</summary>
    public IReadOnlyList<ThrottleDevice>? BlkioDeviceReadIOps { get; set; }

    /// <summary>Writes per second, by device.</summary>
    public IReadOnlyList<ThrottleDevice>? BlkioDeviceWriteIOps { get; set; }

    /// <summary>Microseconds of a CFS period.</summary>
    public long CpuPeriod { get; set; }

    /// <summary>Microseconds of processor time in a period.</summary>
    public long CpuQuota { get; set; }

    /// <summary>Microseconds of a real-time period.</summary>
    public long CpuRealtimePeriod { get; set; }

    /// <summary>Microseconds of real-time processor time in a period.</summary>
    public long CpuRealtimeRuntime { get; set; }

    /// <summary>The processors it may use, as in <c>0-2,4</c>.</summary>
    public string CpusetCpus { get; set => field = value ?? ""; } = "";

    /// <summary>The memory nodes it may use.</summary>
    public string CpusetMems { get; set => field = value ?? ""; } = "";

    /// <summary>Devices of the host that it sees.</summary>
    public IReadOnlyList<DeviceMapping>? Devices { get; set; }

    /// <summary>Rules of the device cgroup, as in <c>c 42:* rmw</c>.</summary>
    public IReadOnlyList<string>? DeviceCgroupRules { get; set; }

    /// <summary>Devices asked for by kind, such as GPUs.</summary>
    public IReadOnlyList<DeviceRequest>? DeviceRequests { get; set; }

    /// <summary>Bytes of kernel memory; refused by kernels since 5.4.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long KernelMemory { get; set; }

    /// <summary>Bytes of kernel TCP buffers; cgroup v1 only.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long KernelMemoryTCP { get; set; }

    /// <summary>Soft limit in bytes.</summary>
    public long MemoryReservation { get; set; }

    /// <summary>Bytes of memory and swap together; -1: no limit to swap.</summary>
    public long MemorySwap { get; set; }

    /// <summary>0 to 100; -1 and null take the kernel's.</summary>
    public long? MemorySwappiness { get; set; }

    /// <summary>Do not kill when memory is full; cgroup v1 only.</summary>
    public bool? OomKillDisable { get; set; }

    /// <summary>Processes; 0 and -1: no limit; null: leave as it is.</summary>
    public long? PidsLimit { get; set; }

    /// <summary>Resource limits of its processes.</summary>
    public IReadOnlyList<Ulimit>? Ulimits { get; set; }

    /// <summary>Windows only.</summary>
    public long CpuCount { get; set; }

    /// <summary>Windows only.</summary>
    public long CpuPercent { get; set; }

    /// <summary>Windows only.</summary>
    public ulong IOMaximumIOps { get; set; }

    /// <summary>Windows only.</summary>
    public ulong IOMaximumBandwidth { get; set; }
}

/// <summary>A block device's weight.</summary>
public sealed record WeightDevice
{
    /// <summary>The device on the host.</summary>
    public string Path { get; set => field = value ?? ""; } = "";

    /// <summary>10 to 1000.</summary>
    public ushort Weight { get; set; }
}

/// <summary>A block device's rate.</summary>
public sealed record ThrottleDevice
{
    /// <summary>The device on the host.</summary>
    public string Path { get; set => field = value ?? ""; } = "";

    /// <summary>Bytes or operations per second.</summary>
    public ulong Rate { get; set; }
}

/// <summary>A device of the host inside a container.</summary>
public sealed record DeviceMapping
{
    /// <summary>Where it is on the host.</summary>
    public string PathOnHost { get; set => field = value ?? ""; } = "";

    /// <summary>Where it appears inside.</summary>
    public string PathInContainer { get; set => field = value ?? ""; } = "";

    /// <summary>Any of <c>r</c>, <c>w</c>, <c>m</c> (make).</summary>
    public string CgroupPermissions { get; set => field = value ?? ""; } = "";
}

/// <summary>Devices asked for by what they can do.</summary>
public sealed record DeviceRequest
{
    /// <summary>The driver, such as <c>nvidia</c> or <c>cdi</c>.</summary>
    public string Driver { get; set => field = value ?? ""; } = "";

    /// <summary>How many; -1: all.</summary>
    public int Count { get; set; }

    /// <summary>Which, instead of how many.</summary>
    public IReadOnlyList<string>? DeviceIDs { get; set; }

    /// <summary>Any of these sets, of which all must be met.</summary>
    public IReadOnlyList<IReadOnlyList<string>>? Capabilities { get; set; }

    /// <summary>The driver's options.</summary>
    public IReadOnlyDictionary<string, string>? Options { get; set; }
}

/// <summary>A resource limit, setrlimit(2).</summary>
public sealed record Ulimit
{
    /// <summary><c>nofile</c>, <c>nproc</c>, … without RLIMIT_.</summary>
    public string Name { get; set => field = value ?? ""; } = "";

    /// <summary>The hard limit; -1: none.</summary>
    public long Hard { get; set; }

    /// <summary>The soft limit; -1: none.</summary>
    public long Soft { get; set; }
}
