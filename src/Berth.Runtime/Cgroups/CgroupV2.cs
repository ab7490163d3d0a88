using Berth.Faults;
using Berth.Oci.Runtime;

namespace Berth.Runtime.Cgroups;

/// <summary>A cgroup in version 2's one tree.</summary>
/// <remarks>Kernel documentation, admin-guide/cgroup-v2.</remarks>
internal sealed class CgroupV2 : Cgroup
{
    private const int FreezeAttempts = 5000;
    private readonly string _root;
    private readonly string _directory;

    public CgroupV2(string path, string root) : base(path)
    {
        _root = root;
        _directory = System.IO.Path.Join(root, path);
        Directories = [_directory];
        ProcsFiles = [System.IO.Path.Join(_directory, "cgroup.procs")];
    }

    public override IReadOnlyList<string> ProcsFiles { get; }

    public override string? UnifiedDirectory => _directory;

    public override string? OutOfMemoryFile => System.IO.Path.Join(_directory, "memory.events");

    protected internal override IReadOnlyList<string> Directories { get; }

    public override void Update(LinuxResources resources, IList<string> warnings) =>
        new CgroupV2Limits(_directory, warnings, SharesDeviceRules).Set(resources);

    internal override LinuxResources Completed(LinuxResources resources) =>
        CgroupV2Limits.Completed(base.Completed(resources), _directory);

    // Where it hands controllers down, only groups below it take processes: a service manager inside has made them, and is in one.
    internal override CgroupPlace PlaceBeside(int first)
    {
        if (CgroupFile.Read(_directory, "cgroup.subtree_control") is null or "")
            return Place;
        string? own = CgroupFile.Read($"/proc/{first}", "cgroup")?.Split('\n')
            .FirstOrDefault(static line => line.StartsWith("0::/", StringComparison.Ordinal))?[3..];
        string below = $"/{Path}/";
        return own?.IndexOf(below, StringComparison.Ordinal) is >= 0 and var at
            ? new CgroupPlace([], System.IO.Path.Join(_directory, own[(at + below.Length)..])) : Place;
    }

    internal override CgroupPlace PlaceBelow(SubCgroups groups)
    {
        groups.CheckControllers([]);
        return new CgroupPlace([], groups.DirectoryIn(_directory, []));
    }

    public override void Freeze()
    {
        CgroupFile.Write(_directory, "cgroup.freeze", "1");
        for (int attempt = 0; attempt < FreezeAttempts; attempt++)
        {
            if (CgroupFile.ReadPairs(_directory, "cgroup.events").GetValueOrDefault("frozen") == 1)
                return;
            Thread.Sleep(1);
        }
        Thaw();
        throw FaultException.Internal($"pause: the processes of cgroup {Path} did not stop in time");
    }

    public override void Thaw() => CgroupFile.TryWrite(_directory, "cgroup.freeze", "0");

    public override bool IsFrozen => CgroupFile.Read(_directory, "cgroup.freeze") == "1";

    public override void Kill()
    {
        if (!CgroupFile.TryWrite(_directory, "cgroup.kill", "1"))
            base.Kill();
    }

    public override CgroupStatistics ReadStatistics() => CgroupV2Statistics.Read(_directory);

    public override CgroupDetails ReadDetails() => CgroupDetailsReader.OfVersion2(_directory);

    // A controller is in a group when every group above it hands it down.
    internal override void Make(IList<string> warnings)
    {
        string parent = _root;
        foreach (string part in Path.Split('/'))
        {
            HandDown(parent, warnings);
            parent = System.IO.Path.Join(parent, part);
            Directory.CreateDirectory(parent);
            // Below one that hands down what counts threads beside its own processes, there are only groups of threads.
            if (CgroupFile.Read(parent, "cgroup.type") == "domain invalid")
                CgroupFile.TryWrite(parent, "cgroup.type", "threaded");
        }
    }

    // A group with processes, except the root, can hand down only what counts threads, and then no group below it is one of processes:
    // it is left as it is. Limits that are asked for are told as they are found missing.
    private void HandDown(string parent, IList<string> warnings)
    {
        HashSet<string> handed = [.. Words(parent, "cgroup.subtree_control")];
        string[] missing = [.. Words(parent, "cgroup.controllers").Where(controller => !handed.Contains(controller)
            && controller is "cpu" or "cpuset" or "memory" or "pids" or "io" or "hugetlb" or "rdma")];
        if (missing.Length == 0 || (CgroupFile.Read(parent, "cgroup.type") is not null && CgroupFile.ReadPids(parent).Count > 0))
            return;
        foreach (string controller in missing)
        {
            if (!CgroupFile.TryWrite(parent, "cgroup.subtree_control", "+" + controller))
                warnings.Add($"The {controller} controller cannot be handed down from cgroup {parent}: its limits are discarded.");
        }
    }

    private static string[] Words(string directory, string file) =>
        (CgroupFile.Read(directory, file) ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
