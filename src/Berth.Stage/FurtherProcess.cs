using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>The child of an exec's monitor: joins a running container, which is hostile, and starts a program in it.</summary>
internal static unsafe class FurtherProcess
{
    public static void Run(Child* child)
    {
        PlanHeader* plan = child->Plan;
        Membership.JoinCgroups(child);
        Membership.SetOomScore(child);
        Membership.SetLabel(child);
        // The process namespace was joined by the parent: it holds for children. All others at once, the user's among them.
        ulong namespaces = plan->JoinedNamespaces & ~K.CLONE_NEWPID;
        Tell.Check(child, SetNamespace(plan->TargetDescriptor, namespaces), Place.Namespace, Z("setns"u8));
        if ((namespaces & K.CLONE_NEWUSER) != 0)
        {
            Tell.Check(child, SetGroups(0, null), Place.IdMap, Z("setgroups"u8));
            Tell.Check(child, SetGroup(0, 0, 0), Place.IdMap, Z("setresgid"u8));
            Tell.Check(child, SetUser(0, 0, 0), Place.IdMap, Z("setresuid"u8));
        }
        int terminal = child->Has(PlanFlags.Terminal) ? Terminals.OpenFurther(child) : -1;
        Launch.Run(child, terminal);
    }
}
