using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>
/// Makes a further process in a container that has as many as it may have. For a moment there are two more, and the kernel counts the one
/// that only makes the other: the limit of a user's processes follows when it has gone, and where the cgroup is full it is moved out, to
/// its maker's. Its child is moved in before it may go on, and moving in is never refused: cgroup-v2.rst, "PID".
/// </summary>
internal static unsafe class Birth
{
    private const ulong SysResource = 1UL << 24;
    private const int DescriptionBytes = 24;

    /// <summary>Lifts our own limit of processes. The program's is set by our maker, whose calls no filter refuses, where it may: over
    /// another user's process with CAP_SYS_RESOURCE or as the owner of its user namespace. Otherwise its process sets it.</summary>
    public static void LiftLimit(Child* child)
    {
        if (Limit(child) == null)
            return;
        child->LimitFollows = true;
        child->MakerSetsLimit = MaySetLimits() || (child->Plan->JoinedNamespaces & K.CLONE_NEWUSER) != 0;
        PlanLimit most = new() { Soft = ulong.MaxValue, Hard = ulong.MaxValue };
        if (Sys.Limit(StageContract.ProcessLimit, &most, null) >= 0 || Sys.Limit(StageContract.ProcessLimit, null, &most) < 0)
            return;
        most.Soft = most.Hard;
        Sys.Limit(StageContract.ProcessLimit, &most, null);
    }

    /// <summary>In the program's process, which needs no right to lower its own.</summary>
    public static void SetLimit(Child* child)
    {
        if (child->LimitFollows && !child->MakerSetsLimit)
            Tell.Check(child, Sys.Limit(StageContract.ProcessLimit, Limit(child), null), Place.Limit, Z("6"u8));
    }

    private static bool MaySetLimits()
    {
        uint* header = stackalloc uint[2];
        header[0] = 0x20080522;
        header[1] = 0;
        uint* data = stackalloc uint[DescriptionBytes / sizeof(uint)];
        return GetCapabilities(header, data) == 0 && (data[0] & SysResource) != 0;
    }

    /// <summary>True once we count elsewhere.</summary>
    public static bool FindRoom(Child* child)
    {
        if (child->Plan->LeaveFile == 0)
            return false;
        byte answer;
        Tell.Send(child, Packet.Full, Place.None, 0, null);
        return Read(child->Sync, &answer, 1) == 1 && answer == StageContract.RoomMade;
    }

    /// <summary>In the monitor: moves the maker of the program's process out of the full group.</summary>
    public static void MakeRoom(MonitorState* monitor)
    {
        byte answer = 0;
        if (Move(monitor, monitor->Plan->LeaveFile, monitor->Pid) >= 0)
        {
            monitor->HasLeft = true;
            answer = StageContract.RoomMade;
        }
        Write(monitor->Sync, &answer, 1);
    }

    /// <summary>In the monitor: the program's process is there. It goes on once it counts where it belongs and has its limit.</summary>
    public static void Take(MonitorState* monitor, Report* report)
    {
        monitor->Pid = report->Value;
        PlanLimit* limit = report->Place == Place.Limit ? Limit(&monitor->Child) : null;
        byte* file = (byte*)monitor->Plan + monitor->Plan->EnterFile;
        long entered = monitor->HasLeft ? Move(monitor, monitor->Plan->EnterFile, monitor->Pid) : 0;
        int limited = entered < 0 || limit == null ? 0 : LimitOf(monitor->Pid, StageContract.ProcessLimit, limit, null);
        if (entered >= 0 && limited >= 0)
        {
            Write(monitor->Sync, Z("b"u8), 1);
            return;
        }
        Kill(monitor->Pid, K.SIGKILL);
        monitor->Failed = true;
        if (entered < 0)
            Tell.Fill(&monitor->Failure, Packet.Failed, Place.Cgroup, (int)-entered, file);
        else
            Tell.Fill(&monitor->Failure, Packet.Failed, Place.Limit, -limited, Z("6"u8));
        Clients.Broadcast(monitor, &monitor->Failure);
    }

    private static long Move(MonitorState* monitor, uint path, int pid)
    {
        byte* number = stackalloc byte[DescriptionBytes];
        Text.Append(number, pid);
        int file = Open((byte*)monitor->Plan + path, K.O_WRONLY | K.O_CLOEXEC);
        if (file < 0)
            return file;
        long written = Write(file, number, Text.Length(number));
        Close(file);
        return written;
    }

    private static PlanLimit* Limit(Child* child)
    {
        PlanLimit* limits = (PlanLimit*)child->At(child->Plan->Limits);
        PlanLimit* last = null;
        for (uint i = 0; i < child->Plan->LimitCount; i++)
        {
            if (limits[i].Resource == StageContract.ProcessLimit)
                last = limits + i;
        }
        return last;
    }
}
