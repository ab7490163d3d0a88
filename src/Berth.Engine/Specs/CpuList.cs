using Berth.Faults;

namespace Berth.Engine.Specs;

/// <summary>Lists as <c>0-3,5</c>. cpuset(7), "List format".</summary>
internal static class CpuList
{
    private const int NumberMax = 8192;

    /// <exception cref="FaultException">InvalidArgument: it is none, or names processors that are not there.</exception>
    public static void Check(string? text, string what)
    {
        if (string.IsNullOrEmpty(text))
            return;
        foreach (string part in text.Split(','))
        {
            string[] ends = part.Split('-');
            if (ends.Length > 2 || !int.TryParse(ends[0], out int first) || !int.TryParse(ends[^1], out int last)
                || first < 0 || last < first || last > NumberMax)
                throw FaultException.Invalid($"Invalid value {text} for {what}");
            if (what == "cpuset.cpus" && last >= Environment.ProcessorCount)
                throw FaultException.Invalid(
                    $"Requested CPUs are not available - requested {text}, available: 0-{Environment.ProcessorCount - 1}");
        }
    }
}
