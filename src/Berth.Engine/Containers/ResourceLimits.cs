namespace Berth.Engine;

/// <summary>Limits of a container, as in the Engine API's <c>Resources</c>. Zero, empty and null mean not given.</summary>
public sealed record ResourceLimits
{
    /// <summary>Bytes of memory.</summary>
    public long Memory { get; init; }

    /// <summary>Bytes of memory and swap together; -1 unlimited swap.</summary>
    public long MemorySwap { get; init; }

    /// <summary>Bytes of memory kept under pressure.</summary>
    public long MemoryReservation { get; init; }

    /// <summary>0 to 100; -1 and null mean the kernel's choice.</summary>
    public long? MemorySwappiness { get; init; }

    /// <summary>Processors in units of 10^-9.</summary>
    public long NanoCpus { get; init; }

    /// <summary>Relative weight.</summary>
    public long CpuShares { get; init; }

    /// <summary>The CFS period in microseconds.</summary>
    public long CpuPeriod { get; init; }

    /// <summary>The CFS quota in microseconds.</summary>
    public long CpuQuota { get; init; }

    /// <summary>The real-time period in microseconds.</summary>
    public long CpuRealtimePeriod { get; init; }

    /// <summary>The real-time runtime in microseconds.</summary>
    public long CpuRealtimeRuntime { get; init; }

    /// <summary>Processors it may use, such as <c>0-3,5</c>.</summary>
    public string? CpusetCpus { get; init; }

    /// <summary>Memory nodes it may use.</summary>
    public string? CpusetMems { get; init; }

    /// <summary>Processes and threads; -1 and 0 unlimited.</summary>
    public long? PidsLimit { get; init; }

    /// <summary>10 to 1000.</summary>
    public int BlkioWeight { get; init; }

    /// <summary>Weights per device, 10 to 1000.</summary>
    public IReadOnlyList<BlockDeviceRate>? BlkioWeightDevice { get; init; }

    /// <summary>Bytes read per second.</summary>
    public IReadOnlyList<BlockDeviceRate>? BlkioDeviceReadBps { get; init; }

    /// <summary>Bytes written per second.</summary>
    public IReadOnlyList<BlockDeviceRate>? BlkioDeviceWriteBps { get; init; }

    /// <summary>Reads per second.</summary>
    public IReadOnlyList<BlockDeviceRate>? BlkioDeviceReadIOps { get; init; }

    /// <summary>Writes per second.</summary>
    public IReadOnlyList<BlockDeviceRate>? BlkioDeviceWriteIOps { get; init; }

    /// <summary>The cgroup below which the container's is made.</summary>
    public string? CgroupParent { get; init; }

    /// <summary>The kernel does not kill for memory.</summary>
    public bool? OomKillDisable { get; init; }

    /// <summary>Host devices.</summary>
    public IReadOnlyList<DeviceMapping>? Devices { get; init; }

    /// <summary>Rules as <c>c 42:* rmw</c>.</summary>
    public IReadOnlyList<string>? DeviceCgroupRules { get; init; }

    /// <summary>Requests for GPUs and the like.</summary>
    public IReadOnlyList<DeviceRequest>? DeviceRequests { get; init; }

    /// <summary>Process limits.</summary>
    public IReadOnlyList<Ulimit>? Ulimits { get; init; }
}

/// <summary>A rate on a block device.</summary>
/// <param name="Path">The device.</param>
/// <param name="Rate">Bytes or operations a second.</param>
public sealed record BlockDeviceRate(string Path, ulong Rate);

/// <summary>A device of the host in a container.</summary>
/// <param name="PathOnHost">Where it is.</param>
/// <param name="PathInContainer">Where it shall be; empty: the same.</param>
/// <param name="CgroupPermissions">Of <c>r</c>, <c>w</c>, <c>m</c>; empty: all.</param>
public sealed record DeviceMapping(string PathOnHost, string PathInContainer, string CgroupPermissions);

/// <summary>A request for devices by driver or capability.</summary>
/// <param name="Driver">The driver, such as <c>nvidia</c> or <c>cdi</c>.</param>
/// <param name="Count">How many; -1 all.</param>
/// <param name="DeviceIds">Which ones.</param>
/// <param name="Capabilities">Alternatives of required capabilities.</param>
/// <param name="Options">The driver's options.</param>
public sealed record DeviceRequest(
    string Driver, int Count, IReadOnlyList<string> DeviceIds, IReadOnlyList<IReadOnlyList<string>> Capabilities,
    IReadOnlyDictionary<string, string>? Options = null);

/// <summary>A process limit.</summary>
/// <param name="Name">Such as <c>nofile</c>.</param>
/// <param name="Soft">What applies; -1 unlimited.</param>
/// <param name="Hard">To what it may be raised; -1 unlimited.</param>
public sealed record Ulimit(string Name, long Soft, long Hard);
