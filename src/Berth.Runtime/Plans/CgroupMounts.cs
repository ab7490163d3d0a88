namespace Berth.Runtime.Plans;

/// <summary>Where the trees of a container's cgroup are to be seen inside.</summary>
internal static class CgroupMounts
{
    /// <summary>Where the one tree of version 2 is, and the trees of version 1 are below.</summary>
    public const string Mountpoint = "/sys/fs/cgroup";


    // Read once, as CgroupHierarchy does: controllers do not move while an engine runs.
    private static readonly Lazy<string[]> s_points = new(static () =>
        [.. File.ReadLines("/proc/self/mountinfo").Select(static line => line.Split(' '))
            .Where(static fields => fields.Length > 8 && fields[4].StartsWith(Mountpoint, StringComparison.Ordinal)
                && fields.Skip(7).Any(static field => field is "cgroup" or "cgroup2"))
            .Select(static fields => fields[4])]);

    /// <summary>One tree.</summary>
    /// <param name="Name">Below the mount's destination (<c>memory</c>); empty: the only tree of v2.</param>
    /// <param name="Directory">The container's directory on the host.</param>
    /// <param name="Aliases">Further names, as <c>cpu</c> for <c>cpu,cpuacct</c>.</param>
    public sealed record Tree(string Name, string Directory, IReadOnlyList<string> Aliases);

    /// <summary>Finds the trees by the container's <c>cgroup.procs</c> files.</summary>
    public static List<Tree> Find(IReadOnlyList<string> procsFiles)
    {
        string[] points = s_points.Value;
        List<Tree> trees = [];
        foreach (string file in procsFiles)
        {
            string directory = Path.GetDirectoryName(file)!;
            string? point = points.Where(point => directory.StartsWith(point + "/", StringComparison.Ordinal))
                .MaxBy(static point => point.Length);
            if (point is null)
                continue;
            string name = point == Mountpoint ? "" : point[(Mountpoint.Length + 1)..];
            string[] parts = name.Split(',');
            trees.Add(new Tree(name, directory, parts.Length > 1 ? parts : []));
        }
        return trees;
    }
}
