using Berth.Faults;

namespace Berth.Engine.Specs;

/// <summary>Lists as <c>0-3,5</c>. cpuset(7), "List format".</summary>
internal static class CpuList
{
    private const int NumberMax = 8192;
    private const string MemoryNodes = "/sys/fs/cgroup/cpuset.mems.effective";

    /// <exception cref="FaultException">InvalidArgument: it is none, or names processors that are not there.</exception>
    public static void Check(string? text, string what)
    {
        if (string.IsNullOrEmpty(text))
            return;
        string? nodes = what == "cpuset.mems" ? Available() : null;
        HashSet<int>? available = nodes is null ? null : [.. Ranges(nodes, what).SelectMany(Numbers)];
        foreach ((int first, int last) in Ranges(text, what))
        {
            if (what == "cpuset.cpus" && last >= Environment.ProcessorCount)
                throw FaultException.Invalid(
                    $"Requested CPUs are not available - requested {text}, available: 0-{Environment.ProcessorCount - 1}");
            if (available is not null && !Numbers((first, last)).All(available.Contains))
                throw FaultException.Invalid($"Requested memory nodes are not available - requested {text}, available: {nodes}");
        }
    }

    private static IEnumerable<(int First, int Last)> Ranges(string text, string what)
    {
        foreach (string part in text.Split(','))
        {
            string[] ends = part.Split('-');
            if (ends.Length > 2 || !int.TryParse(ends[0], out int first) || !int.TryParse(ends[^1], out int last)
                || first < 0 || last < first || last > NumberMax)
                throw FaultException.Invalid($"Invalid value {text} for {what}");
            yield return (first, last);
        }
    }

    private static IEnumerable<int> Numbers((int First, int Last) range) => Enumerable.Range(range.First, range.Last - range.First + 1);

    // Null where the kernel does not say: then it is the kernel that refuses.
    private static string? Available()
    {
        try
        {
            return File.ReadAllText(MemoryNodes).Trim() is { Length: > 0 } nodes ? nodes : null;
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
