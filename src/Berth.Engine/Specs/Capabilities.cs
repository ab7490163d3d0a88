using Berth.Faults;

namespace Berth.Engine.Specs;

/// <summary>The capability sets of containers. capabilities(7); the default list is Docker's.</summary>
internal static class Capabilities
{
    /// <summary>Every capability that Linux knows.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
        "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW",
        "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT",
        "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD",
        "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG",
        "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
    ];

    /// <summary>What a container has unless it says otherwise.</summary>
    public static IReadOnlyList<string> Default { get; } =
    [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID",
        "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
    ];

    /// <summary>The set after additions and removals. <c>ALL</c> in one list is tuned by single ones in the other.</summary>
    /// <exception cref="FaultException">InvalidArgument: no such capability.</exception>
    public static IReadOnlyList<string> Resolve(bool isPrivileged, IReadOnlyList<string> add, IReadOnlyList<string> drop)
    {
        HashSet<string> added = [.. add.Select(name => Normal(name, "CapAdd"))];
        HashSet<string> dropped = [.. drop.Select(name => Normal(name, "CapDrop"))];
        if (isPrivileged)
            return All;
        HashSet<string> result = added.Contains("ALL") ? [.. All] : dropped.Contains("ALL") ? [] : [.. Default];
        result.ExceptWith(dropped);
        result.UnionWith(added.Where(name => name != "ALL"));
        return [.. All.Where(result.Contains)];
    }

    private static string Normal(string text, string field)
    {
        string name = text.ToUpperInvariant();
        if (name == "ALL")
            return name;
        name = name.StartsWith("CAP_", StringComparison.Ordinal) ? name : "CAP_" + name;
        return All.Contains(name) ? name : throw FaultException.Invalid($"invalid {field}: unknown capability: \"{name}\"");
    }
}
