using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>How the kernel treats the process: processors, policy, I/O class, execution domain.</summary>
internal static unsafe class Scheduling
{
    public static void SetAffinityAfter(Child* child)
    {
        PlanHeader* plan = child->Plan;
        if (plan->AffinityAfter != 0)
            Tell.Check(child, SetAffinity(plan->AffinityBytes, child->At(plan->AffinityAfter)), Place.Affinity, Z("final"u8));
    }

    /// <summary>While we still may: the program's user need not be allowed to.</summary>
    public static void Set(Child* child)
    {
        PlanHeader* plan = child->Plan;
        if (plan->Scheduler != 0)
            Tell.Check(child, SetScheduler(child->At(plan->Scheduler)), Place.Scheduler, null);
        if (plan->IoPriority != 0)
            Tell.Check(child, SetIoPriority(plan->IoPriority), Place.IoPriority, null);
        if (plan->Personality != 0)
            Tell.Check(child, SetPersonality(plan->Personality - 1), Place.Personality, null);
    }
}
