using System.Globalization;

namespace Berth.Runtime.Cgroups;

/// <summary>Reads the counts of <see cref="CgroupDetails"/>.</summary>
internal static class CgroupDetailsReader
{
    private const ulong NoLimit = long.MaxValue - 65536UL;

    /// <summary>Reads version 1's.</summary>
    public static CgroupDetails OfVersion1(Func<string, string?> directoryOf)
    {
        string? memory = directoryOf("memory"), huge = directoryOf("hugetlb"), sets = directoryOf("cpuset");
        return new CgroupDetails
        {
            Swap = MemoryOf(memory, "memory.memsw"),
            Kernel = MemoryOf(memory, "memory.kmem"),
            KernelTcp = MemoryOf(memory, "memory.kmem.tcp"),
            HugePages = HugePagesOf(huge, ".usage_in_bytes", size => MemoryOf(huge, $"hugetlb.{size}")),
            CpuPerProcessorNanoseconds = directoryOf("cpuacct") is { } accounting
                ? PerProcessor(CgroupFile.Read(accounting, "cpuacct.usage_all") ?? "") : [],
            Processors = Numbers(sets is null ? null : CgroupFile.Read(sets, "cpuset.effective_cpus")),
            MemoryNodes = Numbers(sets is null ? null : CgroupFile.Read(sets, "cpuset.effective_mems")),
            BlockOperations = directoryOf("blkio") is { } block
                ? CgroupV1Statistics.ReadBlock(block, "blkio.throttle.io_serviced_recursive") : [],
        };
    }

    /// <summary>Reads version 2's.</summary>
    public static CgroupDetails OfVersion2(string directory) => new()
    {
        Swap = new MemoryCount(
            CgroupFile.ReadNumber(directory, "memory.swap.current"), CgroupFile.ReadNumber(directory, "memory.swap.peak"),
            CgroupFile.ReadNumber(directory, "memory.swap.max"),
            CgroupFile.ReadPairs(directory, "memory.swap.events").GetValueOrDefault("max")),
        HugePages = HugePagesOf(directory, ".current", size => new MemoryCount(
            CgroupFile.ReadNumber(directory, $"hugetlb.{size}.current"), 0, CgroupFile.ReadNumber(directory, $"hugetlb.{size}.max"),
            CgroupFile.ReadPairs(directory, $"hugetlb.{size}.events").GetValueOrDefault("max"))),
        Processors = Numbers(CgroupFile.Read(directory, "cpuset.cpus.effective")),
        MemoryNodes = Numbers(CgroupFile.Read(directory, "cpuset.mems.effective")),
        BlockOperations = CgroupV2Statistics.ReadBlock(CgroupFile.Read(directory, "io.stat") ?? "", "rios=", "wios="),
    };

    private static MemoryCount MemoryOf(string? directory, string prefix)
    {
        if (directory is null)
            return default;
        ulong limit = CgroupFile.ReadNumber(directory, $"{prefix}.limit_in_bytes");
        return new MemoryCount(CgroupFile.ReadNumber(directory, $"{prefix}.usage_in_bytes"),
            CgroupFile.ReadNumber(directory, $"{prefix}.max_usage_in_bytes"), limit >= NoLimit ? ulong.MaxValue : limit,
            CgroupFile.ReadNumber(directory, $"{prefix}.failcnt"));
    }

    private static Dictionary<string, MemoryCount> HugePagesOf(string? directory, string ending, Func<string, MemoryCount> read)
    {
        const string beginning = "hugetlb.";
        Dictionary<string, MemoryCount> pages = [];
        if (!Directory.Exists(directory))
            return pages;
        foreach (string path in Directory.GetFiles(directory, $"{beginning}*{ending}").Order(StringComparer.Ordinal))
        {
            string size = Path.GetFileName(path)[beginning.Length..^ending.Length];
            // Of "2MB.rsvd" the counts are reservations.
            if (!size.Contains('.'))
                pages[size] = read(size);
        }
        return pages;
    }

    // A line "cpu user system", then one for each processor.
    internal static List<(ulong Kernel, ulong User)> PerProcessor(string text)
    {
        List<(ulong, ulong)> counts = [];
        foreach (string line in text.Split('\n').Skip(1))
        {
            if (line.Split(' ') is [_, var user, var kernel]
                && ulong.TryParse(user, out ulong inUser) && ulong.TryParse(kernel, out ulong inKernel))
                counts.Add((inKernel, inUser));
        }
        return counts;
    }

    // A list such as "0-3,7".
    internal static List<int> Numbers(string? list)
    {
        List<int> numbers = [];
        foreach (string range in (list ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            string[] ends = range.Split('-');
            if (int.TryParse(ends[0], CultureInfo.InvariantCulture, out int first)
                && int.TryParse(ends[^1], CultureInfo.InvariantCulture, out int last))
                numbers.AddRange(Enumerable.Range(first, Math.Max(0, last - first + 1)));
        }
        return numbers;
    }
}
