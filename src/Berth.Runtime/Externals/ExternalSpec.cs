using System.Globalization;
using Berth.Faults;
using Berth.Oci.Runtime;
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
        if (request.Subpaths.Count > 0)
            throw new FaultException(FaultKind.NotSupported, $"runtime {name}: mounts of a path beneath a volume (volume-subpath) need the "
                + "engine's own runtime: leave --runtime out");
    }

    /// <summary>The configuration with the root, the cgroup and the network namespace as they are on this host.</summary>
    public static RuntimeSpec Make(ContainerRequest request, string cgroupPath, string initProgram)
    {
        RuntimeSpec spec = request.Init ? WithInit(request.Spec, initProgram) : request.Spec;
        RootSpec root = spec.Root ?? new RootSpec { Path = "" };
        return spec with
        {
            OciVersion = OciVersion,
            Root = request.Overlay is { } overlay ? root with { Path = overlay.MountPoint } : root,
            Linux = (spec.Linux ?? new LinuxSpec()) with
            {
                CgroupsPath = cgroupPath,
                Namespaces = Namespaces(request, spec.Linux?.Namespaces ?? []),
            },
        };
    }

    // Where Docker has its own: the file that it is mounted on stays in the container's layer.
    private static RuntimeSpec WithInit(RuntimeSpec spec, string program) => spec with
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
