using Berth.Faults;
using Berth.Oci.Runtime;

namespace Berth.Runtime.Cgroups;

/// <summary>A cgroup in version 1's trees, and in the version 2 tree beside them where there is one.</summary>
/// <remarks>Kernel documentation, admin-guide/cgroup-v1. The version 2 tree gives <c>cgroup.kill</c>.</remarks>
internal sealed class CgroupV1 : Cgroup
{
    // A freeze races with forks; the kernel says FREEZING until all have stopped.
    private const int FreezeAttempts = 5000;
    private readonly Dictionary<string, string> _directories;
    private readonly string? _unified, _named;

    /// <summary>Names a group.</summary>
    /// <param name="path">Below the roots.</param>
    /// <param name="controllers">The trees by controller.</param>
    /// <param name="unified">The version 2 tree beside them; null: there is none.</param>
    /// <param name="named">A tree without a controller that it is in too: systemd's. Null: none.</param>
    public CgroupV1(string path, IReadOnlyDictionary<string, string> controllers, string? unified, string? named = null) : base(path)
    {
        _directories = controllers.ToDictionary(pair => pair.Key, pair => System.IO.Path.Join(pair.Value, path));
        _unified = unified is null ? null : System.IO.Path.Join(unified, path);
        List<string> all = [.. _directories.Values.Distinct()];
        _named = named is null ? null : System.IO.Path.Join(named, path);
        if (_named is not null)
            all.Add(_named);
        if (_unified is not null)
            all.Add(_unified);
        Directories = all;
        ProcsFiles = [.. all.Select(directory => System.IO.Path.Join(directory, "cgroup.procs"))];
    }

    public override IReadOnlyList<string> ProcsFiles { get; }

    public override IReadOnlyList<string> JoinFiles => [.. _directories.Values.Append(_named).OfType<string>().Distinct()
        .Select(static directory => System.IO.Path.Join(directory, "tasks"))];

    public override string? UnifiedDirectory => _unified;

    public override string? OutOfMemoryFile => Of("memory") is { } memory ? System.IO.Path.Join(memory, "memory.oom_control") : null;

    protected internal override IReadOnlyList<string> Directories { get; }

    public override void Update(LinuxResources resources, IList<string> warnings) =>
        new CgroupV1Limits(Of, warnings).Set(resources);

    internal override CgroupPlace PlaceBelow(SubCgroups groups)
    {
        groups.CheckControllers(_directories.Keys);
        string[] joined = [.. _directories.GroupBy(static pair => pair.Value, static pair => pair.Key)
            .Select(tree => groups.DirectoryIn(tree.Key, tree))];
        // Trees without a controller follow where the container has made the group in them too.
        string? named = Followed(_named, groups.Everywhere), unified = Followed(_unified, groups.Everywhere);
        string[] all = [.. joined.Append(named).OfType<string>()];
        return new CgroupPlace([.. all.Select(static directory => System.IO.Path.Join(directory, "tasks"))], unified);
    }

    private static string? Followed(string? own, string? group)
    {
        string below = System.IO.Path.Join(own, group);
        return own is not null && Directory.Exists(below) ? below : own;
    }

    public override void Freeze()
    {
        string freezer = Of("freezer") ?? throw new FaultException(FaultKind.NotSupported,
            "pause: the kernel offers no freezer controller: mount it, or boot with cgroup version 2");
        for (int attempt = 0; attempt < FreezeAttempts; attempt++)
        {
            CgroupFile.Write(freezer, "freezer.state", "FROZEN");
            if (CgroupFile.Read(freezer, "freezer.state") == "FROZEN")
                return;
            Thread.Sleep(1);
        }
        Thaw();
        throw FaultException.Internal($"pause: the processes of cgroup {Path} did not stop in time");
    }

    public override void Thaw()
    {
        if (Of("freezer") is { } freezer)
            CgroupFile.TryWrite(freezer, "freezer.state", "THAWED");
    }

    public override bool IsFrozen => Of("freezer") is { } freezer && CgroupFile.Read(freezer, "freezer.state") is "FROZEN" or "FREEZING";

    public override void Kill()
    {
        // A frozen process of version 1 does not die before it is let go.
        if (_unified is not null && CgroupFile.TryWrite(_unified, "cgroup.kill", "1"))
            Thaw();
        else
            base.Kill();
    }

    public override CgroupStatistics ReadStatistics() => CgroupV1Statistics.Read(Of);

    public override CgroupDetails ReadDetails() => CgroupDetailsReader.OfVersion1(Of);

    internal override void Make(IList<string> warnings)
    {
        foreach (string directory in Directories)
            Directory.CreateDirectory(directory);
        if (Of("cpuset") is { } cpuset)
            InheritCpuset(cpuset);
    }

    private string? Of(string controller) => _directories.GetValueOrDefault(controller);

    // A new cpuset has neither processors nor memory nodes, and takes no process before it has both; so have all above it.
    private void InheritCpuset(string directory)
    {
        List<string> chain = [];
        foreach (string _ in Path.Split('/'))
        {
            chain.Add(directory);
            directory = System.IO.Path.GetDirectoryName(directory)!;
        }
        string parent = directory;
        foreach (string child in Enumerable.Reverse(chain))
        {
            foreach (string file in (ReadOnlySpan<string>)["cpuset.cpus", "cpuset.mems"])
            {
                if (CgroupFile.Read(child, file) is "" && CgroupFile.Read(parent, file) is { Length: > 0 } value)
                    CgroupFile.Write(child, file, value);
            }
            parent = child;
        }
    }
}
