using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Berth.Linux.Bpf;
using Berth.Linux.Mounts;
using Berth.Linux.Processes;
using Berth.Linux.Sockets;
using Berth.Linux.Terminals;

namespace Berth.Linux.Tests;

/// <summary>The private constants of Berth.Linux, which have C's names, and the structures that it hands to the kernel.</summary>
internal static partial class CallHeaders
{
    // Whose constants stand in tables of their own.
    private static readonly Type[] s_elsewhere =
        [typeof(Files.FileCalls), typeof(Errno), typeof(NetlinkConstants), typeof(RouteConstants), typeof(NftablesConstants)];

    // Constants with names of ours: what C calls them, or null where there is nothing to compare.
    public static readonly Dictionary<string, string?> Known = new()
    {
        ["DeviceProgram.InstructionSize"] = "sizeof(struct bpf_insn)",
        ["DeviceProgram.SYS_bpf"] = "SYS_bpf",
        ["DeviceProgram.VerifierLogSize"] = null, ["DeviceProgram.ProgramsMax"] = null,
        ["ProjectQuota.QuotaNumber"] = "SYS_quotactl_fd", ["ProjectQuota.BlockBytes"] = null, ["ProjectQuota.LeastProject"] = null,
        ["ProjectQuota.TriesMax"] = null,
        ["MemoryFile.MFD_EXEC"] = null,  // Of Linux 6.3: newer than the headers may be.
        ["OldOverlay.PageBytes"] = null,
        ["DetachedMounts.MountSetAttrNumber"] = "SYS_mount_setattr",
        ["DetachedMounts.OpenTreeNumber"] = "SYS_open_tree",
        ["DetachedMounts.MoveMountNumber"] = "SYS_move_mount",
        ["DetachedMounts.FsOpenNumber"] = "SYS_fsopen",
        ["DetachedMounts.FsConfigNumber"] = "SYS_fsconfig",
        ["DetachedMounts.FsMountNumber"] = "SYS_fsmount",
        ["FileIdentity._LINUX_CAPABILITY_VERSION_3"] = "_LINUX_CAPABILITY_VERSION_3",
        ["FileIdentity.CapGetNumber"] = "SYS_capget",
        ["FileIdentity.CapSetNumber"] = "SYS_capset",
        ["FileIdentity.SetFsUidNumber"] = "SYS_setfsuid",
        ["FileIdentity.SetFsGidNumber"] = "SYS_setfsgid",
        ["ProcessHandle.PidFdOpenNumber"] = "SYS_pidfd_open",
        ["ProcessHandle.PidFdSendSignalNumber"] = "SYS_pidfd_send_signal",
        ["ProcessSpawner.SpawnFlags"] = "POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID",
        ["DescriptorSockets.AddressPathMax"] = "sizeof(((struct sockaddr_un *)0)->sun_path) - 1",
        ["TerminalSettings.LocalFlagsOffset"] = "offsetof(struct termios, c_lflag)",
        ["NftablesRule.LinkNameSize"] = "IFNAMSIZ", ["NftablesRule.SizeIPv6"] = null, ["NftablesRule.PortSize"] = null,
        // Room for what C fills: Structures compares it.
        ["TerminalSettings.Size"] = null,
        ["ProcessSpawner.OpaqueBytes"] = null,
        ["ProcessIdentity.ParentField"] = null, ["ProcessIdentity.StartField"] = null, ["UserNamespace.AllIds"] = null,
        // Compared by FileHeaders and NetlinkHeaders.
        ["NetlinkMessages.HeaderSize"] = null, ["NetlinkMessages.AttributeHeaderSize"] = null, ["NftablesQueries.HeaderSize"] = null,
        ["RouteSocket.LinkHeaderSize"] = null, ["RouteSocket.LinkIndexOffset"] = null, ["RouteSocket.LinkFlagsOffset"] = null,
        ["RouteSocket.AddressHeaderSize"] = null, ["RouteSocket.RouteHeaderSize"] = null, ["RouteSocket.CreateNew"] = null,
        ["FileCalls.AttributeBytesMax"] = null, ["FileCalls.OpenAt2Number"] = null, ["MemoryFile.SealAll"] = null,
    };

    public static HeaderTable Constants
    {
        get
        {
            HeaderTable table = new(
                "fcntl.h", "linux/bpf.h", "sys/mount.h", "signal.h", "poll.h", "spawn.h", "sys/socket.h", "sys/un.h", "sys/ioctl.h",
                "termios.h",
                "linux/sockios.h", "net/if.h", "linux/memfd.h", "sys/mman.h", "sched.h", "sys/syscall.h", "linux/capability.h",
                "linux/fs.h", "linux/quota.h", "linux/dqblk_xfs.h");
            return table.AddAll(typeof(Errno).Assembly, Known, s_elsewhere);
        }
    }

    public static HeaderTable Structures => new HeaderTable(
            "linux/bpf.h", "sys/mount.h", "poll.h", "spawn.h", "sys/socket.h", "sys/uio.h", "termios.h", "signal.h",
            "linux/fs.h", "linux/dqblk_xfs.h")
        .Fields(
            Nested(typeof(Files.ProjectQuota), "Attributes"), "struct fsxattr", isWhole: true, "Flags fsx_xflags", "Project fsx_projid")
        .Fields(
            Nested(typeof(Files.ProjectQuota), "Quota"), "struct fs_disk_quota", isWhole: true, "Version d_version", "Flags d_flags",
            "Fields d_fieldmask", "Id d_id", "BlocksMax d_blk_hardlimit", "Blocks d_bcount", "Inodes d_icount",
            "RealtimeBlocksMax d_rtb_hardlimit", "RealtimeTimer d_rtbtimer")
        .Fields(
            Nested(typeof(DeviceProgram), "LoadAttributes"), "union bpf_attr", isWhole: false, "Type prog_type",
            "InstructionCount insn_cnt",
            "Instructions insns", "License license", "LogLevel log_level", "LogSize log_size", "LogBuffer log_buf")
        .Fields(
            Nested(typeof(DeviceProgram), "AttachAttributes"), "union bpf_attr", isWhole: false, "TargetDescriptor target_fd",
            "ProgramDescriptor attach_bpf_fd", "AttachType attach_type", "AttachFlags attach_flags")
        .Fields(
            Nested(typeof(DeviceProgram), "QueryAttributes"), "union bpf_attr", isWhole: false, "TargetDescriptor query.target_fd",
            "AttachType query.attach_type", "QueryFlags query.query_flags", "AttachFlags query.attach_flags", "Programs query.prog_ids",
            "ProgramCount query.prog_cnt")
        .Fields(
            Nested(typeof(DeviceProgram), "ProgramAttributes"), "union bpf_attr", isWhole: false, "Id prog_id", "NextId next_id",
            "OpenFlags open_flags")
        .Fields(Nested(typeof(ProcessHandle), "PollEntry"), "struct pollfd", isWhole: true, "Descriptor fd", "Events events",
            "Returned revents")
        .Fields(Nested(typeof(DescriptorSockets), "PollEntry"), "struct pollfd", isWhole: true, "Descriptor fd", "Events events",
            "Returned revents")
        .Fields(Nested(typeof(DescriptorSockets), "Vector"), "struct iovec", isWhole: true, "Base iov_base", "Length iov_len")
        .Fields(
            Nested(typeof(DescriptorSockets), "MessageHeader"), "struct msghdr", isWhole: true, "Name msg_name", "NameLength msg_namelen",
            "Vectors msg_iov", "VectorCount msg_iovlen", "Control msg_control", "ControlLength msg_controllen", "Flags msg_flags")
        .Fields(
            Nested(typeof(DescriptorSockets), "Rights"), "struct cmsghdr", isWhole: false, "Length cmsg_len", "Level cmsg_level",
            "Type cmsg_type")
        .Add("CMSG_SPACE(sizeof(int))", Marshal.SizeOf(Nested(typeof(DescriptorSockets), "Rights")))
        .Add("CMSG_LEN(sizeof(int))", 20)
        .Add("CMSG_LEN(0)", Marshal.OffsetOf(Nested(typeof(DescriptorSockets), "Rights"), "Descriptor"))
        // Room is kept for what the C library fills.
        .Add("sizeof(struct termios) <= 128", 1)
        .Add("sizeof(posix_spawnattr_t) <= 512 && sizeof(posix_spawn_file_actions_t) <= 512 && sizeof(sigset_t) <= 512", 1);

    /// <summary>Adds all constants of an assembly that have C's names or are known by them.</summary>
    public static HeaderTable AddAll(
        this HeaderTable table, Assembly assembly, IReadOnlyDictionary<string, string?> known, params Type[] except)
    {
        foreach ((FieldInfo field, string name) in ConstantsOf(assembly).Where(pair => !except.Contains(pair.Field.DeclaringType)))
        {
            string? expression = known.TryGetValue(name, out string? theirs) ? theirs : field.Name;
            if (expression is not null && (known.ContainsKey(name) || CName().IsMatch(field.Name)))
                table.Add(expression, HeaderTable.ToInt64(field.GetRawConstantValue()!));
        }
        return table;
    }

    /// <summary>The constants with names of ours that nothing is known of.</summary>
    public static IEnumerable<string> Uncompared(Assembly assembly, IReadOnlyDictionary<string, string?> known) =>
        ConstantsOf(assembly).Where(pair => !CName().IsMatch(pair.Field.Name) && !known.ContainsKey(pair.Name)).Select(pair => pair.Name);

    /// <summary>Names that are listed and that the source no longer has.</summary>
    public static IEnumerable<string> Gone(Assembly assembly, IReadOnlyDictionary<string, string?> known) =>
        known.Keys.Except(ConstantsOf(assembly).Select(pair => pair.Name));

    /// <summary>Compares offsets, and the size where ours is the whole structure: "ours theirs" each.</summary>
    public static HeaderTable Fields(this HeaderTable table, Type ours, string theirs, bool isWhole, params string[] fields)
    {
        if (isWhole)
            table.Add($"sizeof({theirs})", Marshal.SizeOf(ours));
        foreach (string[] pair in fields.Select(field => field.Split(' ')))
            table.Add($"offsetof({theirs}, {pair[1]})", Marshal.OffsetOf(ours, pair[0]));
        return table;
    }

    private static IEnumerable<(FieldInfo Field, string Name)> ConstantsOf(Assembly assembly) => assembly.GetTypes()
        .Where(type => !type.IsEnum && !type.Name.Contains('<', StringComparison.Ordinal))
        .SelectMany(type => type.GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.DeclaredOnly))
        .Where(field => field.IsLiteral && field.FieldType != typeof(string))
        .Select(field => (field, $"{field.DeclaringType!.Name}.{field.Name}"));

    private static Type Nested(Type owner, string name) => owner.GetNestedType(name, BindingFlags.NonPublic)!;

    [GeneratedRegex("^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$")]
    private static partial Regex CName();
}
