using System.Runtime.InteropServices;

namespace Berth.Stage;

/// <summary>
/// The head of the plan that the runtime library writes into a sealed memory file and the stage maps: everything is decided
/// by the library, the stage only carries out. Offsets count from the head; 0 means none; texts end with a zero byte.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlanHeader
{
    /// <summary>Layout version, checked by the stage: library and program must be of one build.</summary>
    public const uint Version = 0x42520008;

    /// <summary><see cref="Version"/>.</summary>
    public uint Magic;

    /// <summary>Size of the whole plan in bytes.</summary>
    public uint Size;

    /// <summary>What is wanted.</summary>
    public PlanFlags Flags;

    /// <summary>How many descriptors are inherited from <see cref="StageContract.FirstDescriptor"/> on.</summary>
    public uint InheritedCount;

    /// <summary>Namespaces made by clone3 (CLONE_NEW…). The cgroup namespace follows once the cgroup is joined.</summary>
    public ulong NewNamespaces;

    /// <summary>For exec: the namespaces of <see cref="TargetDescriptor"/> to join.</summary>
    public ulong JoinedNamespaces;

    /// <summary>A pidfd of the container's first process for exec, or -1.</summary>
    public int TargetDescriptor;

    /// <summary>How many <see cref="PlanNamespace"/> there are.</summary>
    public uint NamespaceCount;

    /// <summary>Where they are.</summary>
    public uint Namespaces;

    /// <summary>The first id map text and its length; 0: none.</summary>
    public uint UidMap;

    /// <summary>The group id map.</summary>
    public uint GidMap;

    /// <summary>How many texts of absolute paths of files to join a cgroup by writing <c>0</c>.</summary>
    public uint JoinCount;

    /// <summary>An array of offsets to them.</summary>
    public uint Joins;

    /// <summary>A directory in the version 2 tree that the process is made in (CLONE_INTO_CGROUP), or 0.</summary>
    public uint CgroupDirectory;

    /// <summary>What AppArmor or SELinux is to apply at execve, or 0.</summary>
    public uint Label;

    /// <summary>The file of the host's procfs that takes it.</summary>
    public uint LabelFile;

    /// <summary>What AppArmor is to apply to a process 1 that stays this program, at once, or 0.</summary>
    public uint InitLabel;

    /// <summary>The file of the host's procfs that takes it.</summary>
    public uint InitLabelFile;

    /// <summary>The run directory for socket and exit record, or 0: neither (exec).</summary>
    public uint RunDirectory;

    /// <summary>The log file, or 0.</summary>
    public uint LogPath;

    /// <summary>How many log files at most.</summary>
    public uint LogFiles;

    /// <summary>Bytes of one log file; 0: no limit.</summary>
    public ulong LogBytes;

    /// <summary>A JSON object for every line of the log, or 0.</summary>
    public uint LogAttributes;

    /// <summary>Keeps what follows aligned.</summary>
    public uint Unused;

    /// <summary>MS_… flags for <c>/</c>.</summary>
    public ulong RootPropagation;

    /// <summary>A mount point made private first when <c>/</c> stays shared, or 0.</summary>
    public uint PrivateParent;

    /// <summary>The directory the root is mounted on.</summary>
    public uint RootPath;

    /// <summary>Overlay layers: an array of offsets, topmost first.</summary>
    public uint Lower;

    /// <summary>How many; 0: bind <see cref="RootPath"/>.</summary>
    public uint LowerCount;

    /// <summary>The upper directory.</summary>
    public uint Upper;

    /// <summary>The work directory.</summary>
    public uint Work;

    /// <summary>How many <see cref="PlanStep"/>.</summary>
    public uint StepCount;

    /// <summary>The array of them.</summary>
    public uint Steps;

    /// <summary>The host name, or 0.</summary>
    public uint HostName;

    /// <summary>The NIS domain, or 0.</summary>
    public uint DomainName;

    /// <summary>An array of offsets, arguments, zero-ended.</summary>
    public uint Arguments;

    /// <summary>The same for the environment.</summary>
    public uint Environment;

    /// <summary>The value of PATH in it, or 0.</summary>
    public uint SearchPath;

    /// <summary>The working directory.</summary>
    public uint WorkingDirectory;

    /// <summary>Resource limits, <see cref="PlanLimit"/>.</summary>
    public uint Limits;

    /// <summary>How many.</summary>
    public uint LimitCount;

    /// <summary>The oom_score_adj as text, or 0.</summary>
    public uint OomScore;

    /// <summary>The umask.</summary>
    public uint Umask;

    /// <summary>The user.</summary>
    public uint User;

    /// <summary>The group.</summary>
    public uint Group;

    /// <summary>Supplementary groups.</summary>
    public uint Groups;

    /// <summary>How many.</summary>
    public uint GroupCount;

    /// <summary>Instructions of the system call filter, 8 bytes each; 0: none.</summary>
    public uint Filter;

    /// <summary>How many.</summary>
    public uint FilterCount;

    /// <summary>The flags of seccomp(2).</summary>
    public uint FilterFlags;

    /// <summary>Terminal rows.</summary>
    public ushort Rows;

    /// <summary>Terminal columns.</summary>
    public ushort Columns;

    /// <summary>Capability sets, bit n for capability n.</summary>
    public ulong Bounding;

    /// <summary>In force.</summary>
    public ulong Effective;

    /// <summary>May be put in force.</summary>
    public ulong Permitted;

    /// <summary>Kept over execve of programs that have them.</summary>
    public ulong Inheritable;

    /// <summary>Kept over execve of any program.</summary>
    public ulong Ambient;

    /// <summary>The kernel's highest capability.</summary>
    public uint LastCapability;

    /// <summary>Milliseconds that output may stay open after the end, when others may hold it.</summary>
    public uint DrainMilliseconds;

    /// <summary>How many of the inherited descriptors, the first ones, become the program's 3, 4, ….</summary>
    public uint PreservedCount;

    /// <summary>The name of a new session keyring, or 0.</summary>
    public uint Keyring;

    /// <summary>Lines of offsets for a new time namespace, or 0: no such namespace.</summary>
    public uint TimeOffsets;

    /// <summary>A struct sched_attr, or 0.</summary>
    public uint Scheduler;

    /// <summary>Its size.</summary>
    public uint SchedulerBytes;

    /// <summary>The I/O priority as ioprio_set(2) takes it, or 0.</summary>
    public uint IoPriority;

    /// <summary>A mask of processors to run on before the cgroup is joined, or 0.</summary>
    public uint AffinityBefore;

    /// <summary>A mask of processors to run on from then on, or 0.</summary>
    public uint AffinityAfter;

    /// <summary>Bytes of each mask.</summary>
    public uint AffinityBytes;

    /// <summary>The execution domain plus 1, or 0.</summary>
    public uint Personality;

    /// <summary><see cref="PlanHook"/>s in the container's namespaces, before the pivot.</summary>
    public uint CreateHooks;

    /// <summary>How many.</summary>
    public uint CreateHookCount;

    /// <summary><see cref="PlanHook"/>s inside, before the program is executed.</summary>
    public uint StartHooks;

    /// <summary>How many.</summary>
    public uint StartHookCount;

    /// <summary>The container's state for hooks, up to the pid.</summary>
    public uint StateHead;

    /// <summary>What follows the pid in create hooks.</summary>
    public uint StateCreating;

    /// <summary>What follows the pid in start hooks.</summary>
    public uint StateCreated;

    /// <summary>A connected socket that takes the filter's notify descriptor, or -1.</summary>
    public int NotifySocket;

    /// <summary>The seccomp state for it, up to the pid.</summary>
    public uint NotifyHead;

    /// <summary>What stands between the pid and the pid again.</summary>
    public uint NotifyMiddle;

    /// <summary>What follows the second.</summary>
    public uint NotifyTail;

    /// <summary>Alignment.</summary>
    public uint Padding;

    /// <summary>MS_… for the container's root once it is the root, or 0.</summary>
    public ulong OwnPropagation;

    /// <summary>What makes the process instead of us: an array of offsets, program and arguments, zero-ended.</summary>
    public uint ExternalMake;

    /// <summary>What starts it then; 0: it runs once it is made (exec).</summary>
    public uint ExternalStart;

    /// <summary>Where both run and leave <c>pid</c>.</summary>
    public uint ExternalDirectory;

    /// <summary>A file of events that is to be watched for processes killed for memory, because whoever made the group removes it with its
    /// last process; 0: none.</summary>
    public uint MemoryEvents;

    /// <summary>The directory that holds upper and work, which are shown through the id maps as one mount, or 0: no overlay.</summary>
    public uint MappedLayer;

    /// <summary>The user outside that is root inside, when the root is shown through the id maps.</summary>
    public uint MappedUser;

    /// <summary>The group.</summary>
    public uint MappedGroup;

    /// <summary>With another runtime, a user namespace with the container's id maps that shows the root and marked mounts, or -1.</summary>
    public int MapsDescriptor;

    /// <summary>With that, a directory on which a file system is mounted that holds all that the runtime is told of; steps' targets are
    /// names in it.</summary>
    public uint Room;

    /// <summary>The directory on which the root is mounted then.</summary>
    public uint RoomRoot;

    /// <summary>The user outside that the streams are given to, or 0: whoever is inside does it itself.</summary>
    public uint StreamUser;

    /// <summary>The group.</summary>
    public uint StreamGroup;

    /// <summary>For exec: the file that takes a pid into the group that counts the container's processes, or 0.</summary>
    public uint EnterFile;

    /// <summary>The file of the maker's own group in the same tree, where a process is made that the container's limit refuses; 0: nowhere.
    /// </summary>
    public uint LeaveFile;
}

/// <summary>A program to run at a point of the lifecycle.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlanHook
{
    /// <summary>The program.</summary>
    public uint Path;

    /// <summary>How many milliseconds it may take; 0: no limit.</summary>
    public uint TimeoutMilliseconds;

    /// <summary>An array of offsets, arguments, zero-ended.</summary>
    public uint Arguments;

    /// <summary>The same for the environment.</summary>
    public uint Environment;

    /// <summary>What failures call it.</summary>
    public uint Label;
}

/// <summary>What a plan wants, bit by bit.</summary>
[Flags]
public enum PlanFlags
{
    /// <summary>Nothing special.</summary>
    None = 0,

    /// <summary>Join a container instead of making one.</summary>
    Exec = 1,

    /// <summary>A pseudo-terminal.</summary>
    Terminal = 2,

    /// <summary>stdin is a pipe, not /dev/null.</summary>
    Stdin = 4,

    /// <summary>stdin ends with the first client's.</summary>
    StdinOnce = 8,

    /// <summary>A reaping process 1.</summary>
    Init = 16,

    /// <summary>PR_SET_NO_NEW_PRIVS.</summary>
    NoNewPrivileges = 32,

    /// <summary>Nobody reads: output is dropped at once.</summary>
    Detached = 64,

    /// <summary>The root ends read-only.</summary>
    ReadOnlyRoot = 128,

    /// <summary>All its processes end with the first: output left in the pipes is complete when that has ended.</summary>
    PrivateProcesses = 256,

    /// <summary>No monitor: streams are the caller's, who is told of failures and becomes the parent.</summary>
    Unmonitored = 512,

    /// <summary>Once made, it waits at the socket in the run directory; otherwise for its maker's word.</summary>
    WaitsAtSocket = 1024,

    /// <summary>Says when its namespaces and mounts exist and waits for a word before the root is pivoted.</summary>
    PausesForHooks = 2048,

    /// <summary>The user namespace forbids setgroups(2).</summary>
    KeepsGroups = 4096,

    /// <summary>Changes the root in place instead of by pivot_root (a root on the initial ramfs).</summary>
    NoPivot = 8192,

    /// <summary>Its maker is no root: it must be able to write our id maps.</summary>
    MappedByUser = 16384,

    /// <summary>Another OCI runtime makes the process.</summary>
    External = 32768,

    /// <summary>What the caller may not give is a failure, not a warning.</summary>
    Strict = 65536,

    /// <summary>The engine is no root of the machine: overlayfs keeps its marks in attributes of users.</summary>
    UserAttributes = 131072,

    /// <summary>The root and marked mounts are shown through the new user namespace's id maps; sources are opened by the monitor.
    /// </summary>
    Mapped = 262144,

    /// <summary>The first variable of the environment is the home directory, which the container's user list says.</summary>
    FindsHome = 524288,
}

/// <summary>A namespace to join by descriptor.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlanNamespace
{
    /// <summary>CLONE_NEW….</summary>
    public ulong Type;

    /// <summary>Its descriptor.</summary>
    public int Descriptor;

    /// <summary>1: joined by the parent already (process and, with a user namespace, all others).</summary>
    public int InParent;
}

/// <summary>A resource limit.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlanLimit
{
    /// <summary>In force.</summary>
    public ulong Soft;

    /// <summary>At most.</summary>
    public ulong Hard;

    /// <summary>RLIMIT_….</summary>
    public uint Resource;

    /// <summary>Alignment.</summary>
    public uint Padding;
}

/// <summary>One step in the container's root. Paths are the container's, absolute.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlanStep
{
    /// <summary>What to do.</summary>
    public StepKind Kind;

    /// <summary>Owner of nodes, or -1.</summary>
    public uint User;

    /// <summary>Their group.</summary>
    public uint Group;

    /// <summary>Permissions.</summary>
    public uint Mode;

    /// <summary>The path inside.</summary>
    public uint Target;

    /// <summary>Bind source on the host, file system's source, link's text, or value.</summary>
    public uint Source;

    /// <summary>The file system's type; of a bind: the path beneath the source that is mounted, without links on it, or 0.</summary>
    public uint Type;

    /// <summary>Its options, separated by commas.</summary>
    public uint Data;

    /// <summary>MOUNT_ATTR_….</summary>
    public ulong Attributes;

    /// <summary>MS_… propagation.</summary>
    public ulong Propagation;

    /// <summary>Device number, or the step's options (<see cref="MountMark"/>).</summary>
    public ulong Argument;

    /// <summary>MOUNT_ATTR_… taken away.</summary>
    public ulong Cleared;

    /// <summary>MOUNT_ATTR_… for what is mounted below too.</summary>
    public ulong DeepAttributes;

    /// <summary>MOUNT_ATTR_… taken away there.</summary>
    public ulong DeepCleared;

    /// <summary>A mount that hangs nowhere to use instead of the source, or 0.</summary>
    public int Mount;

    /// <summary>Alignment.</summary>
    public int Padding;
}

/// <summary>Options of mount steps, in <see cref="PlanStep.Argument"/>.</summary>
public static class MountMark
{
#pragma warning disable CS1591 // The comments beside them.
    public const ulong Recursive = 1; // A bind with what is mounted below.
    public const ulong OrdinaryDirectory = 4; // The mount point may not be reached over links.
    public const ulong CopyUp = 8; // The new file system starts with what it hides.
    public const ulong KeepMode = 16; // The new file system's root gets the mode of the directory it hides.
    public const ulong Shallow = 32; // Propagation of the mount alone, not of what is mounted below.
    public const ulong Mapped = 64; // A bind whose owners are shown through the container's id maps.
    public const ulong MappedDeep = 128; // With those of what is mounted below.
    public const ulong Layers = 256; // A read-only view of layers, shown so: Data has their offsets, topmost first, Mode their number.
    public const ulong Node = 512; // A device that is made and mounted: Type is its number, Mode, User and Group those of its node.
#pragma warning restore CS1591
}

/// <summary>What a step does.</summary>
public enum StepKind
{
    /// <summary>Mounts a new file system.</summary>
    Mount,

    /// <summary>Mounts a host path.</summary>
    Bind,

    /// <summary>Makes a directory and its parents.</summary>
    Directory,

    /// <summary>Makes a device node.</summary>
    Node,

    /// <summary>Makes a symbolic link.</summary>
    Link,

    /// <summary>Hides a path.</summary>
    Mask,

    /// <summary>Makes a path read-only.</summary>
    ReadOnly,

    /// <summary>Writes a kernel parameter.</summary>
    Sysctl,

    /// <summary>Changes attributes of what is mounted there.</summary>
    Remount,
}
