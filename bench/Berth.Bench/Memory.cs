namespace Berth.Bench;

/// <summary>Memory of processes from /proc/PID/smaps_rollup, in MB.</summary>
internal static class Memory
{
    /// <summary>The proportional set size of some processes.</summary>
    public static double Proportional(IEnumerable<int> pids) => pids.Sum(pid => Field(pid, "Pss:")) / 1024.0;

    /// <summary>Memory that only these processes use.</summary>
    public static double Private(IEnumerable<int> pids) =>
        pids.Sum(pid => Field(pid, "Private_Clean:") + Field(pid, "Private_Dirty:")) / 1024.0;

    /// <summary>The largest resident set that a process ever had; /proc/PID/status, VmHWM.</summary>
    public static double Peak(int pid) => Field($"/proc/{pid}/status", "VmHWM:") / 1024.0;

    /// <summary>Processes whose command line contains all of these words.</summary>
    public static IReadOnlyList<int> Find(params string[] words) =>
    [
        .. Directory.EnumerateDirectories("/proc")
            .Select(path => int.TryParse(Path.GetFileName(path), out int pid) ? pid : 0)
            .Where(pid => pid > 0 && words.All(word => CommandLine(pid).Contains(word, StringComparison.Ordinal))),
    ];

    private static string CommandLine(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline").Replace('\0', ' ');
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static long Field(int pid, string name) => Field($"/proc/{pid}/smaps_rollup", name);

    private static long Field(string file, string name)
    {
        try
        {
            return File.ReadLines(file).Where(line => line.StartsWith(name, StringComparison.Ordinal))
                .Sum(line => long.Parse(line.AsSpan(name.Length).Trim().TrimEnd("kB ")));
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
