namespace Berth.Runtime;

/// <summary>Counts of one kind of memory in bytes; zero where the kernel has no such count.</summary>
/// <param name="Usage">In use.</param>
/// <param name="Max">The most ever in use.</param>
/// <param name="Limit">The limit; <see cref="ulong.MaxValue"/>: none.</param>
/// <param name="Failures">How often the limit was hit.</param>
public readonly record struct MemoryCount(ulong Usage, ulong Max, ulong Limit, ulong Failures);

/// <summary>Further counts of a container's cgroups, which only the program's <c>events</c> shows: each is a file more to read.</summary>
public sealed record CgroupDetails
{
    /// <summary>Memory and swap together on v1, swap alone on v2.</summary>
    public MemoryCount Swap { get; init; }

    /// <summary>The kernel's memory for its processes, v1 only.</summary>
    public MemoryCount Kernel { get; init; }

    /// <summary>Of that, buffers of TCP, v1 only.</summary>
    public MemoryCount KernelTcp { get; init; }

    /// <summary>Huge pages by their size, as the kernel writes it (<c>2MB</c>).</summary>
    public IReadOnlyDictionary<string, MemoryCount> HugePages { get; init; } = new Dictionary<string, MemoryCount>();

    /// <summary>Nanoseconds by processor, in the kernel and in user mode; empty on v2.</summary>
    public IReadOnlyList<(ulong Kernel, ulong User)> CpuPerProcessorNanoseconds { get; init; } = [];

    /// <summary>The processors that it may use.</summary>
    public IReadOnlyList<int> Processors { get; init; } = [];

    /// <summary>The memory nodes that it may use.</summary>
    public IReadOnlyList<int> MemoryNodes { get; init; } = [];

    /// <summary>Numbers of accesses by device: major, minor, operation (<c>read</c>, <c>write</c>).</summary>
    public IReadOnlyList<(ulong Major, ulong Minor, string Operation, ulong Count)> BlockOperations { get; init; } = [];
}
