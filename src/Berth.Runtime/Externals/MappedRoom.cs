using Berth.Faults;
using Berth.Linux;
using Berth.Oci.Runtime;
using Berth.Runtime.Monitors;
using Berth.Runtime.Plans;
using Berth.Stage;

namespace Berth.Runtime.Externals;

/// <summary>
/// Where the monitor hangs the root, the sources of mounts and the devices of a container with a user namespace, so that a runtime that
/// knows nothing of idmapped mounts, and whose container's root walks through nothing of the data root, finds them (docs/adr/0014).
/// </summary>
/// <param name="Root">A directory of the host on which the root is mounted, in the monitor's mount namespace alone. Outside of it there is
/// such a directory too: runc's <c>exec</c> begins there.</param>
/// <param name="Path">Another, for all else.</param>
internal sealed record MappedRoom(string Root, string Path)
{
    private static readonly string[] s_candidates = ["/dev/shm", "/mnt", "/srv", "/media", "/opt", "/var/tmp", "/tmp"];

    private const UnixFileMode Everybody = UnixFileMode.OtherExecute;

    /// <summary>Finds two that the runtime needs nothing of.</summary>
    /// <exception cref="FaultException">NotSupported: there are not so many.</exception>
    public static MappedRoom For(string runDirectory, string runtime)
    {
        string[] free = [.. s_candidates.Where(place => IsOpen(place) && !IsIn(runDirectory, place) && !IsIn(runtime, place)).Take(2)];
        return free is [var path, var root] ? new MappedRoom(root, path) : throw new FaultException(FaultKind.NotSupported,
            "user namespaces with another runtime need two directories that everybody may enter and that hold neither "
            + $"{runtime} nor {runDirectory}: make /mnt and /srv, or use --userns=host");
    }

    private static bool IsIn(string path, string place) => path.StartsWith(place + "/", StringComparison.Ordinal);

    private static bool IsOpen(string place)
    {
        for (DirectoryInfo? directory = new(place); directory is not null; directory = directory.Parent)
            if (!directory.Exists || directory.LinkTarget is not null || (directory.UnixFileMode & Everybody) == 0)
                return false;
        return true;
    }

    private static string NameOf(int number) => $"m{number}";

    /// <summary>Plans what is hung there.</summary>
    public void Add(Plan plan, PlanWriter writer, ContainerRequest request, FileDescriptor maps)
    {
        PlanBuilder.AddMapping(writer, request);
        PlanStep[] steps = new MountSteps(writer, [], userNamespace: true, request.Subpaths, mapped: null, stageMaps: true)
        {
            Layers = request.Layers,
        }.CompileSources(request.Spec);
        for (int i = 0; i < steps.Length; i++)
            steps[i].Target = writer.Text(NameOf(i));
        writer.Header.Steps = writer.Array<PlanStep>(steps);
        writer.Header.StepCount = (uint)steps.Length;
        writer.Header.RoomRoot = writer.Text(Root);
        writer.Header.Room = writer.Text(Path);
        writer.Header.MapsDescriptor = plan.Inherit(maps.Number);
    }

    /// <summary>The configuration with those names. What a mount's options did is done; devices are mounts, as nobody makes any in there.
    /// </summary>
    public RuntimeSpec Furnish(RuntimeSpec spec)
    {
        int count = 0;
        List<MountSpec> mounts = [];
        foreach (MountSpec mount in spec.Mounts ?? [])
            mounts.Add(MountSteps.IsBind(mount) ? Near(mount, count++) : mount);
        foreach (DeviceSpec device in spec.Linux?.Devices ?? [])
            mounts.Add(Near(new MountSpec { Destination = device.Path, Type = "bind", Options = ["bind", "rprivate"] }, count++));
        return spec with { Mounts = mounts, Linux = spec.Linux! with { Devices = [] } };
    }

    private MountSpec Near(MountSpec mount, int number) => new()
    {
        Destination = mount.Destination,
        Type = "bind",
        Source = $"{Path}/{NameOf(number)}",
        Options = [.. (mount.Options ?? []).Where(
            static option => option is "bind" or "rbind" || MountOptions.Parse([option]).Propagation != 0)],
    };

    /// <summary>A user namespace with the container's maps: that of the container is its runtime's to make.</summary>
    public static FileDescriptor Maps(IStageProgram program, LinuxSpec linux) => UserNamespaces.Create(program, new MountSpec
    {
        Destination = "/", Type = "bind", UidMappings = linux.UidMappings, GidMappings = linux.GidMappings,
    });
}
