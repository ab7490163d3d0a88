using Berth.Linux.Processes;
using Berth.Runtime.Cgroups;

namespace Berth.Engine;

/// <summary>Which limits this host's kernel, or what it has handed over to an ordinary user's engine, can hold.</summary>
internal static class HostLimits
{
    // What an ordinary user's engine may make groups in.
    private static readonly Lazy<CgroupHierarchy> s_handedOver = new(CgroupHierarchy.DetectForEngine);

    private static readonly (string Controller, string Name)[] s_names =
    [
        ("memory", "memory"), ("memory", "swap"), ("cpu", "cpu-cfs"), ("cpu", "cpu-shares"), ("cpuset", "cpuset"), ("pids", "pids"),
        ("io", "block"),
    ];

    /// <summary>An ordinary user's engine that was handed no group makes none.</summary>
    public static bool HasNoCgroups => !UserNamespace.IsInitial && s_handedOver.Value.Mode == CgroupMode.None;

    /// <summary>Their names: <c>memory</c>, <c>swap</c>, <c>swappiness</c>, <c>oom-kill-disable</c>, <c>cpu-cfs</c>, <c>cpu-shares</c>,
    /// <c>cpuset</c>, <c>pids</c>, <c>block</c>.</summary>
    public static HashSet<string> Read()
    {
        HashSet<string> all = [];
        void Add(string name, params ReadOnlySpan<string> files)
        {
            foreach (string file in files)
                if (Path.Exists(file))
                    all.Add(name);
        }
        string[] controllers = !UserNamespace.IsInitial ? [.. s_handedOver.Value.Controllers]
            : File.Exists("/sys/fs/cgroup/cgroup.controllers")
                ? File.ReadAllText("/sys/fs/cgroup/cgroup.controllers").Split([' ', '\n']) : [];
        foreach ((string controller, string name) in s_names)
            if (controllers.Contains(controller))
                all.Add(name);
        if (!UserNamespace.IsInitial)
            return all;
        Add("memory", "/sys/fs/cgroup/memory/memory.limit_in_bytes");
        Add("swap", "/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes");
        Add("swappiness", "/sys/fs/cgroup/memory/memory.swappiness");
        Add("oom-kill-disable", "/sys/fs/cgroup/memory/memory.oom_control");
        Add("cpu-cfs", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us");
        Add("cpu-shares", "/sys/fs/cgroup/cpu/cpu.shares", "/sys/fs/cgroup/cpu,cpuacct/cpu.shares");
        Add("cpuset", "/sys/fs/cgroup/cpuset/cpuset.cpus");
        Add("pids", "/sys/fs/cgroup/pids");
        Add("block", "/sys/fs/cgroup/blkio");
        return all;
    }
}
