using Berth.Faults;
using Berth.Linux.Files;
using Berth.Linux.Processes;
using Berth.Oci.Runtime;

namespace Berth.Runtime.Cgroups;

/// <summary>How the kernel's controllers are mounted on this machine.</summary>
public enum CgroupMode
{
    /// <summary>No controller is mounted: containers run without limits.</summary>
    None,

    /// <summary>Each controller in a tree of its own.</summary>
    Version1,

    /// <summary>As version 1, with a version 2 tree beside them that has few controllers or none.</summary>
    Hybrid,

    /// <summary>One tree for all.</summary>
    Version2,
}

/// <summary>The cgroup trees of this machine, found once; makes and opens cgroups in all of them at a time.</summary>
/// <remarks>cgroups(7). Controllers are taken from <c>/proc/self/mountinfo</c>, never from fixed paths.</remarks>
public sealed class CgroupHierarchy
{
    private const string EngineLeaf = "/berthd";
    private readonly IReadOnlyDictionary<string, string> _controllers;
    private readonly string? _unified;
    private readonly IReadOnlyList<string> _named;
    // The named tree by which systemd knows its units, where that is not the version 2 tree: a systemd inside wants to see itself there,
    // and outside one stops with a service whatever is in the service's group.
    private readonly string? _systemd;

    private CgroupHierarchy(CgroupMode mode, IReadOnlyDictionary<string, string> controllers, string? unified, IReadOnlyList<string> named,
        string? systemd = null) =>
        (Mode, _controllers, _unified, _named, _systemd) = (mode, controllers, unified, named, systemd);

    private static CgroupHierarchy None => new(CgroupMode.None, new Dictionary<string, string>(), null, []);

    /// <summary>How the controllers are mounted.</summary>
    public CgroupMode Mode { get; }

    /// <summary>The controllers that can be used, such as <c>memory</c>.</summary>
    public IReadOnlyCollection<string> Controllers => Mode == CgroupMode.Version2
        ? (CgroupFile.Read(_unified!, "cgroup.controllers") ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries)
        : [.. _controllers.Keys];

    /// <summary>Finds the trees of this machine.</summary>
    public static CgroupHierarchy Detect() => Parse(File.ReadAllText("/proc/self/mountinfo"));

    /// <summary>Finds the trees that an engine may make groups in: all, or without the machine's root what its root has handed over: of
    /// version 2 the group that this process is in, of version 1 none. It is moved to a group of its own there.</summary>
    public static CgroupHierarchy DetectForEngine()
    {
        CgroupHierarchy machine = Detect();
        return UserNamespace.IsInitial ? machine : machine.Delegated(File.ReadAllText("/proc/self/cgroup"));
    }

    /// <summary>Finds the trees in the text of a mountinfo file. proc_pid_mountinfo(5).</summary>
    public static CgroupHierarchy Parse(string mountInfo)
    {
        Dictionary<string, string> controllers = [];
        string? unified = null;
        List<string> named = [];
        string? systemd = null;
        foreach (string line in mountInfo.Split('\n'))
        {
            int separator = line.IndexOf(" - ", StringComparison.Ordinal);
            string[] before = line.Split(' ');
            if (separator < 0 || before.Length < 6)
                continue;
            string[] after = line[(separator + 3)..].Split(' ');
            string mountPoint = Unescape(before[4]);
            if (after[0] == "cgroup2")
                unified ??= mountPoint;
            else if (after[0] == "cgroup" && after.Length > 2)
                AddControllers(controllers, after[2], mountPoint);
            if (after[0] == "cgroup" && after.Length > 2 && after[2].Contains("name=", StringComparison.Ordinal))
                named.Add(mountPoint);
            if (after[0] == "cgroup" && after.Length > 2 && after[2].Split(',').Contains("name=systemd"))
                systemd ??= mountPoint;
        }
        CgroupMode mode = (controllers.Count > 0, unified) switch
        {
            (true, null) => CgroupMode.Version1,
            (true, _) => CgroupMode.Hybrid,
            (false, null) => CgroupMode.None,
            (false, _) => CgroupMode.Version2,
        };
        return new CgroupHierarchy(mode, controllers, unified, named, systemd);
    }

    // A group is handed over with its cgroup.procs, as a service manager does for a user's services (Delegate=yes).
    private CgroupHierarchy Delegated(string own)
    {
        string? path = own.Split('\n').FirstOrDefault(static line => line.StartsWith("0::/", StringComparison.Ordinal))?[3..];
        if (Mode != CgroupMode.Version2 || path is null)
            return None;
        // Those above the leaf that the engine itself is in.
        string directory = System.IO.Path.Join(
            _unified, path.EndsWith(EngineLeaf, StringComparison.Ordinal) ? path[..^EngineLeaf.Length] : path);
        if (!FileCalls.MayWrite(System.IO.Path.Join(directory, "cgroup.procs")) || !FileCalls.MayWrite(directory))
            return None;
        LeaveFor(directory);
        return new CgroupHierarchy(CgroupMode.Version2, _controllers, directory, _named);
    }

    // Controllers are handed down only by a group without processes of its own.
    private static void LeaveFor(string directory)
    {
        string leaf = directory + EngineLeaf;
        Directory.CreateDirectory(leaf);
        foreach (int pid in CgroupFile.ReadPids(directory))
            CgroupFile.TryWrite(leaf, "cgroup.procs", pid.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    /// <summary>Makes a cgroup in every tree and sets its limits. Of a creation that fails nothing is left.</summary>
    /// <param name="path">Below the trees' roots: <c>/berth/&lt;id&gt;</c>.</param>
    /// <param name="resources">Limits; null: none.</param>
    /// <param name="warnings">Takes a sentence for each limit that this kernel does not offer.</param>
    /// <exception cref="FaultException">InvalidArgument: the path climbs, or the kernel refuses a value.</exception>
    public Cgroup Create(string path, LinuxResources? resources, IList<string> warnings)
    {
        Cgroup group = Open(path);
        try
        {
            group.Make(warnings);
            if (resources is not null)
                group.Update(resources, warnings);
            return group;
        }
        catch
        {
            group.Remove();
            throw;
        }
    }

    /// <summary>Removes a group from the trees without a controller: of those we use systemd's only, other runtimes all.</summary>
    /// <exception cref="FaultException">InvalidArgument: the path climbs.</exception>
    public void RemoveFromNamedTrees(string path)
    {
        string below = Below(path);
        foreach (string tree in _named)
            Cgroup.TryRemoveEmpty(System.IO.Path.Join(tree, below));
    }

    /// <summary>The cgroup of that path, whether or not it exists.</summary>
    /// <exception cref="FaultException">InvalidArgument: the path climbs.</exception>
    public Cgroup Open(string path)
    {
        string below = Below(path);
        return Mode == CgroupMode.Version2
            ? new CgroupV2(below, _unified!)
            : new CgroupV1(below, _controllers, _unified, _systemd);
    }

    /// <summary>The cgroup of a unit of systemd, whether or not it exists.</summary>
    /// <exception cref="FaultException">InvalidArgument: the path climbs.</exception>
    internal Cgroup OpenUnit(string path)
    {
        Cgroup group = Open(path);
        // systemd has its own program there, too; on version 1 there is none.
        group.SharesDeviceRules = true;
        return group;
    }

    private static string Below(string path)
    {
        string[] parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0 || parts.Any(part => part is "." or ".." || part.Contains('\0')))
            throw FaultException.Invalid($"cgroup path {path}: must name a group below the root, without '..'");
        return string.Join('/', parts);
    }

    private static void AddControllers(Dictionary<string, string> controllers, string options, string mountPoint)
    {
        foreach (string option in options.Split(','))
        {
            // Other options are flags of the file system (rw, xattr) or named trees without a controller (name=systemd).
            if (option is "cpu" or "cpuacct" or "cpuset" or "memory" or "devices" or "freezer" or "blkio" or "pids"
                or "hugetlb" or "net_cls" or "net_prio" or "perf_event" or "rdma" or "misc")
                controllers.TryAdd(option, mountPoint);
        }
    }

    // Space, tab, newline and backslash stand as three octal digits.
    private static string Unescape(string text)
    {
        if (!text.Contains('\\'))
            return text;
        System.Text.StringBuilder result = new();
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 3 < text.Length && !text.AsSpan(i + 1, 3).ContainsAnyExceptInRange('0', '7'))
            {
                result.Append((char)Convert.ToInt32(text.Substring(i + 1, 3), 8));
                i += 3;
            }
            else
                result.Append(text[i]);
        }
        return result.ToString();
    }
}
