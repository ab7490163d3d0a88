using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>What a monitor and a caller without one do alike: read the plan, make the process.</summary>
internal static unsafe class Making
{
    /// <summary>Maps the plan, or null when it is none of this build.</summary>
    public static PlanHeader* MapPlan()
    {
        long size = Seek(StageContract.PlanDescriptor, 0, 2);
        if (size < sizeof(PlanHeader))
            return null;
        // Private and writable: paths are cut at their slashes in place.
        PlanHeader* plan = (PlanHeader*)Map(null, size, 3, 2, StageContract.PlanDescriptor);
        Close(StageContract.PlanDescriptor);
        return (long)plan > 0 && plan->Magic == PlanHeader.Version && plan->Size == size ? plan : null;
    }

    /// <summary>Joins what is joined before, and makes the process in its new namespaces. 0 in the child.</summary>
    /// <param name="child">What the child will work on.</param>
    /// <param name="more">CLONE_PARENT or nothing.</param>
    public static int Clone(Child* child, ulong more)
    {
        PlanHeader* plan = child->Plan;
        int before = JoinBefore(child);
        if (before < 0)
            return before;
        CloneArguments arguments = new()
        {
            Flags = (plan->NewNamespaces & ~(K.CLONE_NEWCGROUP | K.CLONE_NEWTIME)) | more,
            // A sibling of its maker ends with the signal that its maker would end with: the kernel wants none here.
            ExitSignal = more == 0 ? K.SIGCHLD : 0UL,
        };
        return plan->CgroupDirectory == 0 ? Sys.Clone(&arguments) : CloneIntoCgroup(child, &arguments);
    }

    /// <summary>
    /// A user namespace goes last, when the caller may still join what belongs to the outer one; what only its own root may join
    /// is tried again after it.
    /// </summary>
    private static int JoinBefore(Child* child)
    {
        PlanNamespace* entries = (PlanNamespace*)child->At(child->Plan->Namespaces);
        int refused = 0;
        for (int pass = 0; pass < 3; pass++)
        {
            refused = 0;
            for (uint i = 0; i < child->Plan->NamespaceCount; i++)
            {
                if (entries[i].InParent != 1 || (entries[i].Type == K.CLONE_NEWUSER) != (pass == 1))
                    continue;
                int joined = SetNamespace(entries[i].Descriptor, entries[i].Type);
                if (joined >= 0)
                    entries[i].InParent = 2;
                else
                    refused = joined;
            }
            if (pass == 1 && refused < 0)
                return refused;
        }
        return refused;
    }

    /// <summary>Born in its cgroup: writing to cgroup.procs would wait for all processors (a grace period, several milliseconds).</summary>
    private static int CloneIntoCgroup(Child* child, CloneArguments* arguments)
    {
        int directory = Open(child->At(child->Plan->CgroupDirectory), K.O_PATH | K.O_DIRECTORY | K.O_CLOEXEC);
        if (directory >= 0)
        {
            ulong flags = arguments->Flags;
            arguments->Flags = flags | K.CLONE_INTO_CGROUP;
            arguments->Cgroup = (ulong)directory;
            child->InCgroup = true;
            int pid = Sys.Clone(arguments);
            Close(directory);
            if (pid >= 0)
                return pid;
            arguments->Flags = flags;
            arguments->Cgroup = 0;
        }
        // Kernels before 5.7, or a tree that forbids it: the child writes itself in, and its failure has a sentence.
        child->InCgroup = false;
        return Sys.Clone(arguments);
    }
}
