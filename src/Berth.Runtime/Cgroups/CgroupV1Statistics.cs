namespace Berth.Runtime.Cgroups;

/// <summary>Reads version 1's counts.</summary>
internal static class CgroupV1Statistics
{
    public static CgroupStatistics Read(Func<string, string?> directoryOf)
    {
        CgroupStatistics statistics = new();
        if (directoryOf("cpuacct") is { } accounting)
            statistics = ReadCpu(statistics, accounting);
        if (directoryOf("cpu") is { } cpu)
        {
            Dictionary<string, ulong> pairs = CgroupFile.ReadPairs(cpu, "cpu.stat");
            statistics = statistics with
            {
                ThrottlingPeriods = pairs.GetValueOrDefault("nr_periods"),
                ThrottledPeriods = pairs.GetValueOrDefault("nr_throttled"),
                ThrottledNanoseconds = pairs.GetValueOrDefault("throttled_time"),
            };
        }
        if (directoryOf("memory") is { } memory)
            statistics = ReadMemory(statistics, memory);
        if (directoryOf("pids") is { } pids)
        {
            ulong limit = CgroupFile.ReadNumber(pids, "pids.max");
            statistics = statistics with
            {
                Pids = CgroupFile.ReadNumber(pids, "pids.current"),
                PidsLimit = limit == ulong.MaxValue ? 0 : limit,
            };
        }
        return directoryOf("blkio") is { } block
            ? statistics with { BlockBytes = ReadBlock(block, "blkio.throttle.io_service_bytes_recursive") } : statistics;
    }

    private static CgroupStatistics ReadCpu(CgroupStatistics statistics, string directory) => statistics with
    {
        CpuTotalNanoseconds = CgroupFile.ReadNumber(directory, "cpuacct.usage"),
        CpuKernelNanoseconds = CgroupFile.ReadNumber(directory, "cpuacct.usage_sys"),
        CpuUserNanoseconds = CgroupFile.ReadNumber(directory, "cpuacct.usage_user"),
        CpuPerProcessorNanoseconds = [.. (CgroupFile.Read(directory, "cpuacct.usage_percpu") ?? "")
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(text => ulong.TryParse(text, out ulong value) ? value : 0)],
    };

    private static CgroupStatistics ReadMemory(CgroupStatistics statistics, string directory)
    {
        // "No limit" is the largest multiple of a page below 2^63.
        ulong limit = CgroupFile.ReadNumber(directory, "memory.limit_in_bytes");
        return statistics with
        {
            MemoryUsage = CgroupFile.ReadNumber(directory, "memory.usage_in_bytes"),
            MemoryMaxUsage = CgroupFile.ReadNumber(directory, "memory.max_usage_in_bytes"),
            MemoryLimit = limit >= long.MaxValue - 65536UL ? ulong.MaxValue : limit,
            MemoryFailures = CgroupFile.ReadNumber(directory, "memory.failcnt"),
            MemoryDetails = CgroupFile.ReadPairs(directory, "memory.stat"),
        };
    }

    // Lines are "major:minor Operation count" and a last "Total count".
    internal static List<(ulong Major, ulong Minor, string Operation, ulong Count)> ReadBlock(string directory, string file)
    {
        List<(ulong, ulong, string, ulong)> counts = [];
        foreach (string line in (CgroupFile.Read(directory, file) ?? "").Split('\n'))
        {
            string[] words = line.Split(' ');
            if (words.Length == 3 && words[0].Split(':') is [var major, var minor]
                && ulong.TryParse(major, out ulong majorNumber) && ulong.TryParse(minor, out ulong minorNumber)
                && ulong.TryParse(words[2], out ulong count))
                counts.Add((majorNumber, minorNumber, words[1].ToLowerInvariant(), count));
        }
        return counts;
    }
}
