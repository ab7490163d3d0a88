using Berth.Oci.Runtime;
using Berth.Runtime.Plans;

namespace Berth.Runtime.Defaults;

/// <summary>Docker's defaults as parts of an OCI specification: the least a container gets when nobody asks for more.</summary>
public static class DefaultSpec
{
    private const long DefaultShmBytes = 64L << 20;

    /// <summary>The 14 capabilities.</summary>
    public static IReadOnlyList<string> CapabilityNames { get; } =
    [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID",
        "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
    ];

    /// <summary>All capabilities that this build knows; those the host lacks are left out with a warning.</summary>
    public static IReadOnlyList<string> AllCapabilityNames => Capabilities.All;

    /// <summary>The sets for a user: in force for root only, never inheritable.</summary>
    public static CapabilitiesSpec CapabilitiesFor(IReadOnlyList<string> names, uint uid) => uid == 0
        ? new CapabilitiesSpec { Bounding = names, Effective = names, Permitted = names, Inheritable = [], Ambient = [] }
        : new CapabilitiesSpec { Bounding = names, Effective = [], Permitted = [], Inheritable = [], Ambient = [] };

    /// <summary>Namespaces of a container; the cgroup namespace is private unless it is left to the host.</summary>
    public static IReadOnlyList<NamespaceSpec> Namespaces(bool network, bool cgroup) =>
    [
        new NamespaceSpec { Type = "mount" }, new NamespaceSpec { Type = "pid" }, new NamespaceSpec { Type = "uts" },
        new NamespaceSpec { Type = "ipc" },
        .. network ? [new NamespaceSpec { Type = "network" }] : Array.Empty<NamespaceSpec>(),
        .. cgroup ? [new NamespaceSpec { Type = "cgroup" }] : Array.Empty<NamespaceSpec>(),
    ];

    /// <summary>What is mounted in every container. Privileged ones get <c>/sys</c> and cgroups writable.</summary>
    public static IReadOnlyList<MountSpec> Mounts(bool privileged, long shmBytes = DefaultShmBytes) =>
    [
        Mount("/proc", "proc", "proc", "nosuid", "noexec", "nodev"),
        Mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
        Mount("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
        Mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", privileged ? "rw" : "ro"),
        Mount("/sys/fs/cgroup", "cgroup", "cgroup", privileged ? "rw" : "ro", "nosuid", "noexec", "nodev"),
        Mount("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev"),
        Mount("/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777",
            $"size={shmBytes.ToString(System.Globalization.CultureInfo.InvariantCulture)}"),
    ];

    /// <summary>Paths that show nothing; none in a privileged container.</summary>
    public static IReadOnlyList<string> MaskedPaths { get; } =
    [
        "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug",
        "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
        .. ThermalPaths(),
    ];

    /// <summary>Paths that can only be read; none in a privileged container.</summary>
    public static IReadOnlyList<string> ReadonlyPaths { get; } =
        ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

    /// <summary>Nothing but the usual nodes, pseudo-terminals, and making nodes that cannot be opened.</summary>
    public static IReadOnlyList<DeviceRule> DeviceRules { get; } =
    [
        new DeviceRule { Allow = false, Access = "rwm" },
        Allow("c", null, null, "m"), Allow("b", null, null, "m"),
        Allow("c", 1, 3), Allow("c", 1, 5), Allow("c", 1, 7), Allow("c", 1, 8), Allow("c", 1, 9),
        Allow("c", 5, 0), Allow("c", 5, 1), Allow("c", 5, 2), Allow("c", 136, null),
    ];

    /// <summary>Everything, for privileged containers.</summary>
    public static IReadOnlyList<DeviceRule> PrivilegedDeviceRules { get; } = [new DeviceRule { Allow = true, Access = "rwm" }];

    private static DeviceRule Allow(string type, long? major, long? minor, string access = "rwm") =>
        new() { Allow = true, Type = type, Major = major, Minor = minor, Access = access };

    private static MountSpec Mount(string destination, string type, string source, params string[] options) =>
        new() { Destination = destination, Type = type, Source = source, Options = options };

    private static IEnumerable<string> ThermalPaths()
    {
        const string processors = "/sys/devices/system/cpu";
        return Directory.Exists(processors)
            ? Directory.EnumerateDirectories(processors, "cpu*").Select(static path => path + "/thermal_throttle")
                .Where(Directory.Exists).Order(StringComparer.Ordinal)
            : [];
    }
}
