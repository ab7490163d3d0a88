using Berth.Engine.Specs;
using Berth.Faults;
using Berth.Oci.Runtime;

namespace Berth.Engine.Cdi;

/// <summary>Lays the edits of devices over a container's specification. SPEC.md, "OCI Edits".</summary>
internal static class CdiInjection
{
    /// <summary>The points of a container's life at which programs can be run.</summary>
    public static IReadOnlyList<string> HookNames { get; } =
        ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];

    /// <summary>The specification with the devices in it: a file's common edits once, before those of its first device.</summary>
    /// <param name="spec">The specification.</param>
    /// <param name="devices">The devices, in the order in which they were asked for.</param>
    /// <param name="hookOwners">Takes which hook is whose.</param>
    /// <exception cref="FaultException">InvalidArgument: a device node is not on this host.</exception>
    public static RuntimeSpec Apply(RuntimeSpec spec, IReadOnlyList<FoundDevice> devices, Dictionary<HookSpec, string> hookOwners)
    {
        HashSet<CdiSpec> seen = new(ReferenceEqualityComparer.Instance);
        foreach (FoundDevice device in devices)
        {
            if (seen.Add(device.Spec) && device.Spec.ContainerEdits is { } common)
                spec = Apply(spec, common, device, hookOwners);
            if (device.Device.ContainerEdits is { } own)
                spec = Apply(spec, own, device, hookOwners);
        }
        return spec;
    }

    private static RuntimeSpec Apply(RuntimeSpec spec, CdiEdits edits, FoundDevice source, Dictionary<HookSpec, string> hookOwners)
    {
        ProcessSpec process = spec.Process!;
        LinuxSpec linux = spec.Linux!;
        (DeviceSpec Node, DeviceRule? Rule)[] nodes = [.. (edits.DeviceNodes ?? []).Select(node => ToNode(node, process.User, source))];
        string[] mounted = [.. (edits.Mounts ?? []).Select(mount => mount.ContainerPath)];
        return spec with
        {
            Process = process with
            {
                Env = MergeSettings.Environment(edits.Env ?? [], process.Env ?? []),
                User = process.User with
                {
                    AdditionalGids = [.. (process.User.AdditionalGids ?? []).Union((edits.AdditionalGids ?? []).Where(gid => gid != 0))],
                },
            },
            Mounts = [.. (spec.Mounts ?? []).Where(mount => !mounted.Contains(mount.Destination)), .. (edits.Mounts ?? []).Select(ToMount)],
            Hooks = edits.Hooks is { Count: > 0 } hooks ? Add(spec.Hooks ?? new HooksSpec(), hooks, source, hookOwners) : spec.Hooks,
            Linux = linux with
            {
                Devices = [.. (linux.Devices ?? []).Where(old => nodes.All(added => added.Node.Path != old.Path)),
                    .. nodes.Select(added => added.Node)],
                Resources = (linux.Resources ?? new LinuxResources()) with
                {
                    Devices = [.. linux.Resources?.Devices ?? [], .. nodes.Select(added => added.Rule).OfType<DeviceRule>()],
                },
            },
        };
    }

    private static MountSpec ToMount(CdiMount mount) => new()
    {
        Destination = mount.ContainerPath,
        Source = mount.HostPath,
        Type = string.IsNullOrEmpty(mount.Type) ? "bind" : mount.Type,
        Options = mount.Type is null or "" or "bind" && mount.Options?.Any(option => option is "bind" or "rbind") != true
            ? ["rbind", .. mount.Options ?? []] : mount.Options,
    };

    private static (DeviceSpec Node, DeviceRule? Rule) ToNode(CdiDeviceNode node, UserSpec user, FoundDevice source)
    {
        DeviceSpec? real = Devices.Find(string.IsNullOrEmpty(node.HostPath) ? node.Path : node.HostPath);
        bool isComplete = node.Type is "p" || (node is { Type.Length: > 0, Major: not null, Minor: not null });
        if (real is null && !isComplete)
            throw FaultException.Invalid($"CDI device injection failed: device {source.FullName}: {node.HostPath ?? node.Path} is no "
                + $"device of this host, and {source.File} does not say its type and numbers");
        DeviceSpec made = new()
        {
            Path = node.Path,
            Type = node.Type is { Length: > 0 } type ? type : real!.Type,
            Major = node.Major ?? real?.Major ?? 0,
            Minor = node.Minor ?? real?.Minor ?? 0,
            FileMode = node.FileMode ?? real?.FileMode,
            // As runtimes that know this interface do: who the container runs as can use it.
            Uid = node.Uid ?? (user.Uid > 0 ? user.Uid : real?.Uid),
            Gid = node.Gid ?? (user.Gid > 0 ? user.Gid : real?.Gid),
        };
        return (made, made.Type == "p" ? null : new DeviceRule
        {
            Allow = true, Type = made.Type == "u" ? "c" : made.Type, Major = made.Major, Minor = made.Minor,
            Access = string.IsNullOrEmpty(node.Permissions) ? "rwm" : node.Permissions,
        });
    }

    private static HooksSpec Add(
        HooksSpec hooks, IReadOnlyList<CdiHook> added, FoundDevice source, Dictionary<HookSpec, string> hookOwners)
    {
        foreach (CdiHook hook in added)
        {
            HookSpec one = new() { Path = hook.Path, Args = hook.Args, Env = hook.Env, Timeout = hook.Timeout };
            hookOwners[one] = $"CDI device {source.FullName}";
            hooks = hook.HookName switch
            {
                "prestart" => hooks with { Prestart = [.. hooks.Prestart ?? [], one] },
                "createRuntime" => hooks with { CreateRuntime = [.. hooks.CreateRuntime ?? [], one] },
                "createContainer" => hooks with { CreateContainer = [.. hooks.CreateContainer ?? [], one] },
                "startContainer" => hooks with { StartContainer = [.. hooks.StartContainer ?? [], one] },
                "poststart" => hooks with { Poststart = [.. hooks.Poststart ?? [], one] },
                _ => hooks with { Poststop = [.. hooks.Poststop ?? [], one] },
            };
        }
        return hooks;
    }
}
