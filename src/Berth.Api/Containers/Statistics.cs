using System.Text.Json.Serialization;

namespace Berth.Api;

/// <summary>One line of <c>GET /containers/{id}/stats</c>.</summary>
public sealed record ContainerStatistics
{
    /// <summary>The container's name with a leading slash.</summary>
    [JsonPropertyName("name")]
    public string Name { get; set => field = value ?? ""; } = "";

    /// <summary>The container's ID.</summary>
    [JsonPropertyName("id")]
    public string Id { get; set => field = value ?? ""; } = "";

    /// <summary>When these counts were read.</summary>
    [JsonPropertyName("read")]
    public DateTimeOffset Read { get; set; }

    /// <summary>When the former counts were read.</summary>
    [JsonPropertyName("preread")]
    public DateTimeOffset PreRead { get; set; }

    /// <summary>Processes.</summary>
    [JsonPropertyName("pids_stats")]
    public PidsStatistics PidsStats { get; set; } = new();

    /// <summary>Block devices.</summary>
    [JsonPropertyName("blkio_stats")]
    public BlkioStatistics BlkioStats { get; set; } = new();

    /// <summary>Windows only.</summary>
    [JsonPropertyName("num_procs")]
    public uint NumProcs { get; set; }

    /// <summary>Windows only.</summary>
    [JsonPropertyName("storage_stats")]
    public Empty StorageStats { get; set; } = new();

    /// <summary>Processors.</summary>
    [JsonPropertyName("cpu_stats")]
    public CpuStatistics CpuStats { get; set; } = new();

    /// <summary>Processors, as they were read before.</summary>
    [JsonPropertyName("precpu_stats")]
    public CpuStatistics PreCpuStats { get; set; } = new();

    /// <summary>Memory.</summary>
    [JsonPropertyName("memory_stats")]
    public MemoryStatistics MemoryStats { get; set; } = new();

    /// <summary>Network interfaces by name.</summary>
    [JsonPropertyName("networks")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, NetworkStatistics>? Networks { get; set; }
}

/// <summary>Processes of a container.</summary>
public sealed record PidsStatistics
{
    /// <summary>How many there are.</summary>
    [JsonPropertyName("current")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ulong Current { get; set; }

    /// <summary>How many there may be.</summary>
    [JsonPropertyName("limit")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ulong Limit { get; set; }
}

/// <summary>Block I/O of a container.</summary>
public sealed record BlkioStatistics
{
    /// <summary>Bytes.</summary>
    [JsonPropertyName("io_service_bytes_recursive")]
    public IReadOnlyList<BlkioEntry>? IoServiceBytesRecursive { get; set; }

    /// <summary>Operations; cgroup v1 only.</summary>
    [JsonPropertyName("io_serviced_recursive")]
    public IReadOnlyList<BlkioEntry>? IoServicedRecursive { get; set; }

    /// <summary>Queue lengths; cgroup v1 only.</summary>
    [JsonPropertyName("io_queue_recursive")]
    public IReadOnlyList<BlkioEntry>? IoQueuedRecursive { get; set; }

    /// <summary>Service times; cgroup v1 only.</summary>
    [JsonPropertyName("io_service_time_recursive")]
    public IReadOnlyList<BlkioEntry>? IoServiceTimeRecursive { get; set; }

    /// <summary>Waiting times; cgroup v1 only.</summary>
    [JsonPropertyName("io_wait_time_recursive")]
    public IReadOnlyList<BlkioEntry>? IoWaitTimeRecursive { get; set; }

    /// <summary>Merged operations; cgroup v1 only.</summary>
    [JsonPropertyName("io_merged_recursive")]
    public IReadOnlyList<BlkioEntry>? IoMergedRecursive { get; set; }

    /// <summary>Device times; cgroup v1 only.</summary>
    [JsonPropertyName("io_time_recursive")]
    public IReadOnlyList<BlkioEntry>? IoTimeRecursive { get; set; }

    /// <summary>Sectors; cgroup v1 only.</summary>
    [JsonPropertyName("sectors_recursive")]
    public IReadOnlyList<BlkioEntry>? SectorsRecursive { get; set; }
}

/// <summary>One count of one block device.</summary>
public sealed record BlkioEntry
{
    /// <summary>The device's major number.</summary>
    [JsonPropertyName("major")]
    public ulong Major { get; set; }

    /// <summary>The device's minor number.</summary>
    [JsonPropertyName("minor")]
    public ulong Minor { get; set; }

    /// <summary><c>read</c>, <c>write</c>, …</summary>
    [JsonPropertyName("op")]
    public string Op { get; set => field = value ?? ""; } = "";

    /// <summary>The count.</summary>
    [JsonPropertyName("value")]
    public ulong Value { get; set; }
}

/// <summary>Processor time of a container.</summary>
public sealed record CpuStatistics
{
    /// <summary>What it used.</summary>
    [JsonPropertyName("cpu_usage")]
    public CpuUsage CpuUsage { get; set; } = new();

    /// <summary>Nanoseconds that the whole machine used.</summary>
    [JsonPropertyName("system_cpu_usage")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ulong SystemUsage { get; set; }

    /// <summary>The machine's processors.</summary>
    [JsonPropertyName("online_cpus")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public uint OnlineCpus { get; set; }

    /// <summary>How it was held back.</summary>
    [JsonPropertyName("throttling_data")]
    public ThrottlingData ThrottlingData { get; set; } = new();
}

/// <summary>Nanoseconds of processor time.</summary>
public sealed record CpuUsage
{
    /// <summary>All.</summary>
    [JsonPropertyName("total_usage")]
    public ulong TotalUsage { get; set; }

    /// <summary>By processor; cgroup v1 only.</summary>
    [JsonPropertyName("percpu_usage")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ulong>? PercpuUsage { get; set; }

    /// <summary>In the kernel.</summary>
    [JsonPropertyName("usage_in_kernelmode")]
    public ulong UsageInKernelmode { get; set; }

    /// <summary>In user mode.</summary>
    [JsonPropertyName("usage_in_usermode")]
    public ulong UsageInUsermode { get; set; }
}

/// <summary>How a quota held a container back.</summary>
public sealed record ThrottlingData
{
    /// <summary>Periods under the quota.</summary>
    [JsonPropertyName("periods")]
    public ulong Periods { get; set; }

    /// <summary>Of those, in how many it was held back.</summary>
    [JsonPropertyName("throttled_periods")]
    public ulong ThrottledPeriods { get; set; }

    /// <summary>Nanoseconds for which it was held back.</summary>
    [JsonPropertyName("throttled_time")]
    public ulong ThrottledTime { get; set; }
}

/// <summary>Memory of a container, in bytes.</summary>
public sealed record MemoryStatistics
{
    /// <summary>In use, page cache included.</summary>
    [JsonPropertyName("usage")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ulong Usage { get; set; }

    /// <summary>The most ever in use; cgroup v1 only.</summary>
    [JsonPropertyName("max_usage")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ulong MaxUsage { get; set; }

    /// <summary>The counts of <c>memory.stat</c> by the kernel's names.</summary>
    [JsonPropertyName("stats")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, ulong>? Stats { get; set; }

    /// <summary>How often the limit was hit; cgroup v1 only.</summary>
    [JsonPropertyName("failcnt")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ulong Failcnt { get; set; }

    /// <summary>The limit, or the machine's memory.</summary>
    [JsonPropertyName("limit")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ulong Limit { get; set; }
}

/// <summary>Counts of a network interface.</summary>
public sealed record NetworkStatistics
{
    /// <summary>Bytes received.</summary>
    [JsonPropertyName("rx_bytes")]
    public ulong RxBytes { get; set; }

    /// <summary>Packets received.</summary>
    [JsonPropertyName("rx_packets")]
    public ulong RxPackets { get; set; }

    /// <summary>Receive errors.</summary>
    [JsonPropertyName("rx_errors")]
    public ulong RxErrors { get; set; }

    /// <summary>Packets dropped on receipt.</summary>
    [JsonPropertyName("rx_dropped")]
    public ulong RxDropped { get; set; }

    /// <summary>Bytes sent.</summary>
    [JsonPropertyName("tx_bytes")]
    public ulong TxBytes { get; set; }

    /// <summary>Packets sent.</summary>
    [JsonPropertyName("tx_packets")]
    public ulong TxPackets { get; set; }

    /// <summary>Send errors.</summary>
    [JsonPropertyName("tx_errors")]
    public ulong TxErrors { get; set; }

    /// <summary>Packets dropped when sending.</summary>
    [JsonPropertyName("tx_dropped")]
    public ulong TxDropped { get; set; }
}
