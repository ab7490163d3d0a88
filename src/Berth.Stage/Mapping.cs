using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>
/// A container with a user namespace of its own (docs/adr/0013-user-namespaces.md): what its root, an ordinary user outside, may not do,
/// the monitor does for it: limits above ours, and every mount whose source it could not walk to, or whose owners are shown through the
/// namespace's id maps. A short-lived process makes the mounts and sends them to the child.
/// </summary>
internal static unsafe class Mapping
{
    private const byte RootMark = (byte)'r', StepMark = (byte)'s', MapsMark = (byte)'m';
    private const int PathBytes = 64;
    private const int PatienceSeconds = 10;
    private const int SendTimeout = 21;

    /// <summary>So that the container's user may open /dev/stdout: these pipes are the host's root's, which has no number inside.</summary>
    public static void GiveStreams(Child* child)
    {
        PlanHeader* plan = child->Plan;
        if (plan->StreamUser == 0)
            return;
        GiveStream(child->Stdin, plan);
        GiveStream(child->Stdout, plan);
        GiveStream(child->Stderr, plan);
    }

    private static void GiveStream(int stream, PlanHeader* plan)
    {
        if (stream >= 0)
            ChangeOwner(stream, plan->StreamUser, plan->StreamGroup);
    }

    /// <summary>Hard limits may be raised by the machine's root alone; what holds then, the process sets itself.</summary>
    /// <param name="child">The plan.</param>
    /// <param name="pid">Whose; 0: our own.</param>
    public static void RaiseLimits(Child* child, int pid)
    {
        PlanLimit* limits = (PlanLimit*)child->At(child->Plan->Limits);
        ulong* now = stackalloc ulong[2];
        for (uint i = 0; i < child->Plan->LimitCount; i++)
        {
            int resource = (int)limits[i].Resource;
            if (LimitOf(pid, resource, null, now) < 0 || limits[i].Hard <= now[1])
                continue;
            now[1] = limits[i].Hard;
            LimitOf(pid, resource, now, null);
        }
    }

    /// <summary>Makes the process in a user namespace that there is: another joins it and makes it as its sibling. 0 in the child.
    /// </summary>
    public static int CloneBeside(Child* child)
    {
        int* pair = stackalloc int[2];
        int piped = Pipe(pair, K.O_CLOEXEC);
        if (piped < 0)
            return piped;
        int maker = Fork();
        if (maker == 0)
        {
            int made = Making.Clone(child, K.CLONE_PARENT);
            if (made == 0)
                return 0;
            Write(pair[1], &made, sizeof(int));
            Exit(0);
        }
        Close(pair[1]);
        int pid = maker;
        if (maker > 0 && (Read(pair[0], &pid, sizeof(int)) != sizeof(int) || pid == 0))
            pid = -K.EIO;
        Close(pair[0]);
        int status;
        if (maker > 0)
            Wait(maker, &status, 0);
        return pid;
    }

    /// <summary>In the monitor, once the maps are written: false when something failed, which was told.</summary>
    public static bool Give(Child* child, int toChild, int pid)
    {
        RaiseLimits(child, pid);
        SetOomScore(child, pid);
        int helper = Fork();
        if (helper == 0)
            MakeMounts(child, toChild, pid);
        int status = 0;
        if (helper < 0)
            Tell.Send(child, Packet.Failed, Place.Clone, -helper, null);
        else
            while (Wait(helper, &status, 0) == -K.EINTR)
            {
            }
        return helper > 0 && status == 0;
    }

    private static void SetOomScore(Child* child, int pid)
    {
        if (child->Plan->OomScore == 0)
            return;
        byte* value = child->At(child->Plan->OomScore);
        byte* path = stackalloc byte[PathBytes];
        PathOf(path, pid, Z("/oom_score_adj"u8));
        int file = Open(path, K.O_WRONLY | K.O_CLOEXEC);
        long result = file < 0 ? file : Write(file, value, Text.Length(value));
        if (result < 0)
            Tell.Send(child, Packet.Warning, Place.OomScore, (int)-result, value);
        if (file >= 0)
            Close(file);
    }

    private static void PathOf(byte* path, int pid, byte* name)
    {
        byte* end = Text.Append(path, Z("/proc/"u8));
        end = Text.Append(end, pid);
        Text.Append(end, name);
    }

    /// <summary>The helper. Ends with 0 when the child has everything; a failure is told as if the child had failed.</summary>
    private static void MakeMounts(Child* child, int toChild, int pid)
    {
        byte* path = stackalloc byte[PathBytes];
        PathOf(path, pid, Z("/ns/user"u8));
        int maps = Open(path, K.O_CLOEXEC);
        Tell.Check(child, maps, Place.IdMap, path);
        // A child that has failed meanwhile takes nothing any more: nobody waits for it for ever.
        long* patience = stackalloc long[2];
        (patience[0], patience[1]) = (PatienceSeconds, 0);
        SetSocketOption(toChild, 1, SendTimeout, patience, 16);
        // Binds first: they show the host's mounts, not those that cover them below.
        SendBinds(child, toChild, maps);
        Tell.Check(child, Unshare(K.CLONE_NEWNS), Place.Namespace, Z("mount"u8));
        Tell.Check(child, Mount(Z("none"u8), Z("/"u8), null, K.MS_REC | K.MS_SLAVE, null), Place.Propagation, null);
        SendNodes(child, toChild);
        SendViews(child, toChild, maps);
        Send(child, toChild, RootMark, 0, MakeRoot(child, maps));
        Exit(0);
    }

    private static void SendBinds(Child* child, int toChild, int maps)
    {
        PlanStep* steps = (PlanStep*)child->At(child->Plan->Steps);
        for (uint i = 0; i < child->Plan->StepCount; i++)
        {
            if (steps[i].Kind != StepKind.Bind || steps[i].Mount != 0 || (steps[i].Argument & (MountMark.Layers | MountMark.Node)) != 0)
                continue;
            byte* source = child->At(steps[i].Source);
            int tree = Steps.BindSource(child, steps + i, source);
            Tell.CheckMount(child, tree, Place.BindSource, source, child->At(steps[i].Target));
            if ((steps[i].Argument & MountMark.Mapped) != 0)
                MapOwners(child, tree, maps, (steps[i].Argument & MountMark.MappedDeep) != 0 ? K.AT_RECURSIVE : 0, source);
            Send(child, toChild, StepMark, i, tree);
        }
    }

    private static void SendNodes(Child* child, int toChild)
    {
        PlanStep* steps = (PlanStep*)child->At(child->Plan->Steps);
        int room = -1;
        for (uint i = 0; i < child->Plan->StepCount; i++)
        {
            if (steps[i].Kind != StepKind.Bind || (steps[i].Argument & MountMark.Node) == 0)
                continue;
            if (room < 0)
                room = MappedNodes.Room(child, Z("/"u8), 0);
            Send(child, toChild, StepMark, i, MappedNodes.Make(child, room, steps + i, i));
        }
    }

    /// <summary>
    /// overlayfs itself cannot be mapped, its layers can: each is covered by a mapped copy of itself, in a mount namespace that ends with
    /// us. What overlayfs writes by itself (work directory, whiteouts) it writes as whoever mounted it, so that is the namespace's root;
    /// its marks and its right to look everywhere need the capabilities of the machine's.
    /// </summary>
    public static int MakeRoot(Child* child, int maps)
    {
        PlanHeader* plan = child->Plan;
        int tree;
        if (plan->LowerCount == 0)
        {
            tree = Root.Make(child);
            MapOwners(child, tree, maps, 0, child->At(plan->RootPath));
        }
        else
        {
            uint* lower = (uint*)child->At(plan->Lower);
            for (uint i = 0; i < plan->LowerCount; i++)
                Cover(child, child->At(lower[i]), maps);
            Cover(child, child->At(plan->MappedLayer), maps);
            BecomeOwner(child);
            tree = Root.Make(child);
        }
        return tree;
    }

    /// <summary>Images that are mounted: their layers without one to write to. What covered them is taken away again: the root may have the
    /// same.</summary>
    private static void SendViews(Child* child, int toChild, int maps)
    {
        PlanStep* steps = (PlanStep*)child->At(child->Plan->Steps);
        for (uint i = 0; i < child->Plan->StepCount; i++)
        {
            if (steps[i].Kind == StepKind.Bind && (steps[i].Argument & MountMark.Layers) != 0)
                Send(child, toChild, StepMark, i, View(child, (uint*)child->At(steps[i].Data), steps[i].Mode, maps));
        }
    }

    /// <summary>A view of layers, as a mount that hangs nowhere.</summary>
    public static int View(Child* child, uint* layers, uint count, int maps)
    {
        byte* first = child->At(layers[0]);
        if (count == 1)
        {
            int tree = OpenTree(K.AtCwd, first, K.OPEN_TREE_CLONE | K.OPEN_TREE_CLOEXEC);
            Tell.Check(child, tree, Place.BindSource, first);
            MapOwners(child, tree, maps, 0, first);
            return tree;
        }
        int context = FsOpen(Z("overlay"u8), 1);
        Tell.Check(child, context, Place.Overlay, Z("fsopen"u8));
        bool isOld = Root.TakesAnything(context);
        for (uint i = 0; i < count; i++)
        {
            byte* layer = child->At(layers[i]);
            Cover(child, layer, maps);
            int added = isOld ? 0 : FsConfig(context, K.FSCONFIG_SET_STRING, Z("lowerdir+"u8), layer, 0);
            isOld |= i == 0 && added == -K.EINVAL;
            if (!isOld)
                Tell.Check(child, added, Place.Overlay, layer);
        }
        int mount;
        if (isOld)
        {
            mount = Root.OldOverlay(child, layers, count, null, null, first);
            Tell.Check(child, Unmount(first, (int)Root.DetachFlag), Place.Overlay, first);
        }
        else
        {
            Tell.Check(child, FsConfig(context, K.FSCONFIG_CMD_CREATE, null, null, 0), Place.Overlay, first);
            mount = FsMount(context, 1, K.MOUNT_ATTR_RDONLY);
            Tell.Check(child, mount, Place.Overlay, first);
        }
        Close(context);
        for (uint i = 0; i < count; i++)
            Tell.Check(child, Unmount(child->At(layers[i]), (int)Root.DetachFlag), Place.Overlay, child->At(layers[i]));
        return mount;
    }

    private static void Cover(Child* child, byte* directory, int maps)
    {
        int tree = OpenTree(K.AtCwd, directory, K.OPEN_TREE_CLONE | K.OPEN_TREE_CLOEXEC);
        Tell.Check(child, tree, Place.Root, directory);
        MapOwners(child, tree, maps, 0, directory);
        Tell.Check(child, MoveMount(tree, Z(""u8), K.AtCwd, directory, 4), Place.Root, directory);
        Close(tree);
    }

    /// <summary>Shows a tree's owners through a namespace's maps.</summary>
    public static void MapOwners(Child* child, int tree, int maps, uint deep, byte* what)
    {
        MountAttributes attributes = new() { Set = K.MOUNT_ATTR_IDMAP, UserNamespace = (ulong)maps };
        Tell.Check(child, SetMountAttributes(tree, Z(""u8), K.AT_EMPTY_PATH | deep, &attributes), Place.Mapping, what);
    }

    // Undone by taking root's file user again.
    private static void BecomeOwner(Child* child)
    {
        PlanHeader* plan = child->Plan;
        SetFileGroup(plan->MappedGroup);
        SetFileUser(plan->MappedUser);
        // Another file user has no capabilities in force over files, but may put them in force again (capabilities(7)).
        uint* header = stackalloc uint[2];
        header[0] = 0x20080522;
        header[1] = 0;
        uint* data = stackalloc uint[6];
        Tell.Check(child, GetCapabilities(header, data), Place.Capabilities, Z("capget"u8));
        data[0] = data[1];
        data[3] = data[4];
        Tell.Check(child, SetCapabilities(header, data), Place.Capabilities, Z("capset"u8));
    }

    private static void Send(Child* child, int toChild, byte mark, uint number, int descriptor)
    {
        byte* packet = stackalloc byte[8];
        *(uint*)packet = mark;
        *(uint*)(packet + 4) = number;
        Vector vector = new() { Base = packet, Length = 8 };
        ControlRights rights = new() { Length = 20, Level = 1, Type = 1, Descriptor = descriptor };
        MessageHeader message = new() { Vectors = &vector, VectorCount = 1, Control = &rights, ControlLength = sizeof(ControlRights) };
        Tell.Check(child, SendMessage(toChild, &message, 0), Place.Mapping, Z("sendmsg"u8));
        Close(descriptor);
    }

    /// <summary>In the child: takes the mounts, up to the word that the maps are written, which stays for the reader behind us.</summary>
    public static void Take(Child* child)
    {
        const int peek = 2, closeOnExec = 0x40000000;
        PlanStep* steps = (PlanStep*)child->At(child->Plan->Steps);
        child->MappedRoot = -1;
        byte* packet = stackalloc byte[8];
        while (true)
        {
            Vector vector = new() { Base = packet, Length = 8 };
            ControlRights rights = default;
            MessageHeader message = new()
            {
                Vectors = &vector, VectorCount = 1, Control = &rights, ControlLength = sizeof(ControlRights),
            };
            byte next;
            if (ReceivePeek(child->Sync, &next, peek) != 1)
                Exit(1);
            if (next == MapsMark)
                break;
            if (ReceiveMessage(child->Sync, &message, closeOnExec) != 8 || rights.Length != 20)
                Exit(1);
            uint number = *(uint*)(packet + 4);
            if (next == RootMark)
                child->MappedRoot = rights.Descriptor;
            else if (number < child->Plan->StepCount)
                steps[number].Mount = rights.Descriptor;
        }
        if (child->MappedRoot < 0)
            Exit(1);
    }

    private static long ReceivePeek(int socket, byte* to, int flags)
    {
        Vector vector = new() { Base = to, Length = 1 };
        MessageHeader message = new() { Vectors = &vector, VectorCount = 1 };
        return ReceiveMessage(socket, &message, flags);
    }
}
