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
    /// Whoever has CAP_SYS_ADMIN beside it needs no such way.</remarks>
    public static void Add(Plan plan, PlanWriter writer, ProcessSpec process, CgroupPlace? place)
    {
        foreach (PlanLimit limit in PlanBuilder.PlanLimits(process.Rlimits ?? [], []))
        {
            if (limit.Resource == StageContract.ProcessLimit)
                plan.ProcessLimit = limit;
        }
        bool mayTrace = (writer.Header.Bounding & (Trace | Administer)) == Trace && (writer.Header.JoinedNamespaces & NewUser) == 0;
        if (mayTrace || CountedPlace.Of(place) is not { } counted)
            return;
        plan.Counted = counted;
        writer.Header.EnterFile = writer.Text(counted.EnterFile);
        writer.Header.LeaveFile = writer.Text(counted.LeaveFile);
    }
}
