using Berth.Faults;

namespace Berth.Runtime.Plans;

/// <summary>Capabilities as bits. capabilities(7), linux/capability.h.</summary>
internal static class Capabilities
{
    private static readonly string[] s_names =
    [
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
        "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE",
        "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME",
        "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
        "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
    ];

    private static readonly Lazy<(ulong Bounding, int Last)> s_host = new(ReadHost);

    /// <summary>What this process may hand on.</summary>
    public static ulong Host => s_host.Value.Bounding;

    /// <summary>The kernel's highest capability.</summary>
    public static int Last => s_host.Value.Last;

    /// <summary>All that this build knows, by the specification's names.</summary>
    public static IReadOnlyList<string> All { get; } = [.. s_names.Select(static name => "CAP_" + name)];

    /// <summary>Turns names into bits.</summary>
    /// <param name="names">The names.</param>
    /// <param name="unknown">Takes a sentence for what is no capability here; null: that is an error.</param>
    /// <exception cref="FaultException">InvalidArgument: no such capability.</exception>
    public static ulong Parse(IReadOnlyList<string>? names, IList<string>? unknown = null)
    {
        ulong bits = 0;
        foreach (string name in names ?? [])
        {
            int number = All.IndexOf(name);
            if (number < 0 && unknown is null)
                throw FaultException.Invalid($"invalid capability: \"{name}\"");
            if (number < 0)
            {
                unknown!.Add($"ignoring unknown or unavailable capability: {name}");
                continue;
            }
            bits |= 1UL << number;
        }
        return bits;
    }

    /// <summary>The names of bits.</summary>
    public static IEnumerable<string> Names(ulong bits) => All.Where((_, number) => (bits >> number & 1) != 0);

    private static int IndexOf(this IReadOnlyList<string> names, string name)
    {
        for (int i = 0; i < names.Count; i++)
        {
            if (names[i] == name)
                return i;
        }
        return -1;
    }

    private static (ulong, int) ReadHost()
    {
        ulong bounding = 0;
        foreach (string line in File.ReadLines("/proc/self/status"))
        {
            if (line.StartsWith("CapEff:", StringComparison.Ordinal))
                bounding = Convert.ToUInt64(line[7..].Trim(), 16);
        }
        int last = int.Parse(File.ReadAllText("/proc/sys/kernel/cap_last_cap"), System.Globalization.CultureInfo.InvariantCulture);
        return (bounding, last);
    }
}
