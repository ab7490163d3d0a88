using System.Globalization;
using Berth.Linux.Processes;
using Berth.Oci.Runtime;
using Berth.Runtime.Cgroups;
using Berth.Stage;

namespace Berth.Runtime.Plans;

/// <summary>Whether a further process of a full container may be made outside the group that counts, and be moved in then.</summary>
internal static class BirthPlan
{
    private const ulong Trace = 1UL << 19, Administer = 1UL << 21; // CAP_SYS_PTRACE, CAP_SYS_ADMIN
    private const ulong NewUser = 0x10000000;

    /// <summary>Plans it.</summary>
    /// <remarks>For a moment the process is seen inside and counts outside. Nobody there may look into it, but whoever has CAP_SYS_PTRACE
    /// over the machine's processes: such a one could make it fork outside, so that its container takes no process beyond its limit.
    /// Whoever has CAP_SYS_ADMIN beside it needs no such way. What those of another container may that share a process namespace is not
    /// known.</remarks>
    public static void Add(Plan plan, PlanWriter writer, ProcessSpec process, CgroupPlace? place, ProcessHandle first)
    {
        foreach (PlanLimit limit in PlanBuilder.PlanLimits(process.Rlimits ?? [], []))
        {
            if (limit.Resource == StageContract.ProcessLimit)
                plan.ProcessLimit = limit;
        }
        bool isMapped = (writer.Header.JoinedNamespaces & NewUser) != 0;
        if (!isMapped && (MayTrace(writer.Header.Bounding) || MayBeTracedInside(first)))
            return;
        if (CountedPlace.Of(place) is not { } counted)
            return;
        plan.Counted = counted;
        writer.Header.EnterFile = writer.Text(counted.EnterFile);
        writer.Header.LeaveFile = writer.Text(counted.LeaveFile);
    }

    private static bool MayTrace(ulong bounding) => (bounding & (Trace | Administer)) == Trace;

    // By the container's first process: a further one may have less than it.
    private static bool MayBeTracedInside(ProcessHandle first)
    {
        string pid = Field($"/proc/self/fdinfo/{first.Number}", "Pid:");
        string status = $"/proc/{pid}/status";
        string bounding = Field(status, "CapBnd:"), numbers = Field(status, "NSpid:");
        bool isFirstOfItsNamespace = numbers.Split('\t') is { Length: > 1 } all && all[^1] == "1";
        return !isFirstOfItsNamespace || !ulong.TryParse(bounding, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong bits)
            || MayTrace(bits);
    }

    // Of a process that is gone nothing is known: what is then made ends at once.
    private static string Field(string path, string name)
    {
        try
        {
            string? line = File.ReadLines(path).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
            return line?[name.Length..].Trim() ?? "";
        }
        catch (IOException)
        {
            return "";
        }
    }
}
