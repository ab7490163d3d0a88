namespace Berth.Runtime.Cgroups;

/// <summary>Where a container's processes are counted. When it is full no process is made there, but more may be moved in.</summary>
/// <param name="EnterFile">The file that takes a pid into the container's group.</param>
/// <param name="LeaveFile">The file that takes a pid into the group of this process in the same tree.</param>
/// <remarks>The <c>pids</c> tree of version 1, or the tree of version 2.</remarks>
internal sealed record CountedPlace(string EnterFile, string LeaveFile)
{
    private const string Procs = "cgroup.procs";

    /// <summary>Of a place; null: nothing is counted there.</summary>
    public static CountedPlace? Of(CgroupPlace? place)
    {
        string? join = place?.JoinFiles.FirstOrDefault(static file => File.Exists(Path.Join(Path.GetDirectoryName(file), "pids.current")));
        string? enter = join ?? (place?.UnifiedDirectory is { } unified ? Path.Join(unified, Procs) : null);
        if (enter is null)
            return null;
        string tree = TreeOf(Path.GetDirectoryName(enter)!);
        string own = Path.Join(tree, OwnGroup(join is null ? "" : "pids"), Procs);
        // A container's own view may begin below the group that the kernel names.
        return new CountedPlace(enter, File.Exists(own) ? own : Path.Join(tree, Procs));
    }

    private static string TreeOf(string group)
    {
        string tree = group;
        while (Path.GetDirectoryName(tree) is { } above && File.Exists(Path.Join(above, Procs)))
            tree = above;
        return tree;
    }

    // Lines of "number:controllers:path"; version 2's has no controllers. cgroups(7).
    private static string OwnGroup(string controller) => File.ReadLines("/proc/self/cgroup")
        .Select(static line => line.Split(':', 3))
        .FirstOrDefault(parts => parts.Length == 3 && parts[1].Split(',').Contains(controller))?[2] ?? "/";

    /// <summary>Moves a process out, to where this one is counted; false when that is refused.</summary>
    public bool TryLeave(int pid) => CgroupFile.TryWrite(Path.GetDirectoryName(LeaveFile)!, Procs, Number(pid));

    /// <summary>Moves a process in.</summary>
    /// <exception cref="Berth.Faults.FaultException">The kernel refuses it.</exception>
    public void Enter(int pid) => CgroupFile.Write(Path.GetDirectoryName(EnterFile)!, Path.GetFileName(EnterFile), Number(pid));

    private static string Number(int pid) => pid.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
