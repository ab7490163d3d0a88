using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>The child of clone3 on its way to the container's first process: cgroup, namespaces, root, pivot.</summary>
internal static unsafe class FirstProcess
{
    public static void Run(Child* child)
    {
        PlanHeader* plan = child->Plan;
        Membership.JoinCgroups(child);
        Scheduling.SetAffinityAfter(child);
        if (!child->Has(PlanFlags.Mapped))
            Membership.SetOomScore(child);
        Membership.SetLabel(child);
        Membership.JoinKeyring(child);
        if ((plan->NewNamespaces & K.CLONE_NEWUSER) != 0 || child->Has(PlanFlags.Mapped))
            Membership.AwaitMaps(child);
        else if (Membership.Joined(child, K.CLONE_NEWUSER))
            Membership.BecomeRoot(child);
        if ((plan->NewNamespaces & K.CLONE_NEWTIME) != 0)
            Membership.MakeTimeNamespace(child);
        if ((plan->NewNamespaces & K.CLONE_NEWCGROUP) != 0)
            Tell.Check(child, Unshare(K.CLONE_NEWCGROUP), Place.Namespace, Z("cgroup"u8));
        Membership.JoinNamespaces(child, inParent: 0);
        BringLoopbackUp(child);
        Root.Mount(child);
        Umask(0);
        Steps.Run(child);
        AwaitHooks(child);
        int terminal = child->Has(PlanFlags.Terminal) ? Terminals.OpenFirst(child) : -1;
        Umask(plan->Umask);
        Hooks.Run(child, plan->CreateHooks, plan->CreateHookCount, plan->StateCreating);
        Root.Pivot(child);
        Root.SetPropagation(child);
        SetNames(child);
        Launch.Run(child, terminal);
    }

    /// <summary>The maker runs hooks in its own namespaces while ours exist with all that is mounted, and the host's root is still there
    /// for hooks that enter them, as in runc.</summary>
    private static void AwaitHooks(Child* child)
    {
        if (!child->Has(PlanFlags.PausesForHooks))
            return;
        Tell.Send(child, Packet.Namespaces, Place.None, 0, null);
        byte go;
        if (Read(child->Sync, &go, 1) != 1)
            Exit(1);
    }

    private static void BringLoopbackUp(Child* child)
    {
        if ((child->Plan->NewNamespaces & K.CLONE_NEWNET) == 0)
            return;
        // struct ifreq: name, flags IFF_UP; SIOCSIFFLAGS.
        byte* request = stackalloc byte[40];
        Text.Zero(request, 40);
        request[0] = (byte)'l';
        request[1] = (byte)'o';
        request[16] = 1;
        int socket = Socket(2, 2 | 0x80000, 0);
        Tell.Check(child, socket, Place.Namespace, Z("lo"u8));
        Tell.Check(child, Ioctl(socket, 0x8914, request), Place.Namespace, Z("lo"u8));
        Close(socket);
    }

    private static void SetNames(Child* child)
    {
        PlanHeader* plan = child->Plan;
        if (plan->HostName != 0)
        {
            byte* name = child->At(plan->HostName);
            Tell.Check(child, SetHostName(name, Text.Length(name)), Place.HostName, name);
        }
        if (plan->DomainName != 0)
        {
            byte* name = child->At(plan->DomainName);
            Tell.Check(child, SetDomainName(name, Text.Length(name)), Place.HostName, name);
        }
    }
}

/// <summary>Becoming a member: of cgroups, namespaces, the user namespace's ids.</summary>
internal static unsafe class Membership
{
    private const int PathMax = 4096;

    /// <summary>The child writes itself in, before anything it allocates could count elsewhere: no hand-shake is needed.</summary>
    public static void JoinCgroups(Child* child)
    {
        PlanHeader* plan = child->Plan;
        uint* files = (uint*)child->At(plan->Joins);
        for (uint i = 0; i < plan->JoinCount; i++)
            JoinCgroup(child, child->At(files[i]));
        if (plan->CgroupDirectory == 0 || child->InCgroup)
            return;
        byte* path = stackalloc byte[PathMax + 32];
        byte* directory = child->At(plan->CgroupDirectory);
        if (Text.Length(directory) >= PathMax)
            Tell.Fail(child, Place.Cgroup, K.EINVAL, directory);
        Text.Append(Text.Append(path, directory), Z("/cgroup.procs"u8));
        JoinCgroup(child, path);
    }

    private static void JoinCgroup(Child* child, byte* path)
    {
        int file = Open(path, K.O_WRONLY | K.O_CLOEXEC);
        Tell.Check(child, file, Place.Cgroup, path);
        Tell.Check(child, Write(file, Z("0"u8), 1), Place.Cgroup, path);
        Close(file);
    }

    /// <summary>Holds from execve on. Told now, through the host's procfs: the container's own may be anything.</summary>
    public static void SetLabel(Child* child)
    {
        if (child->Plan->Label == 0)
            return;
        byte* label = child->At(child->Plan->Label);
        int file = Open(child->At(child->Plan->LabelFile), K.O_WRONLY | K.O_CLOEXEC);
        Tell.Check(child, file, Place.Label, label);
        Tell.Check(child, Write(file, label, Text.Length(label)), Place.Label, label);
        Close(file);
        if (child->Plan->InitLabel == 0)
            return;
        // For the process that executes nothing. The kernel takes it from whoever opened the file alone.
        child->InitLabel = Open(child->At(child->Plan->InitLabelFile), K.O_WRONLY | K.O_CLOEXEC);
        Tell.Check(child, child->InitLabel, Place.Label, label);
    }

    /// <summary>A session keyring of the container's: the maker's may hold keys of the host. Before the user namespace, whose root may have
    /// two hundred keys on the whole machine.</summary>
    /// <remarks>keyctl_join_session_keyring(3). Whoever is executed later finds it by name, for which the owner must be able to search
    /// it. Not in a user namespace, which has names of its own and knows none of an owner outside: each process gets one there.</remarks>
    public static void JoinKeyring(Child* child)
    {
        const uint possessorAllOwnerViewReadSearchLink = 0x3F1B0000;
        if (child->Plan->Keyring == 0)
            return;
        byte* name = child->At(child->Plan->Keyring);
        int joined = Sys.JoinKeyring(name);
        // A kernel without keyrings has none to share, and a filter that forbids us the call forbids it to the container.
        if (joined is not -K.ENOSYS and not -K.EPERM)
            Tell.Check(child, joined, Place.Keyring, name);
        if (joined > 0)
            SetKeyringRights(joined, possessorAllOwnerViewReadSearchLink);
    }

    /// <summary>On the host's own procfs, before the root is the container's. Not allowed to lower it: a warning.</summary>
    public static void SetOomScore(Child* child)
    {
        if (child->Plan->OomScore == 0)
            return;
        byte* value = child->At(child->Plan->OomScore);
        int file = Open(Z("/proc/self/oom_score_adj"u8), K.O_WRONLY | K.O_CLOEXEC);
        long result = file < 0 ? file : Write(file, value, Text.Length(value));
        if (result < 0)
            Tell.WarnOrFail(child, Place.OomScore, result, value);
        if (file >= 0)
            Close(file);
    }

    public static void AwaitMaps(Child* child)
    {
        if (child->Has(PlanFlags.Mapped))
            Mapping.Take(child);
        byte go;
        if (Read(child->Sync, &go, 1) != 1)
            Exit(1);
        BecomeRoot(child);
    }

    /// <summary>The root of a user namespace that was just entered.</summary>
    public static void BecomeRoot(Child* child)
    {
        if (!child->Has(PlanFlags.KeepsGroups))
            Tell.Check(child, SetGroups(0, null), Place.IdMap, Z("setgroups"u8));
        Tell.Check(child, SetGroup(0, 0, 0), Place.IdMap, Z("setresgid"u8));
        Tell.Check(child, SetUser(0, 0, 0), Place.IdMap, Z("setresuid"u8));
        Control(K.PR_SET_DUMPABLE, 0);
    }

    /// <summary>True when a namespace of that type is joined by path.</summary>
    public static bool Joined(Child* child, ulong type)
    {
        PlanNamespace* entries = (PlanNamespace*)child->At(child->Plan->Namespaces);
        for (uint i = 0; i < child->Plan->NamespaceCount; i++)
        {
            if (entries[i].Type == type)
                return true;
        }
        return false;
    }

    /// <summary>Clocks may be moved only before the first process is in the namespace: unshare makes it for children, we follow.</summary>
    /// <remarks>time_namespaces(7).</remarks>
    public static void MakeTimeNamespace(Child* child)
    {
        Tell.Check(child, Unshare(K.CLONE_NEWTIME), Place.Namespace, Z("time"u8));
        // In a user namespace the file is ours only while we may be looked into; nobody is there yet who could.
        Control(K.PR_SET_DUMPABLE, 1);
        if (child->Plan->TimeOffsets != 0)
        {
            byte* offsets = child->At(child->Plan->TimeOffsets);
            int file = Open(Z("/proc/self/timens_offsets"u8), K.O_WRONLY | K.O_CLOEXEC);
            Tell.Check(child, file, Place.TimeOffsets, Z("/proc/self/timens_offsets"u8));
            Tell.Check(child, Write(file, offsets, Text.Length(offsets)), Place.TimeOffsets, offsets);
            Close(file);
        }
        int own = Open(Z("/proc/self/ns/time_for_children"u8), K.O_CLOEXEC);
        Tell.Check(child, own, Place.Namespace, Z("time"u8));
        Tell.Check(child, SetNamespace(own, K.CLONE_NEWTIME), Place.Namespace, Z("time"u8));
        Close(own);
        Control(K.PR_SET_DUMPABLE, 0);
    }

    public static void JoinNamespaces(Child* child, int inParent)
    {
        PlanNamespace* entries = (PlanNamespace*)child->At(child->Plan->Namespaces);
        for (uint i = 0; i < child->Plan->NamespaceCount; i++)
        {
            if (entries[i].InParent == inParent)
                Tell.Check(child, SetNamespace(entries[i].Descriptor, entries[i].Type), Place.Namespace, null);
        }
    }
}

/// <summary>The container's root: mounted in its own mount namespace, then the only thing that is left.</summary>
internal static unsafe class Root
{
    public const uint DetachFlag = 2;

    // More than a page of options names: its shortest name has 16 bytes.
    private const int LayersMax = 260;

    public static void Mount(Child* child)
    {
        PlanHeader* plan = child->Plan;
        Tell.Check(child, Sys.Mount(Z("none"u8), Z("/"u8), null, plan->RootPropagation, null), Place.Propagation, null);
        if (plan->PrivateParent != 0)
        {
            byte* parent = child->At(plan->PrivateParent);
            Tell.Check(child, Sys.Mount(Z("none"u8), parent, null, K.MS_PRIVATE, null), Place.Propagation, parent);
        }
        bool isMapped = child->Has(PlanFlags.Mapped);
        int tree = isMapped ? child->MappedRoot : Make(child);
        // Whoever is root in the namespace alone may not walk to the directory, and needs none: the host's root is left anyway.
        byte* path = isMapped ? Z("/"u8) : child->At(plan->RootPath);
        Tell.Check(child, MoveMount(tree, Z(""u8), K.AtCwd, path, 4), Place.Root, path);
        child->Root = tree;
    }

    /// <summary>The root as a mount that hangs nowhere.</summary>
    public static int Make(Child* child) => child->Plan->LowerCount != 0 ? Overlay(child) : Tree(child);

    /// <summary>One layer an option: no page limits their number, and no colon in a path needs an escape.</summary>
    private static int Overlay(Child* child)
    {
        PlanHeader* plan = child->Plan;
        int context = FsOpen(Z("overlay"u8), 1);
        Tell.Check(child, context, Place.Overlay, Z("fsopen"u8));
        uint* lower = (uint*)child->At(plan->Lower);
        bool isOld = TakesAnything(context);
        for (uint i = 0; i < plan->LowerCount; i++)
        {
            byte* layer = child->At(lower[i]);
            int added = isOld ? -K.EINVAL : FsConfig(context, K.FSCONFIG_SET_STRING, Z("lowerdir+"u8), layer, 0);
            if (added == -K.EINVAL && i == 0)
            {
                Close(context);
                return OldOverlay(
                    child, lower, plan->LowerCount, child->At(plan->Upper), child->At(plan->Work), child->At(plan->RootPath));
            }
            Tell.Check(child, added, Place.Overlay, layer);
        }
        if (child->Has(PlanFlags.UserAttributes))
            Tell.Check(child, FsConfig(context, K.FSCONFIG_SET_FLAG, Z("userxattr"u8), null, 0), Place.Overlay, Z("userxattr"u8));
        byte* upper = child->At(plan->Upper);
        byte* work = child->At(plan->Work);
        Tell.Check(child, FsConfig(context, K.FSCONFIG_SET_STRING, Z("upperdir"u8), upper, 0), Place.Overlay, upper);
        Tell.Check(child, FsConfig(context, K.FSCONFIG_SET_STRING, Z("workdir"u8), work, 0), Place.Overlay, work);
        Tell.Check(child, FsConfig(context, K.FSCONFIG_CMD_CREATE, null, null, 0), Place.Overlay, upper);
        int mount = FsMount(context, 1, 0);
        Tell.Check(child, mount, Place.Overlay, upper);
        Close(context);
        return mount;
    }

    /// <summary>Before Linux 6.5 overlayfs looks at its options only when it is mounted: until then any is taken, also without its
    /// value.</summary>
    public static bool TakesAnything(int overlay) => FsConfig(overlay, K.FSCONFIG_SET_FLAG, Z("lowerdir+"u8), null, 0) == 0;

    /// <summary>Kernels before 6.7: all layers in one option of at most a page, too long for fsconfig, so mount(2). They are named by
    /// descriptors, which are short and have nothing to escape.</summary>
    /// <param name="child">Who mounts.</param>
    /// <param name="lower">Offsets of the lower directories.</param>
    /// <param name="count">How many.</param>
    /// <param name="upper">The upper directory; null: none, read-only.</param>
    /// <param name="work">The work directory.</param>
    /// <param name="place">What it is mounted on.</param>
    public static int OldOverlay(Child* child, uint* lower, uint count, byte* upper, byte* work, byte* place)
    {
        byte* options = stackalloc byte[4608];
        int* opened = stackalloc int[LayersMax];
        uint have = 0;
        byte* end = Text.Append(options, Z("lowerdir="u8));
        for (uint i = 0; i < count; i++)
        {
            if (i != 0)
                end = Text.Append(end, Z(":"u8));
            end = AppendDirectory(child, end, child->At(lower[i]), opened + have++);
            if (end - options > 3900)
                Tell.Fail(child, Place.Overlay, K.EINVAL, Z("this kernel takes fewer layers (6.7 lifts the limit)"u8));
        }
        if (upper != null)
        {
            end = AppendDirectory(child, Text.Append(end, Z(",upperdir="u8)), upper, opened + have++);
            end = AppendDirectory(child, Text.Append(end, Z(",workdir="u8)), work, opened + have++);
        }
        if (child->Has(PlanFlags.UserAttributes))
            Text.Append(end, Z(",userxattr"u8));
        Tell.Check(child, Sys.Mount(Z("overlay"u8), place, Z("overlay"u8), upper == null ? 1UL : 0, options), Place.Overlay, place);
        while (have > 0)
            Close(opened[--have]);
        return CloneTree(child, place, 0);
    }

    private static byte* AppendDirectory(Child* child, byte* end, byte* directory, int* opened)
    {
        *opened = Open(directory, K.O_PATH | K.O_DIRECTORY | K.O_CLOEXEC);
        Tell.Check(child, *opened, Place.Overlay, directory);
        return Text.Append(Text.Append(end, Z("/proc/self/fd/"u8)), *opened);
    }

    private static int Tree(Child* child) => CloneTree(child, child->At(child->Plan->RootPath), K.AT_RECURSIVE);

    private static int CloneTree(Child* child, byte* path, uint recursive)
    {
        int tree = OpenTree(K.AtCwd, path, K.OPEN_TREE_CLONE | K.OPEN_TREE_CLOEXEC | recursive);
        Tell.Check(child, tree, Place.Root, path);
        return tree;
    }

    /// <summary>Only now: a shared root cannot be pivoted to.</summary>
    public static void SetPropagation(Child* child)
    {
        ulong flags = child->Plan->OwnPropagation;
        if (flags != 0)
            Tell.Check(child, Sys.Mount(Z("none"u8), Z("/"u8), null, flags, null), Place.Propagation, Z("/"u8));
    }

    public static void Pivot(Child* child)
    {
        if (child->Has(PlanFlags.ReadOnlyRoot))
        {
            MountAttributes attributes = new() { Set = K.MOUNT_ATTR_RDONLY };
            Tell.Check(child, SetMountAttributes(child->Root, Z(""u8), K.AT_EMPTY_PATH, &attributes), Place.ReadOnly, Z("/"u8));
        }
        Tell.Check(child, ChangeDirectory(child->Root), Place.Pivot, null);
        if (child->Has(PlanFlags.NoPivot))
        {
            const ulong move = 8192;
            Tell.Check(child, Sys.Mount(Z("."u8), Z("/"u8), null, move, null), Place.Pivot, null);
            Tell.Check(child, ChangeRoot(Z("."u8)), Place.Pivot, null);
            Tell.Check(child, ChangeDirectory(Z("/"u8)), Place.Pivot, null);
            return;
        }
        int host = Open(Z("/"u8), K.O_PATH | K.O_DIRECTORY | K.O_CLOEXEC);
        Tell.Check(child, host, Place.Pivot, Z("/"u8));
        Tell.Check(child, PivotRoot(Z("."u8), Z("."u8)), Place.Pivot, null);
        // The old root lies over the new one now. Taking it away must not reach the host, whose mounts may be shared with it; it is
        // entered first, because mount(2) takes "." for what we stand in and not for what lies over it, as umount(2) does.
        Tell.Check(child, ChangeDirectory(host), Place.Pivot, null);
        Tell.Check(child, Sys.Mount(Z("none"u8), Z("."u8), null, K.MS_SLAVE | K.MS_REC, null), Place.Pivot, null);
        Tell.Check(child, Unmount(Z("."u8), (int)DetachFlag), Place.Pivot, null);
        Close(host);
        Tell.Check(child, ChangeDirectory(Z("/"u8)), Place.Pivot, null);
    }
}
