namespace Berth.Engine;

/// <summary>Counts that the kernel keeps in <c>/proc</c>.</summary>
internal static class HostCounts
{
    private const ulong NanosecondsPerTick = 10_000_000;

    /// <summary>Time that all processors have spent, idle included. proc_stat(5).</summary>
    public static ulong CpuNanoseconds()
    {
        string first = File.ReadLines("/proc/stat").First();
        ulong ticks = 0;
        foreach (string field in first.Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Take(8))
            ticks += ulong.Parse(field);
        return ticks * NanosecondsPerTick;
    }

    /// <summary>Counts of the interfaces that a process sees, without loopback. proc_pid_net(5).</summary>
    public static IReadOnlyList<InterfaceCounts> Interfaces(int pid)
    {
        List<InterfaceCounts> all = [];
        foreach (string line in File.ReadLines($"/proc/{pid}/net/dev").Skip(2))
        {
            string[] parts = line.Split(':', 2);
            string name = parts[0].Trim();
            ulong[] n = parts.Length == 2 ? [.. parts[1].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(ulong.Parse)] : [];
            if (name != "lo" && n.Length >= 12)
                all.Add(new InterfaceCounts(name, n[0], n[1], n[2], n[3], n[8], n[9], n[10], n[11]));
        }
        return all;
    }
}
