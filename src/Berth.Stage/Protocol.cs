using System.Runtime.InteropServices;

namespace Berth.Stage;

/// <summary>Kinds of packets on a monitor's sockets (SOCK_SEQPACKET): the first byte; what follows stands beside each.</summary>
public enum Packet : byte
{
    /// <summary>Monitor: the first process waits to execute. <see cref="Report"/>, value: pid.</summary>
    Created = 1,

    /// <summary>Monitor: it executes its program. <see cref="Report"/>, value: pid, time.</summary>
    Started = 2,

    /// <summary>Monitor: it could not be made or executed. <see cref="Report"/>, value: errno, text.</summary>
    Failed = 3,

    /// <summary>Monitor: something was left out. <see cref="Report"/>, value: errno, text.</summary>
    Warning = 4,

    /// <summary>Monitor: it has ended. <see cref="Report"/>, value: exit code, time.</summary>
    Exited = 5,

    /// <summary>Monitor: bytes of standard output follow.</summary>
    Output = 6,

    /// <summary>Monitor: bytes of standard error follow.</summary>
    Error = 7,

    /// <summary>Monitor: all output was sent.</summary>
    End = 8,

    /// <summary>Stage without a monitor: the first process exists. <see cref="Report"/>, value: pid.</summary>
    Made = 9,

    /// <summary>Stage without a monitor, or monitor: the namespaces exist; it waits for a byte, or for <see cref="Proceed"/>.
    /// <see cref="Report"/>, value of a monitor's: pid.</summary>
    Namespaces = 10,

    /// <summary>Child of an exec: it has made the process that becomes the program, and ends. <see cref="Report"/>, value: pid,
    /// <see cref="Place.Limit"/> when that has yet to get its limit of processes.</summary>
    Born = 11,

    /// <summary>Child of an exec: no process may be made where it is counted; it waits for a byte that says whether it was moved out,
    /// and its own child will have to be moved in. <see cref="Report"/>.</summary>
    Full = 12,

    /// <summary>Client, first packet: I want reports.</summary>
    Control = 16,

    /// <summary>Client, first packet: I want output; second byte 1: I bring input.</summary>
    Attach = 17,

    /// <summary>Client: execute.</summary>
    Start = 18,

    /// <summary>Client: two little-endian 16-bit numbers, rows and columns.</summary>
    Resize = 19,

    /// <summary>Client: bytes for standard input follow.</summary>
    Input = 20,

    /// <summary>Client: no more input.</summary>
    CloseInput = 21,

    /// <summary>Client: I only wait for the end, to reap you. What was not started by now never will be by me.</summary>
    Release = 22,

    /// <summary>Client: the hooks have run, go on.</summary>
    Proceed = 23,
}

/// <summary>Where in the making of a process something failed.</summary>
public enum Place
{
#pragma warning disable CS1591 // The names say it; the library has a sentence for each.
    None, Plan, Clone, Cgroup, Namespace, Propagation, Overlay, Root, MountMake, MountOption, MountPoint, MountMove, BindSource,
    Directory, Node, Link, Mask, ReadOnly, Sysctl, Console, Pivot, HostName, Limit, OomScore, WorkingDirectory, User,
    Capabilities, Seccomp, ProgramNotFound, ProgramMissing, ProgramForbidden, ProgramDirectory, Execute, Interpreter, IdMap,
    Socket, WorkingDirectoryOutside, ExitUnknown, Ended, Label, Hook, HookTimeout, Scheduler, IoPriority, Affinity, Personality,
    Keyring, TimeOffsets, CopyUp, Notify, External, Mapping, SysctlWrite, Remount,
#pragma warning restore CS1591
}

/// <summary>What the monitor reports.</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct Report
{
    /// <summary>How long <see cref="Text"/> may be.</summary>
    public const int TextMax = 440;

    /// <summary>How much of it is for the source of a mount, and how much for its destination; the rest is for what is wrong.</summary>
    public const int PartMax = 190;

    /// <summary>The kind.</summary>
    public Packet Kind;

    /// <summary>Where something failed.</summary>
    public Place Place;

    /// <summary>Pid, errno or exit code.</summary>
    public int Value;

    /// <summary>Length of the text.</summary>
    public int TextLength;

    /// <summary>Seconds since 1970.</summary>
    public long Seconds;

    /// <summary>And nanoseconds.</summary>
    public long Nanoseconds;

    /// <summary>A path or name. Of a mount that fails its source, its destination and a detail, with a zero byte between them.</summary>
    public fixed byte Text[TextMax];
}

/// <summary>Numbers that library and stage agree on.</summary>
public static class StageContract
{
    /// <summary>Stands before each of the two outputs in a failed hook's report.</summary>
    public const byte HookWordsMark = 0x1F;

    /// <summary>argv[1] of the program that makes it a monitor.</summary>
    public const string Verb = "@monitor";

    /// <summary>argv[1] of the program that makes a process without a monitor.</summary>
    public const string UnmonitoredVerb = "@process";

    /// <summary>argv[1] of the program that makes a user namespace and holds it.</summary>
    public const string NamespaceVerb = "@namespace";

    /// <summary>argv[1] of the program that makes it stand in a cgroup until standard input ends.</summary>
    public const string PlaceholderVerb = "@scope";

    /// <summary>argv[1] of the program that makes and holds the namespaces of an ordinary user's engine.</summary>
    public const string HoldVerb = "@hold";

    /// <summary>argv[1] of the program that joins them; the holder's pid, the program and its arguments follow.</summary>
    public const string JoinVerb = "@join";

    /// <summary>argv[1] of the program that makes it a container's process 1; the container's own program follows.</summary>
    public const string InitVerb = "@init";

    /// <summary>A file in the run directory that is there when the kernel has killed a process for memory and was watched.</summary>
    public const string OutOfMemoryName = "oom";

    /// <summary>The plan's descriptor.</summary>
    public const int PlanDescriptor = 3;

    /// <summary>The engine's end of the first control connection.</summary>
    public const int ControlDescriptor = 4;

    /// <summary>The answer to <see cref="Packet.Full"/>: it counts elsewhere now.</summary>
    public const byte RoomMade = (byte)'r';

    /// <summary>RLIMIT_NPROC.</summary>
    public const int ProcessLimit = 6;

    /// <summary>An attached client's connection that exists from the start, or closed.</summary>
    public const int AttachDescriptor = 5;

    /// <summary>Descriptors named in the plan start here.</summary>
    public const int FirstDescriptor = 6;

    /// <summary>The most bytes of a stream in a packet.</summary>
    public const int ChunkMax = 32 * 1024;

    /// <summary>The name of the socket at which a process without a monitor waits to be started.</summary>
    public const string StartSocketName = "start.sock";

    /// <summary>The socket's name in the run directory.</summary>
    public const string SocketName = "monitor.sock";

    /// <summary>The exit record's name: <c>code seconds nanoseconds startSeconds startNanoseconds</c> in decimal.</summary>
    public const string ExitName = "exit";

    /// <summary>The most clients at once; further ones wait until one has gone.</summary>
    public const int ClientsMax = 64;
}
