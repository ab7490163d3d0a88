using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>
/// A monitor's process when another OCI runtime makes it (docs/adr/0014-any-oci-runtime.md): that program is run for each step, with the
/// streams of the container; what it leaves behind is our child, because we are the subreaper.
/// </summary>
internal static unsafe class External
{
    private const int NotExecuted = 127;
    private const int PidBytesMax = 16;

    /// <summary>Runs <c>create</c>, or <c>exec</c>.</summary>
    public static bool Make(MonitorState* monitor)
    {
        PlanHeader* plan = monitor->Plan;
        Child* child = &monitor->Child;
        // Nobody stands between us and the engine: what fails in the next lines is told to it directly.
        child->Sync = StageContract.ControlDescriptor;
        monitor->Sync = -1;
        byte* directory = child->At(plan->ExternalDirectory);
        Tell.Check(child, ChangeDirectory(directory), Place.Directory, directory);
        if (plan->RootPath != 0)
        {
            // The root is mounted here and nowhere else: it goes with us, however we end.
            Tell.Check(child, Unshare(K.CLONE_NEWNS), Place.Namespace, Z("mount"u8));
            if (child->Has(PlanFlags.Mapped))
                ExternalMapping.Bring(child);
            else
                MountRoot(child);
        }
        Mapping.GiveStreams(child);
        if ((plan->Flags & PlanFlags.Terminal) != 0)
            ExternalConsole.Listen(monitor);
        monitor->HoldsOutput = true;
        monitor->Helper = Run(monitor, plan->ExternalMake, givesStreams: true);
        Tell.Check(child, monitor->Helper, Place.Clone, null);
        return true;
    }

    private static void MountRoot(Child* child)
    {
        Root.Mount(child);
        Close(child->Root);
        PlanStep* steps = (PlanStep*)child->At(child->Plan->Steps);
        for (uint i = 0; i < child->Plan->StepCount; i++)
            BringNear(child, steps + i);
    }

    /// <summary>Mounts what is beneath a source in the directory that we are in, where the program finds it by a name that nobody else
    /// can change.</summary>
    private static void BringNear(Child* child, PlanStep* step)
    {
        byte* source = child->At(step->Source);
        byte* name = child->At(step->Target);
        int tree = Steps.BindSource(child, step, source);
        Tell.CheckMount(child, tree, Place.BindSource, source, name);
        Hang(child, tree, K.AtCwd, name);
    }

    /// <summary>Mounts a tree that hangs nowhere under a new name.</summary>
    public static void Hang(Child* child, int tree, int directory, byte* name)
    {
        Stat stat;
        Tell.Check(child, Fstat(tree, &stat), Place.BindSource, name);
        bool isDirectory = (stat.Mode & K.S_IFMT) == K.S_IFDIR;
        int made = isDirectory ? MakeDirectory(directory, name, 0x1C0)
            : OpenAt(directory, name, K.O_WRONLY | K.O_CREAT | K.O_CLOEXEC, 0x180);
        Tell.Check(child, made, Place.MountPoint, name);
        if (!isDirectory)
            Close(made);
        Tell.Check(child, MoveMount(tree, Z(""u8), directory, name, 4), Place.MountMove, name);
        Close(tree);
    }

    private static int Run(MonitorState* monitor, uint arguments, bool givesStreams)
    {
        int pid = Fork();
        if (pid != 0)
            return pid;
        const int dieWithParent = 1;
        Child* child = &monitor->Child;
        ulong none = 0;
        SignalMask(2, &none);
        Control(dieWithParent, K.SIGKILL);
        SetSession();
        int nothing = Open(Z("/dev/null"u8), K.O_RDWR | K.O_CLOEXEC);
        Dup2(givesStreams ? Input(child) : nothing, 0);
        Dup2(givesStreams && child->Stdout >= 0 ? child->Stdout : nothing, 1);
        Dup2(givesStreams && child->Stderr >= 0 ? child->Stderr : nothing, 2);
        CloseRange(3, uint.MaxValue, 0);
        byte** words = Launch.Pointers(child, arguments);
        Execute(words[0], words, Launch.Pointers(child, child->Plan->Environment));
        Exit(NotExecuted);
        return 0;
    }

    // Not the host's null device: its mode could be changed through the descriptor. A pipe that nobody writes ends at once too.
    private static int Input(Child* child)
    {
        if (child->Stdin >= 0)
            return child->Stdin;
        int* pair = stackalloc int[2];
        if (Pipe(pair, K.O_CLOEXEC) < 0)
            Exit(NotExecuted);
        Close(pair[1]);
        return pair[0];
    }

    /// <summary>The engine's word: runs <c>start</c>. What <c>exec</c> made runs already.</summary>
    public static void Start(MonitorState* monitor)
    {
        if (monitor->Plan->ExternalStart == 0)
        {
            MonitorLoop.TellStarted(monitor);
            Reap(monitor);
            return;
        }
        int helper = Run(monitor, monitor->Plan->ExternalStart, givesStreams: false);
        if (helper > 0)
            monitor->Helper = helper;
        else
            FailStart(monitor, helper);
    }

    /// <summary>Nobody will ever start it.</summary>
    public static void Abandon(MonitorState* monitor)
    {
        monitor->Abandoned = true;
        if (monitor->Pid > 0)
            Kill(monitor->Pid, K.SIGKILL);
        Reap(monitor);
    }

    /// <summary>Looks after the program first: while it works, the container's process keeps its number even when it has ended.</summary>
    public static void Reap(MonitorState* monitor)
    {
        int status;
        if (monitor->Helper > 0)
        {
            if (Wait(monitor->Helper, &status, 1) != monitor->Helper)
                return;
            monitor->Helper = 0;
            OnEnd(monitor, status);
        }
        // What exec made must not lose its number before the engine has taken hold of it: it does before it says start.
        bool isKnown = monitor->Plan->ExternalStart != 0 || monitor->StartAsked || monitor->Abandoned || monitor->Failed;
        if (monitor->Helper > 0 || !isKnown)
            return;
        int ended;
        while ((ended = Wait(-1, &status, 1)) > 0)
        {
            if (ended == monitor->Pid && !monitor->Ended)
                MonitorLoop.SetEnd(monitor, status);
        }
    }

    private static void OnEnd(MonitorState* monitor, int status)
    {
        if (monitor->Ready)
        {
            if (status == 0)
                MonitorLoop.TellStarted(monitor);
            else
                FailStart(monitor, status);
            return;
        }
        if (status == 0 && (monitor->Plan->Flags & PlanFlags.Terminal) != 0)
            ExternalConsole.Finish(monitor);
        monitor->Pid = status == 0 ? ReadPid() : 0;
        if (monitor->Pid <= 0)
        {
            monitor->Pid = 0;
            FailMaking(monitor, status);
            return;
        }
        if (monitor->Abandoned)
            Kill(monitor->Pid, K.SIGKILL);
        // The container's own program has not run yet: whatever was written, the runtime wrote, and says it in its log too.
        if (monitor->Plan->ExternalStart != 0)
            Drop(monitor);
        monitor->HoldsOutput = false;
        monitor->Ready = true;
        Report report;
        Tell.Fill(&report, Packet.Created, Place.None, monitor->Pid, null);
        Clients.Broadcast(monitor, &report);
    }

    private static void FailMaking(MonitorState* monitor, int status)
    {
        Fail(monitor, status);
        MonitorLoop.CloseOutputs(monitor);
        MonitorLoop.SetEnd(monitor, status);
    }

    private static void FailStart(MonitorState* monitor, int status)
    {
        Fail(monitor, status);
        Kill(monitor->Pid, K.SIGKILL);
    }

    private static void Fail(MonitorState* monitor, int status)
    {
        int code = (status & 0x7F) == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F);
        monitor->Failed = true;
        Tell.Fill(&monitor->Failure, Packet.Failed, Place.External, code, null);
        Clients.Broadcast(monitor, &monitor->Failure);
    }

    private static void Drop(MonitorState* monitor)
    {
        while (monitor->Out >= 0 && monitor->Out != monitor->Master && Read(monitor->Out, monitor->Chunk, StageContract.ChunkMax) > 0)
        {
        }
        while (monitor->Err >= 0 && Read(monitor->Err, monitor->Chunk, StageContract.ChunkMax) > 0)
        {
        }
    }

    private static int ReadPid()
    {
        byte* text = stackalloc byte[PidBytesMax];
        int file = Open(Z("pid"u8), K.O_CLOEXEC);
        long count = file < 0 ? 0 : Read(file, text, PidBytesMax);
        if (file >= 0)
            Close(file);
        int pid = 0;
        for (int i = 0; i < count && i < 9 && text[i] >= (byte)'0' && text[i] <= (byte)'9'; i++)
            pid = pid * 10 + (text[i] - (byte)'0');
        return pid;
    }
}

/// <summary>The socket at which another runtime hands over a terminal: <c>--console-socket</c>.</summary>
internal static unsafe class ExternalConsole
{
    public static void Listen(MonitorState* monitor)
    {
        Child* child = &monitor->Child;
        // The name is relative: the address has room for 108 bytes only, the directory may be longer.
        byte* address = stackalloc byte[32];
        Text.Zero(address, 32);
        address[0] = 1;
        Text.Append(address + 2, Z("console.sock"u8));
        uint mask = Umask(0x7F);
        int socket = Socket(1, 1 | 0x80000 | 0x800, 0);
        Tell.Check(child, socket, Place.Console, null);
        Tell.Check(child, Bind(socket, address, 2 + 13), Place.Console, Z("console.sock"u8));
        Tell.Check(child, Sys.Listen(socket, 1), Place.Console, Z("console.sock"u8));
        Umask(mask);
        monitor->Sync = socket;
    }

    /// <summary>A connection, or on it the terminal. False: nothing more for now.</summary>
    public static bool Serve(MonitorState* monitor)
    {
        if (!monitor->ConsoleConnected)
        {
            int connection = Accept(monitor->Sync);
            if (connection < 0)
                return false;
            Close(monitor->Sync);
            monitor->Sync = connection;
            monitor->ConsoleConnected = true;
        }
        return Receive(monitor);
    }

    private static bool Receive(MonitorState* monitor)
    {
        byte* name = stackalloc byte[256];
        ControlRights rights;
        Text.Zero(&rights, sizeof(ControlRights));
        Vector vector = new() { Base = name, Length = 256 };
        MessageHeader message = new()
        {
            Vectors = &vector, VectorCount = 1, Control = &rights, ControlLength = sizeof(ControlRights),
        };
        int count = ReceiveMessage(monitor->Sync, &message, 0x40000000 | 0x40);
        if (count is -K.EAGAIN or -K.EINTR)
            return count == -K.EINTR;
        Close(monitor->Sync);
        monitor->Sync = -1;
        if (count > 0 && rights.Type == 1 && message.ControlLength > 0)
            Take(monitor, rights.Descriptor);
        return false;
    }

    private static void Take(MonitorState* monitor, int master)
    {
        MonitorLoop.TakeTerminal(monitor, master);
        if (monitor->Plan->Rows != 0 && monitor->Plan->Columns != 0)
            Terminals.SetSize(master, monitor->Plan->Rows, monitor->Plan->Columns);
    }

    /// <summary>The runtime has ended: what it sent is there.</summary>
    public static void Finish(MonitorState* monitor)
    {
        while (monitor->Sync >= 0 && Serve(monitor))
        {
        }
        if (monitor->Sync < 0)
            return;
        Close(monitor->Sync);
        monitor->Sync = -1;
    }
}
