using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>
/// Makes one process for a caller that holds its streams and waits for it itself (docs/adr/0012-a-process-without-a-monitor.md): the
/// process is the caller's child, reports over the caller's socket, and may wait at a socket of its own to be started.
/// </summary>
internal static unsafe class Unmonitored
{
    public static int Run()
    {
        Child state;
        Text.Zero(&state, sizeof(Child));
        Child* child = &state;
        child->Plan = Making.MapPlan();
        if (child->Plan == null)
            return 64;
        PlanHeader* plan = child->Plan;
        if (!child->Has(PlanFlags.MappedByUser))
            Control(K.PR_SET_DUMPABLE, 0);
        CloseRange(StageContract.FirstDescriptor + plan->InheritedCount, uint.MaxValue, 0);
        child->Sync = StageContract.ControlDescriptor;
        child->Stdin = 0;
        child->Stdout = 1;
        child->Stderr = 2;
        child->Listener = child->InitLabel = child->Terminals = child->MaskDirectory = child->MaskFile = -1;
        child->Notify = plan->NotifySocket;
        SetAffinityBefore(child);
        if (child->Has(PlanFlags.WaitsAtSocket))
            Listen(child);
        int pid = Making.Clone(child, K.CLONE_PARENT);
        if (pid == 0)
            Monitor.RunChild(child);
        Tell.Check(child, pid, Place.Clone, null);
        Tell.Send(child, Packet.Made, Place.None, pid, null);
        return 0;
    }

    /// <summary>A user namespace to be had by descriptor: it lives until the other side of standard input has taken it and goes.</summary>
    public static int HoldUserNamespace()
    {
        if (Unshare(K.CLONE_NEWUSER) < 0)
            return 1;
        byte word = (byte)'u';
        Write(0, &word, 1);
        Read(0, &word, 1);
        return 0;
    }

    /// <summary>A process for a cgroup that may not be empty: it lives until the other side of standard input goes.</summary>
    public static int HoldPlace()
    {
        byte word;
        Read(0, &word, 1);
        return 0;
    }

    /// <summary>Where it runs until it is in its cgroup: a member of a busy set must not disturb other processors first.</summary>
    private static void SetAffinityBefore(Child* child)
    {
        if (child->Plan->AffinityBefore == 0)
            return;
        int set = SetAffinity(child->Plan->AffinityBytes, child->At(child->Plan->AffinityBefore));
        Tell.Check(child, set, Place.Affinity, Z("initial"u8));
    }

    private static void Listen(Child* child)
    {
        byte* directory = child->At(child->Plan->RunDirectory);
        Tell.Check(child, ChangeDirectory(directory), Place.Socket, directory);
        // The name is relative: the address has room for 108 bytes only, the directory may be longer.
        byte* address = stackalloc byte[32];
        Text.Zero(address, 32);
        address[0] = 1;
        Text.Append(address + 2, Z("start.sock"u8));
        uint mask = Umask(0x7F);
        int socket = Socket(1, 5 | 0x80000, 0);
        Tell.Check(child, socket, Place.Socket, directory);
        Tell.Check(child, Bind(socket, address, 2 + 11), Place.Socket, directory);
        Tell.Check(child, Sys.Listen(socket, 4), Place.Socket, directory);
        Umask(mask);
        child->Listener = socket;
    }

    /// <summary>Until somebody who may open the directory says start; from then on that connection is who failures are told to.</summary>
    public static void AwaitStart(Child* child)
    {
        // The maker has heard that we wait; it may end.
        Close(child->Sync);
        child->Sync = -1;
        while (true)
        {
            int connection = AcceptBlocking(child->Listener);
            if (connection < 0)
                continue;
            if (Launch.ReadStart(child, connection))
            {
                Close(child->Listener);
                child->Listener = -1;
                child->Sync = connection;
                return;
            }
            Close(connection);
        }
    }
}
