namespace Berth.Runtime;

/// <summary>Counts of a container's cgroups at one moment, the same for v1 and v2. Zero where the kernel has no such count.</summary>
public sealed record CgroupStatistics
{
    /// <summary>Nanoseconds of processor time, all processors.</summary>
    public ulong CpuTotalNanoseconds { get; init; }

    /// <summary>Of that, in the kernel.</summary>
    public ulong CpuKernelNanoseconds { get; init; }

    /// <summary>Of that, in user mode.</summary>
    public ulong CpuUserNanoseconds { get; init; }

    /// <summary>Nanoseconds by processor; empty on v2.</summary>
    public IReadOnlyList<ulong> CpuPerProcessorNanoseconds { get; init; } = [];

    /// <summary>Periods under a quota.</summary>
    public ulong ThrottlingPeriods { get; init; }

    /// <summary>Of those, in how many it was held back.</summary>
    public ulong ThrottledPeriods { get; init; }

    /// <summary>For how long together.</summary>
    public ulong ThrottledNanoseconds { get; init; }

    /// <summary>Bytes in use, page cache included.</summary>
    public ulong MemoryUsage { get; init; }

    /// <summary>The most ever in use, v1 only.</summary>
    public ulong MemoryMaxUsage { get; init; }

    /// <summary>The limit in bytes; <see cref="ulong.MaxValue"/>: none.</summary>
    public ulong MemoryLimit { get; init; }

    /// <summary>How often the limit was hit.</summary>
    public ulong MemoryFailures { get; init; }

    /// <summary>memory.stat by name, as the kernel names them.</summary>
    public IReadOnlyDictionary<string, ulong> MemoryDetails { get; init; } = new Dictionary<string, ulong>();

    /// <summary>Processes now.</summary>
    public ulong Pids { get; init; }

    /// <summary>The limit; 0: none.</summary>
    public ulong PidsLimit { get; init; }

    /// <summary>Bytes by device: major, minor, operation (<c>read</c>, <c>write</c>).</summary>
    public IReadOnlyList<(ulong Major, ulong Minor, string Operation, ulong Bytes)> BlockBytes { get; init; } = [];

    /// <summary>cgroup v2 decides what fields clients expect.</summary>
    public bool IsVersion2 { get; init; }
}
