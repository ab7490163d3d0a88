namespace Berth.Runtime.Cgroups;

/// <summary>Reads version 2's counts, in version 1's units.</summary>
internal static class CgroupV2Statistics
{
    private const ulong NanosecondsPerMicrosecond = 1000;

    public static CgroupStatistics Read(string directory)
    {
        Dictionary<string, ulong> cpu = CgroupFile.ReadPairs(directory, "cpu.stat");
        ulong pidsLimit = CgroupFile.ReadNumber(directory, "pids.max");
        return new CgroupStatistics
        {
            IsVersion2 = true,
            CpuTotalNanoseconds = cpu.GetValueOrDefault("usage_usec") * NanosecondsPerMicrosecond,
            CpuKernelNanoseconds = cpu.GetValueOrDefault("system_usec") * NanosecondsPerMicrosecond,
            CpuUserNanoseconds = cpu.GetValueOrDefault("user_usec") * NanosecondsPerMicrosecond,
            ThrottlingPeriods = cpu.GetValueOrDefault("nr_periods"),
            ThrottledPeriods = cpu.GetValueOrDefault("nr_throttled"),
            ThrottledNanoseconds = cpu.GetValueOrDefault("throttled_usec") * NanosecondsPerMicrosecond,
            MemoryUsage = CgroupFile.ReadNumber(directory, "memory.current"),
            MemoryMaxUsage = CgroupFile.ReadNumber(directory, "memory.peak"),
            MemoryLimit = CgroupFile.ReadNumber(directory, "memory.max"),
            MemoryFailures = CgroupFile.ReadPairs(directory, "memory.events").GetValueOrDefault("max"),
            MemoryDetails = CgroupFile.ReadPairs(directory, "memory.stat"),
            Pids = CgroupFile.ReadNumber(directory, "pids.current"),
            PidsLimit = pidsLimit == ulong.MaxValue ? 0 : pidsLimit,
            BlockBytes = ReadBlock(CgroupFile.Read(directory, "io.stat") ?? "", "rbytes=", "wbytes="),
        };
    }

    // Lines are "major:minor rbytes=N wbytes=N rios=N …".
    internal static List<(ulong Major, ulong Minor, string Operation, ulong Count)> ReadBlock(string text, string reads, string writes)
    {
        List<(ulong, ulong, string, ulong)> counts = [];
        foreach (string line in text.Split('\n'))
        {
            string[] words = line.Split(' ');
            if (words[0].Split(':') is not [var majorText, var minorText]
                || !ulong.TryParse(majorText, out ulong major) || !ulong.TryParse(minorText, out ulong minor))
                continue;
            foreach (string word in words.AsSpan(1))
            {
                bool isRead = word.StartsWith(reads, StringComparison.Ordinal), isWrite = word.StartsWith(writes, StringComparison.Ordinal);
                if ((isRead || isWrite) && ulong.TryParse(word.AsSpan(word.IndexOf('=') + 1), out ulong count))
                    counts.Add((major, minor, isRead ? "read" : "write", count));
            }
        }
        return counts;
    }
}
