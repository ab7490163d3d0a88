using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Berth.Linux.Tests;

/// <summary>What the stage hands to the kernel: its constants, its structures, and the numbers of its calls.</summary>
internal static partial class StageHeaders
{
    public static readonly Assembly Assembly = Assembly.Load("Berth.Stage");

    public static Dictionary<string, string?> Known => new(s_own.ToDictionary(static name => name, static _ => (string?)null))
    {
        ["K.AtCwd"] = "AT_FDCWD",
        ["K.MOVE_MOUNT_EMPTY"] = "MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH",
        ["Clients.SendFlags"] = "MSG_DONTWAIT | MSG_NOSIGNAL",
        ["Membership.PathMax"] = "PATH_MAX",
        ["ExternalMapping.RoomAttributes"] = "MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC",
        ["Root.DetachFlag"] = "MNT_DETACH",
        ["Identity.AmbientRaise"] = "PR_CAP_AMBIENT_RAISE",
        ["Identity.AmbientClearAll"] = "PR_CAP_AMBIENT_CLEAR_ALL",
        ["InitProgram.ForegroundGroup"] = "TIOCGPGRP",
        ["Launch.SetDuplicateAbove"] = "F_DUPFD_CLOEXEC",
        ["Launch.OpenFiles"] = "RLIMIT_NOFILE",
        ["StageContract.ProcessLimit"] = "RLIMIT_NPROC",
        ["Birth.SysResource"] = "1UL << CAP_SYS_RESOURCE",
        ["Launch.NewListener"] = "SECCOMP_FILTER_FLAG_NEW_LISTENER",
        ["Log.PathMax"] = "PATH_MAX",
        ["Mapping.SendTimeout"] = "SO_SNDTIMEO",
        ["Log.LockExclusive"] = "LOCK_EX",
        ["Log.LockNotBlocking"] = "LOCK_NB",
        ["Steps.AccessTimes"] = "MOUNT_ATTR__ATIME",
        ["Terminals.DevptsMagic"] = "DEVPTS_SUPER_MAGIC",
    };

    // Limits, contracts with the runtime and exit codes of our own: C has no name for them.
    private static readonly string[] s_own =
    [
        "CopyTree.DepthMax", "CopyTree.ListBytes", "CopyTree.ChunkBytes", "External.NotExecuted", "External.PidBytesMax",
        "Hooks.FailedToExecute", "Hooks.LabelMax", "Hooks.OutputMax", "Home.VariableMax", "Home.HomeField", "Home.UserField",
        "Home.NameLength", "Home.FileMax", "ProgramSearch.CannotLook", "Report.PartMax",
        "StageContract.HookWordsMark", "InitProgram.NotFound", "InitProgram.NotExecutable", "JsonText.BlockMax", "JsonText.EscapeMax",
        "JsonText.Ones", "JsonText.Highs", "Launch.FirstFree", "Launch.OwnDescriptors", "Log.LineMax", "Log.OutMax",
        "Log.LockedBytesMax", "Mapping.RootMark", "Mapping.StepMark", "Mapping.MapsMark",
        "Mapping.PathBytes", "MappedNodes.NameBytes", "Mapping.PatienceSeconds", "Monitor.BufferBytes",
        "MonitorLoop.FixedEntries", "MonitorLoop.SlowReaderMilliseconds",
        "MonitorLoop.TerminalRetryMilliseconds", "Paths.LinksMax", "Paths.LinkBytesMax", "PlanHeader.Version", "MountMark.Recursive",
        "MountMark.OrdinaryDirectory", "MountMark.CopyUp", "MountMark.KeepMode", "MountMark.Shallow", "MountMark.Mapped",
        "MountMark.MappedDeep", "MountMark.Layers", "MountMark.Node",
        "ProgramSearch.PathMax", "ProgramSearch.DirectoryMax",
        "ProgramSearch.NameMax", "Report.TextMax",
        "StageContract.PlanDescriptor", "StageContract.ControlDescriptor", "StageContract.AttachDescriptor",
        "StageContract.FirstDescriptor", "StageContract.ChunkMax", "StageContract.ClientsMax", "MemoryWatch.EventsMax", "Steps.OptionBytesMax",
        "Root.LayersMax", "Sys.Inline", "Birth.DescriptionBytes", "OldMount.OptionsMax", "OldMount.PathBytes", "StageContract.RoomMade",
        "Steps.OptionValueMax",
    ];

    /// <summary>The methods of Sys.cs and what C calls the calls behind them.</summary>
    public static readonly Dictionary<string, string> CallNames = new()
    {
        ["ReadAt"] = "pread64", ["Read"] = "read", ["Write"] = "write", ["Close"] = "close", ["Lock"] = "flock", ["Fstat"] = "fstat",
        ["Stat"] = "stat", ["Seek"] = "lseek", ["Map"] = "mmap", ["SetSignal"] = "rt_sigaction",
        ["SignalMask"] = "rt_sigprocmask", ["Ioctl"] = "ioctl", ["Access"] = "faccessat2", ["Dup3"] = "dup3",
        ["Dup2"] = "dup2", ["GetUser"] = "geteuid", ["GetPid"] = "getpid", ["Socket"] = "socket",
        ["Accept"] = "accept4", ["AcceptBlocking"] = "accept4", ["SendMessage"] = "sendmsg",
        ["ReceiveMessage"] = "recvmsg", ["Bind"] = "bind", ["Listen"] = "listen", ["SocketPair"] = "socketpair",
        ["GetSocketOption"] = "getsockopt", ["SetSocketOption"] = "setsockopt", ["Execute"] = "execve",
        ["Wait"] = "wait4", ["Kill"] = "kill", ["Fcntl"] = "fcntl", ["GetCwd"] = "getcwd",
        ["ChangeDirectory"] = "chdir", ["Rename"] = "rename", ["Unlink"] = "unlink", ["ChangeOwner"] = "fchown",
        ["Umask"] = "umask", ["SetSession"] = "setsid", ["SetProcessGroup"] = "setpgid", ["SetGroups"] = "setgroups",
        ["SetUser"] = "setresuid", ["SetGroup"] = "setresgid", ["SetCapabilities"] = "capset", ["FstatFs"] = "fstatfs",
        ["Control"] = "prctl", ["PivotRoot"] = "pivot_root", ["Mount"] = "mount", ["MemoryFile"] = "memfd_create",
        ["Unmount"] = "umount2",
        ["SetHostName"] = "sethostname", ["SetDomainName"] = "setdomainname", ["Poll"] = "poll",
        ["SignalDescriptor"] = "signalfd4", ["Pipe"] = "pipe2", ["Open"] = "openat", ["OpenAt"] = "openat",
        ["MakeDirectory"] = "mkdirat", ["MakeNode"] = "mknodat", ["ChangeOwnerAt"] = "fchownat",
        ["Symlink"] = "symlinkat", ["ReadLink"] = "readlinkat", ["Unshare"] = "unshare", ["Limit"] = "prlimit64",
        ["LimitOf"] = "prlimit64", ["SetFileUser"] = "setfsuid", ["SetFileGroup"] = "setfsgid", ["GetCapabilities"] = "capget",
        ["SetNamespace"] = "setns", ["Seccomp"] = "seccomp", ["OpenTree"] = "open_tree", ["MoveMount"] = "move_mount",
        ["FsOpen"] = "fsopen", ["FsConfig"] = "fsconfig", ["FsMount"] = "fsmount", ["SetPersonality"] = "personality",
        ["SetAffinity"] = "sched_setaffinity", ["SetScheduler"] = "sched_setattr", ["SetIoPriority"] = "ioprio_set",
        ["JoinKeyring"] = "keyctl", ["SetKeyringRights"] = "keyctl", ["ChangeRoot"] = "chroot", ["ChangeMode"] = "fchmod", ["ChangeModeAt"] = "fchmodat",
        ["StatAt"] = "newfstatat", ["ListDirectory"] = "getdents64", ["SendFile"] = "sendfile",
        ["PidDescriptor"] = "pidfd_open", ["Fork"] = "fork", ["ForkBeside"] = "clone",
        ["AwaitSignal"] = "rt_sigtimedwait", ["Clone"] = "clone3", ["CloseRange"] = "close_range",
        ["OpenAt2"] = "openat2", ["SetMountAttributes"] = "mount_setattr", ["ChangeDirectory 2"] = "fchdir",
        ["Exit"] = "exit_group",
    };

    /// <summary>Where the tables are written.</summary>
    public static string Folder => Path.GetDirectoryName(Here())!;

    public static HeaderTable Constants => new HeaderTable(
            "errno.h", "fcntl.h", "linux/openat2.h", "sys/mount.h", "linux/sched.h", "sys/stat.h", "signal.h", "sys/prctl.h", "sys/ioctl.h",
            "sys/mman.h", "poll.h", "linux/magic.h", "linux/limits.h", "linux/seccomp.h", "sys/socket.h", "sys/file.h", "sys/syscall.h",
            "sys/resource.h", "linux/capability.h")
        .AddAll(Assembly, Known);

    public static HeaderTable Structures => new HeaderTable(
            "sys/stat.h", "linux/sched.h", "linux/openat2.h", "sys/mount.h", "sys/uio.h", "sys/resource.h", "sys/socket.h", "poll.h",
            "linux/filter.h",
            "sys/signalfd.h",
            "signal.h")
        .Fields(
            Ours("Stat"), "struct stat", isWhole: true, "Device st_dev", "Inode st_ino", "Links st_nlink", "Mode st_mode", "User st_uid",
            "Group st_gid",
            "SpecialDevice st_rdev", "Size st_size", "BlockSize st_blksize", "Blocks st_blocks")
        .Fields(
            Ours("CloneArguments"), "struct clone_args", isWhole: true, "Flags flags", "PidFd pidfd", "ChildTid child_tid",
            "ParentTid parent_tid",
            "ExitSignal exit_signal", "Stack stack", "StackSize stack_size", "Tls tls", "SetTid set_tid", "SetTidSize set_tid_size",
            "Cgroup cgroup")
        .Fields(Ours("OpenHow"), "struct open_how", isWhole: true, "Flags flags", "Mode mode", "Resolve resolve")
        .Fields(
            Ours("MountAttributes"), "struct mount_attr", isWhole: true, "Set attr_set", "Clear attr_clr", "Propagation propagation",
            "UserNamespace userns_fd")
        .Fields(Ours("Vector"), "struct iovec", isWhole: true, "Base iov_base", "Length iov_len")
        .Fields(
            Ours("MessageHeader"), "struct msghdr", isWhole: true, "Name msg_name", "NameLength msg_namelen", "Vectors msg_iov",
            "VectorCount msg_iovlen", "Control msg_control", "ControlLength msg_controllen", "Flags msg_flags")
        .Fields(Ours("ControlRights"), "struct cmsghdr", isWhole: false, "Length cmsg_len", "Level cmsg_level", "Type cmsg_type")
        .Add("CMSG_SPACE(sizeof(int))", Marshal.SizeOf(Ours("ControlRights")))
        .Fields(Ours("PollEntry"), "struct pollfd", isWhole: true, "Descriptor fd", "Events events", "Returned revents")
        .Fields(Ours("PlanLimit"), "struct rlimit", isWhole: false, "Soft rlim_cur", "Hard rlim_max")
        .Fields(Ours("FilterProgram"), "struct sock_fprog", isWhole: true, "Length len", "Filter filter")
        .Fields(
            Ours("SignalInfo"), "struct signalfd_siginfo", isWhole: false, "Number ssi_signo", "Errno ssi_errno", "Code ssi_code",
            "Pid ssi_pid",
            "User ssi_uid", "Descriptor ssi_fd", "Status ssi_status")
        .Fields(Ours("SignalInfoKernel"), "siginfo_t", isWhole: true, "Number si_signo", "Errno si_errno", "Code si_code");

    // The kernel's own structure, which the C library's headers hide.
    public static HeaderTable SignalAction => new HeaderTable("asm/signal.h")
        .Fields(
            Ours("KernelSignalAction"), "struct sigaction", isWhole: true, "Handler sa_handler", "Flags sa_flags", "Restorer sa_restorer",
            "Mask sa_mask");

    public static HeaderTable Calls
    {
        get
        {
            HeaderTable table = new("sys/syscall.h");
            foreach ((string method, long number) in SourceCalls())
                table.Add("SYS_" + CallNames.GetValueOrDefault(method, "unknown_" + method), number);
            return table;
        }
    }

    /// <summary>Each method of the source that makes a call by number, with the number; a second of the same name is numbered.</summary>
    public static IReadOnlyList<(string Method, long Number)> SourceCalls()
    {
        string source = File.ReadAllText(Path.Combine(Folder, "../../src/Berth.Stage/Sys.cs"));
        return [.. Call().Matches(source).GroupBy(call => call.Groups[1].Value)
            .SelectMany(overloads => overloads.Select((call, i) =>
                (i == 0 ? overloads.Key : $"{overloads.Key} {i + 1}", long.Parse(call.Groups[2].Value, null))))];
    }

    private static Type Ours(string name) => Assembly.GetType("Berth.Stage." + name, throwOnError: true)!;

    private static string Here([CallerFilePath] string file = "") => file;

    [GeneratedRegex(@"public static \S+ (\w+)\([^\r\n]*\)\s*(?:=>|\{)[^;]*?\bCall\((\d+)")]
    private static partial Regex Call();
}
