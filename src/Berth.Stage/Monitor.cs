using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>A connection from an engine.</summary>
internal struct Client
{
    public int Socket;
    public Packet Role;
    public bool Pending;
    public bool BringsInput;
}

/// <summary>All that a monitor knows. It lives on the stack of the one thread there is.</summary>
internal unsafe struct MonitorState
{
    public PlanHeader* Plan;
    public Child Child;
    public Log Log;
    public Client* Clients;
    public int ClientCount;
    public int Pid;
    public int Sync, Listener, Signals, Master;
    public int Out, Err, In;
    public int MemoryEvents; // Or -1: nobody asked, or it has been said.
    public byte* Chunk;
    public int ChunkLength;
    public byte* Input;
    public int InputLength, InputDone;
    public bool InputEnds;
    public bool TerminalIdle;
    public bool Ready, StartAsked, Running, Failed, Ended;
    public bool AwaitsHooks; // Its engine runs them; nobody else would.
    public bool HasLeft; // The process that makes the program's is out of the full group.
    public int Helper; // The external runtime at work, or 0.
    public bool HoldsOutput, Abandoned, ConsoleConnected;
    public int ExitCode;
    public long StartSeconds, StartNanoseconds, ExitSeconds, ExitNanoseconds;
    public Report Failure;
}

/// <summary>
/// The parent of one container process. It makes the process, holds its streams, writes its log, serves engines that come and
/// go over a socket, and records the exit. One thread, no heap: this is all the memory a container costs.
/// </summary>
internal static unsafe class Monitor
{
    private const int BufferBytes = StageContract.ChunkMax + 64;

    public static int Run()
    {
        MonitorState state;
        Text.Zero(&state, sizeof(MonitorState));
        MonitorState* monitor = &state;
        monitor->Plan = Making.MapPlan();
        if (monitor->Plan == null)
            return 64;
        Client* clients = stackalloc Client[StageContract.ClientsMax];
        monitor->Clients = clients;
        Prepare(monitor);
        if (!Make(monitor))
            return 65;
        MonitorLoop.Run(monitor);
        return 0;
    }

    private static void Prepare(MonitorState* monitor)
    {
        PlanHeader* plan = monitor->Plan;
        // Nobody in a container may look into us through /proc before exec, and nothing of ours is dumped.
        Control(K.PR_SET_DUMPABLE, 0);
        Control(K.PR_SET_NAME, (ulong)Z("berth-monitor"u8));
        Control(K.PR_SET_CHILD_SUBREAPER, 1);
        CloseRange(StageContract.FirstDescriptor + plan->InheritedCount, uint.MaxValue, 0);
        monitor->Listener = monitor->Err = monitor->In = monitor->Out = monitor->Master = monitor->Log.File = monitor->MemoryEvents = -1;
        byte* buffers = (byte*)Map(null, 2 * BufferBytes + 2 * Log.LineMax + Log.OutMax, 3, 0x22, -1);
        monitor->Chunk = buffers;
        monitor->Input = buffers + BufferBytes;
        monitor->Log.First.Bytes = buffers + 2 * BufferBytes;
        monitor->Log.Second.Bytes = monitor->Log.First.Bytes + Log.LineMax;
        monitor->Log.Out = monitor->Log.Second.Bytes + Log.LineMax;
        Clients.Add(monitor, StageContract.ControlDescriptor, Packet.Control, bringsInput: false);
        Stat stat;
        if (Fstat(StageContract.AttachDescriptor, &stat) == 0)
            Clients.Add(monitor, StageContract.AttachDescriptor, Packet.Attach, (plan->Flags & PlanFlags.Stdin) != 0);
        // Only now: a new descriptor could take the attach connection's number.
        if (plan->LogPath != 0)
        {
            monitor->Log.SizeMax = (long)plan->LogBytes;
            monitor->Log.FilesMax = plan->LogFiles;
            if (plan->LogAttributes != 0)
                monitor->Log.Attributes = (byte*)plan + plan->LogAttributes;
            Log.Open(&monitor->Log, (byte*)plan + plan->LogPath);
        }
        if (plan->RunDirectory != 0)
            Listen(monitor);
        if (plan->MemoryEvents != 0)
        {
            monitor->MemoryEvents = Open((byte*)plan + plan->MemoryEvents, K.O_CLOEXEC);
            MemoryWatch.Look(monitor);
        }
    }

    private static void Listen(MonitorState* monitor)
    {
        byte* directory = (byte*)monitor->Plan + monitor->Plan->RunDirectory;
        if (ChangeDirectory(directory) < 0)
        {
            Clients.Fail(monitor, Place.Socket, K.ENOENT, directory);
            return;
        }
        // The name is relative: the address has room for 108 bytes only, the run directory may be longer.
        byte* address = stackalloc byte[32];
        Text.Zero(address, 32);
        address[0] = 1;
        Text.Append(address + 2, Z("monitor.sock"u8));
        uint mask = Umask(0x7F);
        int socket = Socket(1, 5 | 0x80000 | 0x800, 0);
        int bound = socket < 0 ? socket : Bind(socket, address, 2 + 13);
        if (bound >= 0)
            bound = Sys.Listen(socket, 16);
        Umask(mask);
        if (bound < 0)
            Clients.Fail(monitor, Place.Socket, bound, directory);
        monitor->Listener = socket;
    }

    private static bool Make(MonitorState* monitor)
    {
        PlanHeader* plan = monitor->Plan;
        Child* child = &monitor->Child;
        child->Plan = plan;
        child->Stdin = child->Stdout = child->Stderr = child->Terminals = child->MaskDirectory = child->MaskFile = -1;
        child->Listener = child->InitLabel = -1;
        child->Notify = plan->NotifySocket;
        ulong signals = 1UL << (K.SIGCHLD - 1) | 1UL << (13 - 1);
        ulong waited = 1UL << (K.SIGCHLD - 1);
        SignalMask(0, &signals);
        monitor->Signals = SignalDescriptor(&waited);
        if (!OpenStreams(monitor))
            return false;
        if ((plan->Flags & PlanFlags.External) == 0)
            return MakeOurselves(monitor);
        bool isMade = External.Make(monitor);
        CloseChildStreams(child);
        return isMade;
    }

    private static bool MakeOurselves(MonitorState* monitor)
    {
        PlanHeader* plan = monitor->Plan;
        Child* child = &monitor->Child;
        int* pair = stackalloc int[2];
        if (SocketPair(1, 5 | 0x80000, pair) < 0)
            return false;
        monitor->Sync = pair[0];
        child->Sync = pair[1];
        Mapping.GiveStreams(child);
        // Whoever joins a user namespace is nobody outside any more, and we go on being the machine's root.
        bool joinsUsers = child->Has(PlanFlags.Mapped) && (plan->NewNamespaces & K.CLONE_NEWUSER) == 0;
        int pid = joinsUsers ? Mapping.CloneBeside(child) : Making.Clone(child, 0);
        if (pid == 0)
            RunChild(child);
        CloseChildStreams(child);
        if (pid < 0)
        {
            Close(child->Sync);
            Clients.Fail(monitor, Place.Clone, pid, null);
            return false;
        }
        monitor->Pid = pid;
        WriteMaps(monitor);
        Close(child->Sync);
        Fcntl(monitor->Sync, 4, K.O_NONBLOCK);
        // What only the child needed.
        if (plan->InheritedCount != 0)
            CloseRange(StageContract.FirstDescriptor, StageContract.FirstDescriptor + plan->InheritedCount - 1, 0);
        return true;
    }

    public static void RunChild(Child* child)
    {
        ulong none = 0;
        SignalMask(2, &none);
        if (child->Has(PlanFlags.Exec))
            FurtherProcess.Run(child);
        else
            FirstProcess.Run(child);
        Exit(1);
    }

    private static bool OpenStreams(MonitorState* monitor)
    {
        if ((monitor->Plan->Flags & PlanFlags.Terminal) != 0)
            return true;
        Child* child = &monitor->Child;
        int* pair = stackalloc int[2];
        if (Pipe(pair, K.O_CLOEXEC) < 0)
            return false;
        monitor->Out = pair[0];
        child->Stdout = pair[1];
        if (Pipe(pair, K.O_CLOEXEC) < 0)
            return false;
        monitor->Err = pair[0];
        child->Stderr = pair[1];
        Fcntl(monitor->Out, 4, K.O_NONBLOCK);
        Fcntl(monitor->Err, 4, K.O_NONBLOCK);
        if ((monitor->Plan->Flags & PlanFlags.Stdin) == 0)
            return true;
        if (Pipe(pair, K.O_CLOEXEC) < 0)
            return false;
        child->Stdin = pair[0];
        monitor->In = pair[1];
        Fcntl(monitor->In, 4, K.O_WRONLY | K.O_NONBLOCK);
        return true;
    }

    private static void CloseChildStreams(Child* child)
    {
        if (child->Stdin >= 0)
            Close(child->Stdin);
        if (child->Stdout >= 0)
            Close(child->Stdout);
        if (child->Stderr >= 0)
            Close(child->Stderr);
    }

    private static void WriteMaps(MonitorState* monitor)
    {
        PlanHeader* plan = monitor->Plan;
        bool isNew = (plan->NewNamespaces & K.CLONE_NEWUSER) != 0, isMapped = monitor->Child.Has(PlanFlags.Mapped);
        if (!isNew && !isMapped)
            return;
        bool isWritten = !isNew
            || (WriteMap(monitor, Z("/uid_map"u8), plan->UidMap) && WriteMap(monitor, Z("/gid_map"u8), plan->GidMap));
        if (isWritten && (!isMapped || Mapping.Give(&monitor->Child, monitor->Sync, monitor->Pid)))
            Write(monitor->Sync, Z("m"u8), 1);
        else
            Kill(monitor->Pid, K.SIGKILL);
    }

    private static bool WriteMap(MonitorState* monitor, byte* name, uint offset)
    {
        byte* path = stackalloc byte[64];
        byte* end = Text.Append(path, Z("/proc/"u8));
        end = Text.Append(end, monitor->Pid);
        Text.Append(end, name);
        byte* map = (byte*)monitor->Plan + offset;
        int file = Open(path, K.O_WRONLY | K.O_CLOEXEC);
        long result = file < 0 ? file : Write(file, map, Text.Length(map));
        if (file >= 0)
            Close(file);
        if (result < 0)
            Clients.Fail(monitor, Place.IdMap, (int)result, path);
        return result >= 0;
    }
}
