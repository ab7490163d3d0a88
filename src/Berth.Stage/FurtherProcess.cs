using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>The child of an exec's monitor: joins a running container, which is hostile, and starts a program in it.</summary>
internal static unsafe class FurtherProcess
{
    public static void Run(Child* child)
    {
        PlanHeader* plan = child->Plan;
        Membership.JoinCgroups(child);
        Scheduling.SetAffinityAfter(child);
        Birth.LiftLimit(child);
        Membership.SetOomScore(child);
        Membership.SetLabel(child);
        Membership.JoinKeyring(child);
        // All at once, the user's among them. The process namespace holds for children.
        ulong namespaces = plan->JoinedNamespaces;
        if ((namespaces & K.CLONE_NEWUSER) != 0)
            Mapping.RaiseLimits(child, 0);
        Tell.Check(child, SetNamespace(plan->TargetDescriptor, namespaces), Place.Namespace, Z("setns"u8));
        if ((namespaces & K.CLONE_NEWUSER) != 0)
            Membership.BecomeRoot(child);
        int terminal = child->Has(PlanFlags.Terminal) ? Terminals.OpenFurther(child) : -1;
        Launch.Run(child, terminal);
    }

    /// <summary>Makes the process that becomes the program, and goes. Returns in that process alone.</summary>
    /// <remarks>Last of all: whoever is in the container sees every process there, and with SYS_PTRACE looks into it. What is born there
    /// has the container's root, its own rights and streams, and nothing of the host any more (CVE-2016-9962).</remarks>
    public static void EnterProcesses(Child* child, bool terminal)
    {
        int pid = ForkBeside();
        if (pid == -K.EAGAIN && Birth.FindRoom(child))
            pid = ForkBeside();
        Tell.Check(child, pid, Place.Clone, null);
        if (pid != 0)
        {
            Tell.Send(child, Packet.Born, child->MakerSetsLimit ? Place.Limit : Place.None, pid, null);
            Exit(0);
        }
        // The maker knows us by now.
        if (!Launch.ReadStart(child, child->Sync))
            Exit(1);
        Birth.SetLimit(child);
        SetSession();
        if (terminal)
            Tell.Check(child, Ioctl(0, K.TIOCSCTTY, null), Place.Console, Z("TIOCSCTTY"u8));
    }
}
