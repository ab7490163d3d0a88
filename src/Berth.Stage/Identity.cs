using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>User, groups and capability sets, exactly those of the plan.</summary>
internal static unsafe class Identity
{
    private const ulong AmbientRaise = 2, AmbientClearAll = 4;

    public static void Take(Child* child)
    {
        PlanHeader* plan = child->Plan;
        for (uint i = 0; i <= plan->LastCapability; i++)
        {
            if ((plan->Bounding >> (int)i & 1) == 0)
                Tell.Check(child, Control(K.PR_CAPBSET_DROP, i), Place.Capabilities, Z("bounding"u8));
        }
        Tell.Check(child, Control(K.PR_SET_KEEPCAPS, 1), Place.Capabilities, Z("keep"u8));
        if (!child->Has(PlanFlags.KeepsGroups) || plan->GroupCount != 0)
            Tell.Check(child, SetGroups(plan->GroupCount, child->At(plan->Groups)), Place.User, Z("setgroups"u8));
        Tell.Check(child, SetGroup(plan->Group, plan->Group, plan->Group), Place.User, Z("setgid"u8));
        Tell.Check(child, SetUser(plan->User, plan->User, plan->User), Place.User, Z("setuid"u8));
        Tell.Check(child, Control(K.PR_SET_KEEPCAPS), Place.Capabilities, Z("keep"u8));
        SetSets(child);
        Control(K.PR_CAP_AMBIENT, AmbientClearAll);
        for (uint i = 0; i <= plan->LastCapability; i++)
        {
            if ((plan->Ambient >> (int)i & 1) != 0)
                Tell.Check(child, Control(K.PR_CAP_AMBIENT, AmbientRaise, i), Place.Capabilities, Z("ambient"u8));
        }
    }

    private static void SetSets(Child* child)
    {
        PlanHeader* plan = child->Plan;
        uint* header = stackalloc uint[2];
        header[0] = 0x20080522;
        header[1] = 0;
        uint* data = stackalloc uint[6];
        for (int half = 0; half < 2; half++)
        {
            data[half * 3] = (uint)(plan->Effective >> 32 * half);
            data[half * 3 + 1] = (uint)(plan->Permitted >> 32 * half);
            data[half * 3 + 2] = (uint)(plan->Inheritable >> 32 * half);
        }
        Tell.Check(child, SetCapabilities(header, data), Place.Capabilities, Z("capset"u8));
    }
}
