using System.Globalization;
using Berth.Faults;
using Berth.Oci.Runtime;
using Berth.Runtime.Plans;
using Berth.Stage;

namespace Berth.Runtime.Externals;

/// <summary>The configuration of a bundle: what we would do ourselves, in the words of the specification alone.</summary>
internal static class ExternalSpec
{
    /// <summary>What other runtimes know of; newer ones take it, older ones refuse what is newer.</summary>
    private const string OciVersion = "1.0.2";

    private const string InitPath = "/sbin/docker-init";

    /// <summary>Refuses what only our own runtime does.</summary>
    /// <exception cref="FaultException">NotSupported: what.</exception>
    public static void Check(ContainerRequest request, string name)
    {
        if (request.MapsOwners && request.Spec.Linux?.RootfsPropagation is "shared" or "rshared")
            throw new FaultException(FaultKind.NotSupported,
                $"runtime {name}: mounts with shared propagation in a container with a user namespace need the engine's own runtime: leave "
                + "--runtime out, or use --userns=host");
        // The monitor's mounts would appear on the host.
        if (request.Subpaths.Count > 0 && request.Spec.Linux?.RootfsPropagation is "shared" or "rshared")
            throw new FaultException(FaultKind.NotSupported,
                $"runtime {name}: mounts of a path beneath a volume (volume-subpath) beside one with "
                + "shared propagation need the engine's own runtime: leave --runtime out");
    }

    /// <summary>Mounts of a path beneath a source: no other runtime can be asked for that, so the monitor, in whose mount namespace that
    /// program runs, mounts it under a name in the run directory first.</summary>
    /// <returns>The mount, the path beneath its source, and the name.</returns>
    public static IReadOnlyList<(MountSpec Mount, string Path, string Name)> Beneath(ContainerRequest request) =>
        [.. (request.Spec.Mounts ?? []).Where(mount => request.Subpaths.ContainsKey(mount.Destination))
            .Select((mount, number) => (
                mount, request.Subpaths[mount.Destination], string.Create(CultureInfo.InvariantCulture, $"beneath-{number}")))];

    private static MountSpec[] Mounts(ContainerRequest request)
    {
        Dictionary<string, string> names = Beneath(request).ToDictionary(
            static beneath => beneath.Mount.Destination, static beneath => beneath.Name);
        return [.. (request.Spec.Mounts ?? []).Select(mount => names.TryGetValue(mount.Destination, out string? name)
            ? mount with { Source = Path.Join(request.RunDirectory, name) } : mount)];
    }

    /// <summary>A process with what this host can give it, as our own runtime gives it; others end with an error.</summary>
    /// <exception cref="FaultException">InvalidArgument: an unknown limit or capability, or the container is strict.</exception>
    public static ProcessSpec Clamp(ProcessSpec process, IList<string> warnings)
    {
        List<PlanLimit> limits = PlanBuilder.PlanLimits(process.Rlimits ?? [], warnings);
        CapabilityBits.Of(process.Capabilities, unknown: null).Check(Capabilities.Host, warnings);
        return process with
        {
            OomScoreAdj = OomScores.Given(process.OomScoreAdj, warnings),
            Rlimits = [.. (process.Rlimits ?? []).Zip(
                limits, static (asked, given) => asked with { Hard = given.Hard, Soft = given.Soft })],
            Capabilities = process.Capabilities is not { } sets ? null : new CapabilitiesSpec
            {
                Bounding = Given(sets.Bounding), Effective = Given(sets.Effective), Permitted = Given(sets.Permitted),
                Inheritable = Given(sets.Inheritable), Ambient = Given(sets.Ambient),
            },
        };
    }

    private static IReadOnlyList<string> Given(IReadOnlyList<string>? names) =>
        [.. Capabilities.Names(Capabilities.Parse(names) & Capabilities.Host)];

    /// <summary>The configuration with the root, the cgroup and the network namespace as they are on this host.</summary>
    /// <param name="request">What is asked for.</param>
    /// <param name="cgroupPath">Null: the engine has no cgroups; runtimes do without where none is named and nothing is limited.</param>
    /// <param name="initProgram">The tiny init, where one is asked for.</param>
    /// <param name="warnings">Takes what is left out.</param>
    /// <param name="room">Where the container's ids are mapped; null: they are not.</param>
    public static RuntimeSpec Make(
        ContainerRequest request, string? cgroupPath, string initProgram, IList<string> warnings, MappedRoom? room)
    {
        RuntimeSpec spec = room?.Furnish(request.Spec) ?? request.Spec with { Mounts = Mounts(request) };
        spec = request.Init ? WithInit(spec, initProgram) : spec;
        RootSpec root = spec.Root ?? new RootSpec { Path = "" };
        return spec with
        {
            OciVersion = OciVersion,
            Process = Clamp(spec.Process!, warnings),
            Root = root with { Path = room?.Root ?? request.Overlay?.MountPoint ?? root.Path },
            Linux = (spec.Linux ?? new LinuxSpec()) with
            {
                CgroupsPath = cgroupPath,
                Resources = cgroupPath is null ? null : spec.Linux?.Resources,
                Sysctl = Sysctl(spec),
                Namespaces = Namespaces(request, spec.Linux?.Namespaces ?? []),
            },
        };
    }

    // Older ones do not know the field: Docker says it in both ways too.
    private static IReadOnlyDictionary<string, string>? Sysctl(RuntimeSpec spec)
    {
        if (string.IsNullOrEmpty(spec.Domainname))
            return spec.Linux?.Sysctl;
        return new Dictionary<string, string>(spec.Linux?.Sysctl ?? new Dictionary<string, string>())
        {
            ["kernel.domainname"] = spec.Domainname,
        };
    }

    /// <summary>With Docker's kind of init.</summary>
    // Where Docker has its own: the file that it is mounted on stays in the container's layer.
    public static RuntimeSpec WithInit(RuntimeSpec spec, string program) => spec with
    {
        Process = spec.Process! with { Args = [InitPath, StageContract.InitVerb, .. spec.Process.Args ?? []] },
        Mounts =
        [
            .. spec.Mounts ?? [],
            new MountSpec { Destination = InitPath, Type = "bind", Source = program, Options = ["bind", "ro"] },
        ],
    };

    // The descriptor is ours for as long as the request lives, which is until the container is made.
    private static IReadOnlyList<NamespaceSpec> Namespaces(ContainerRequest request, IReadOnlyList<NamespaceSpec> all)
    {
        if (request.NetworkNamespace is not { } network)
            return all;
        string path = string.Create(CultureInfo.InvariantCulture, $"/proc/{Environment.ProcessId}/fd/{network.Number}");
        return [.. all.Where(static entry => entry.Type != "network"), new NamespaceSpec { Type = "network", Path = path }];
    }
}
