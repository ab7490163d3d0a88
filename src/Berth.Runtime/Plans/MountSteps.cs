using Berth.Faults;
using Berth.Oci.Runtime;
using Berth.Stage;

namespace Berth.Runtime.Plans;

/// <summary>Turns the specification's mounts, devices, masks and parameters into steps of the stage.</summary>
internal sealed class MountSteps(
    PlanWriter writer, IReadOnlyList<string> procsFiles, bool userNamespace, IReadOnlyDictionary<string, string> subpaths,
    Func<MountSpec, MountOptions, int>? mapped = null, bool stageMaps = false)
{
    private const int DepthMax = 128;
    private const ulong PrivateMount = 1 << 18;
    // What the kernel's numbers have room for: linux/kdev_t.h.
    private const long MajorMax = (1 << 12) - 1, MinorMax = (1 << 20) - 1;
    private const uint CharacterDevice = 0x2000, BlockDevice = 0x6000, NamedPipe = 0x1000;
    private const ulong HideAttributes = 1 | 2 | 4 | 8;

    private static readonly (string Name, uint Major, uint Minor)[] s_defaultNodes =
        [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)];

    private static readonly (string Path, string Target)[] s_defaultLinks =
    [
        ("/dev/fd", "/proc/self/fd"), ("/dev/stdin", "/proc/self/fd/0"), ("/dev/stdout", "/proc/self/fd/1"),
        ("/dev/stderr", "/proc/self/fd/2"), ("/dev/ptmx", "pts/ptmx"),
    ];

    private readonly List<PlanStep> _steps = [];
    private LinuxSpec _linux = new();
    private bool _areDevicesReadOnly;

    /// <summary>Of bind mounts by their destination: the layers that are mounted instead of a source.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Layers { get; init; } = new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>All steps of a specification, in the order they are done.</summary>
    public PlanStep[] Compile(RuntimeSpec spec)
    {
        bool hostDevices = false;
        _linux = spec.Linux ?? _linux;
        foreach (MountSpec mount in spec.Mounts ?? [])
        {
            Add(mount);
            hostDevices |= IsDevices(mount) && IsBind(mount);
        }
        // A directory of the host has what it has, and nothing is made in it.
        if (!hostDevices)
            AddDefaultDevices([.. (_linux.Devices ?? []).Select(static device => device.Path)]);
        foreach (DeviceSpec device in spec.Linux?.Devices ?? [])
            AddDevice(device);
        if (_areDevicesReadOnly)
            _steps.Add(new PlanStep { Kind = StepKind.Remount, Target = Path("/dev"), Attributes = MountOptions.ReadOnlyBit });
        if (spec.Process?.Cwd is { Length: > 1 } directory)
            _steps.Add(new PlanStep { Kind = StepKind.Directory, Target = Path(directory) });
        foreach ((string name, string value) in spec.Linux?.Sysctl ?? new Dictionary<string, string>())
            AddParameter(name, value);
        foreach (string path in spec.Linux?.ReadonlyPaths ?? [])
            _steps.Add(new PlanStep { Kind = StepKind.ReadOnly, Target = Path(path), Attributes = HideAttributes });
        foreach (string path in spec.Linux?.MaskedPaths ?? [])
            _steps.Add(new PlanStep { Kind = StepKind.Mask, Target = Path(path) });
        return [.. _steps];
    }

    /// <summary>What has a source on the host, in the order of <see cref="HaveSources"/>; for who mounts all else by other means.</summary>
    public PlanStep[] CompileSources(RuntimeSpec spec)
    {
        _linux = spec.Linux ?? _linux;
        foreach (MountSpec mount in HaveSources(spec))
            Add(mount);
        foreach (DeviceSpec device in _linux.Devices ?? [])
            AddDevice(device);
        return [.. _steps];
    }

    /// <summary>A specification's bind mounts.</summary>
    public static IEnumerable<MountSpec> HaveSources(RuntimeSpec spec) => (spec.Mounts ?? []).Where(IsBind);

    /// <summary>A bind mount, by its type or an option.</summary>
    public static bool IsBind(MountSpec mount) => MountOptions.Parse(mount.Options) is var options && !options.IsRemount
        && (mount.Type is "bind" or "rbind" || options.IsBind);

    private static bool IsDevices(MountSpec mount) => mount.Destination.TrimEnd('/') == "/dev";

    private void Add(MountSpec mount)
    {
        // It would lie on the root that is already open, and hide nothing of it.
        if (mount.Destination.Length > 0 && Clean(mount.Destination) == "/")
            throw FaultException.Invalid($"invalid mount destination \"{mount.Destination}\": it is the container's root itself");
        MountOptions options = MountOptions.Parse(mount.Options);
        options.Check(mount.Destination, mount.Type, options.IsIdMapped || mount.UidMappings is { Count: > 0 });
        bool isBind = options.IsBind || mount.Type is "bind" or "rbind";
        // Where nodes and mounts are still to be made it becomes read-only at the end.
        if (IsDevices(mount) && (options.IsRemount || !isBind))
            _areDevicesReadOnly = options.TakeReadOnly() ?? _areDevicesReadOnly;
        if (options.IsRemount)
            AddRemount(mount, options);
        else if (isBind)
            AddBind(mount, options);
        else if (mount.Type is "cgroup" or "cgroup2")
            AddCgroup(mount, options);
        else
            AddFileSystem(mount, options);
    }

    private void AddRemount(MountSpec mount, MountOptions options) => _steps.Add(new PlanStep
    {
        Kind = StepKind.Remount,
        Target = Path(mount.Destination),
        Attributes = options.Attributes,
        Cleared = options.Cleared,
        DeepAttributes = options.DeepAttributes,
        DeepCleared = options.DeepCleared,
        Propagation = options.Propagation,
        Argument = options.IsShallow ? MountMark.Shallow : 0,
    });

    private void AddBind(MountSpec mount, MountOptions options)
    {
        if (mount.Source is not ['/', ..])
            throw FaultException.Invalid($"invalid mount config: {mount.Destination}: source \"{mount.Source}\" is not absolute");
        bool isMapped = options.IsIdMapped || mount.UidMappings is { Count: > 0 };
        int tree = !isMapped || stageMaps ? 0 : mapped?.Invoke(mount, options)
            ?? throw new FaultException(FaultKind.NotSupported, $"mount {mount.Destination}: idmapped mounts are not supported here");
        bool isView = Layers.TryGetValue(mount.Destination, out IReadOnlyList<string>? layers);
        _steps.Add(new PlanStep
        {
            Kind = StepKind.Bind,
            Data = isView ? writer.Texts(layers!) : 0,
            Mode = (uint)(layers?.Count ?? 0),
            Source = writer.Text(mount.Source),
            Target = Path(mount.Destination),
            Attributes = options.Attributes,
            Cleared = options.Cleared,
            DeepAttributes = options.DeepAttributes,
            DeepCleared = options.DeepCleared,
            // What the host mounts later stays with the host unless it was asked for.
            Propagation = options.Propagation != 0 ? options.Propagation : PrivateMount,
            Argument = (options.IsRecursive || mount.Type == "rbind" ? MountMark.Recursive : 0)
                | (options.IsShallow ? MountMark.Shallow : 0)
                | (isView ? MountMark.Layers : 0)
                | (isMapped && stageMaps ? MountMark.Mapped | (options.IsIdMappedDeep ? MountMark.MappedDeep : 0) : 0),
            Mount = tree,
            Type = subpaths.TryGetValue(mount.Destination, out string? beneath) ? writer.Text(beneath) : 0,
        });
    }

    private void AddBind(string source, string target, ulong attributes) => _steps.Add(new PlanStep
    {
        Kind = StepKind.Bind,
        Source = writer.Text(source),
        Target = Path(target),
        Attributes = attributes,
        Propagation = PrivateMount,
    });

    private void AddFileSystem(MountSpec mount, MountOptions options)
    {
        if (string.IsNullOrEmpty(mount.Type))
            throw FaultException.Invalid($"invalid mount config: {mount.Destination}: no type");
        string target = mount.Destination.TrimEnd('/');
        _steps.Add(new PlanStep
        {
            Kind = StepKind.Mount,
            Type = writer.Text(mount.Type),
            Source = writer.Text(string.IsNullOrEmpty(mount.Source) ? mount.Type : mount.Source),
            Target = Path(mount.Destination),
            Attributes = options.Attributes | options.DeepAttributes,
            Propagation = options.Propagation,
            Data = writer.Text(string.Join(',', options.Data)),
            // A link here would put the kernel's own files somewhere else (CVE-2019-19921, CVE-2023-27561).
            Argument = (target is "/proc" or "/sys" or "/dev" ? MountMark.OrdinaryDirectory : 0)
                | (options.CopiesUp ? MountMark.CopyUp : 0)
                | (mount.Type == "tmpfs" && !options.Data.Any(static option => option.StartsWith("mode=", StringComparison.Ordinal))
                    ? MountMark.KeepMode : 0),
        });
    }

    /// <summary>v2: the file system itself, of the cgroup namespace. v1: the container's own directory of every tree, on a tmpfs.</summary>
    private void AddCgroup(MountSpec mount, MountOptions options)
    {
        List<CgroupMounts.Tree> trees = CgroupMounts.Find(procsFiles);
        // One of version 2 that is asked for by its own type is that beside version 1's.
        CgroupMounts.Tree? only = trees is [{ Name: "" }] ? trees[0]
            : mount.Type != "cgroup2" ? null
            : trees.Find(static tree => File.Exists(System.IO.Path.Join(tree.Directory, "cgroup.controllers")));
        if (only is not null || mount.Type == "cgroup2")
        {
            // A mount of it shows the mounter's cgroup namespace, and one in a user namespace may be made of its own only.
            if (only is not null && stageMaps && _linux.Namespaces?.Any(static entry => entry.Type == "cgroup") != true)
            {
                AddBind(System.IO.Path.Join(CgroupMounts.Mountpoint, only.Name), mount.Destination, options.Attributes);
                return;
            }
            AddFileSystem(new MountSpec { Destination = mount.Destination, Type = "cgroup2", Source = "cgroup" }, options);
            return;
        }
        ulong attributes = options.Attributes;
        AddFileSystem(new MountSpec { Destination = mount.Destination, Type = "tmpfs", Source = "tmpfs", Options = ["mode=755"] },
            MountOptions.Parse(["nosuid", "nodev", "noexec", "mode=755"]));
        foreach (CgroupMounts.Tree tree in trees)
        {
            AddBind(tree.Directory, $"{mount.Destination}/{tree.Name}", attributes);
            foreach (string alias in tree.Aliases)
                AddLink($"{mount.Destination}/{alias}", tree.Name);
        }
        if ((attributes & 1) != 0)
            _steps.Add(new PlanStep
            {
                Kind = StepKind.Remount, Target = Path(mount.Destination), Attributes = MountOptions.ReadOnlyBit,
            });
    }

    // One that the configuration names is made as it says.
    private void AddDefaultDevices(HashSet<string> named)
    {
        foreach ((string name, uint major, uint minor) in s_defaultNodes.Where(node => !named.Contains($"/dev/{node.Name}")))
        {
            // mknod is refused in a user namespace: there the host's nodes are mounted.
            if (userNamespace)
                AddBind($"/dev/{name}", $"/dev/{name}", 0);
            else
                AddNode($"/dev/{name}", CharacterDevice | 0x1B6, Number(major, minor), 0, 0);
        }
        foreach ((string path, string target) in s_defaultLinks)
            AddLink(path, target);
    }

    private void AddDevice(DeviceSpec device)
    {
        if (device.Major == -1 || device.Minor == -1)
            throw FaultException.Invalid($"error creating device nodes: cannot mkdev() device with wildcards: {device.Path}");
        if (device.Major is < 0 or > MajorMax || device.Minor is < 0 or > MinorMax)
            throw FaultException.Invalid($"device {device.Path}: numbers {device.Major}:{device.Minor} are none: "
                + $"the major is 0 to {MajorMax}, the minor 0 to {MinorMax}");
        uint type = device.Type switch
        {
            "c" or "u" => CharacterDevice,
            "b" => BlockDevice,
            "p" => NamedPipe,
            _ => throw FaultException.Invalid($"device {device.Path}: unknown type \"{device.Type}\""),
        };
        if (stageMaps)
            AddMappedNode(device, type);
        else if (userNamespace)
            AddBind(device.Path, device.Path, 0);
        else
            AddNode(device.Path, type | ((device.FileMode ?? 0x1B6) & 0xFFF), Number((ulong)device.Major, (ulong)device.Minor),
                device.Uid ?? 0, device.Gid ?? 0);
    }

    private void AddMappedNode(DeviceSpec device, uint type)
    {
        IReadOnlyList<IdMapping> users = _linux.UidMappings ?? [], groups = _linux.GidMappings ?? [];
        _steps.Add(new PlanStep
        {
            Kind = StepKind.Bind,
            Source = writer.Text(device.Path),
            Target = Path(device.Path),
            Type = (uint)Number((ulong)device.Major, (ulong)device.Minor),
            Mode = type | ((device.FileMode ?? 0x1B6) & 0xFFF),
            // An owner who is not among the container's ids would be nobody there.
            User = IdMaps.Outside(users, device.Uid ?? 0) ?? IdMaps.Outside(users, 0) ?? 0,
            Group = IdMaps.Outside(groups, device.Gid ?? 0) ?? IdMaps.Outside(groups, 0) ?? 0,
            Propagation = PrivateMount,
            Argument = MountMark.Node,
        });
    }

    private void AddNode(string path, uint mode, ulong number, uint user, uint group) => _steps.Add(new PlanStep
    {
        Kind = StepKind.Node, Target = Path(path), Mode = mode, Argument = number, User = user, Group = group,
    });

    private void AddLink(string path, string target) =>
        _steps.Add(new PlanStep { Kind = StepKind.Link, Target = Path(path), Source = writer.Text(target) });

    private void AddParameter(string name, string value)
    {
        // Dots separate, as in sysctl(8); a slash in the name stands for itself (interfaces with dots in their names).
        string path = name.Contains('/') ? name : name.Replace('.', '/');
        if (path.Split('/').Any(static part => part is "" or "." or ".."))
            throw FaultException.Invalid($"invalid sysctl \"{name}\"");
        _steps.Add(new PlanStep
        {
            Kind = StepKind.Sysctl, Target = writer.Text("sys/" + path), Source = writer.Text(value),
        });
    }

    /// <summary>The kernel's new encoding of device numbers (makedev(3)).</summary>
    private static ulong Number(ulong major, ulong minor) =>
        (minor & 0xFF) | (major & 0xFFF) << 8 | (minor & 0xFFFFFF00) << 12 | (major & 0xFFFFF000) << 32;

    /// <summary>An absolute path without empty, <c>.</c> and <c>..</c> parts. Links are the stage's matter.</summary>
    private uint Path(string path) => writer.Text(Clean(path));

    private static string Clean(string path)
    {
        if (path.Length == 0)
            throw FaultException.Invalid("invalid container path \"\": it is empty");
        List<string> parts = [];
        foreach (string part in path.Split('/'))
        {
            if (part == ".." && parts.Count > 0)
                parts.RemoveAt(parts.Count - 1);
            else if (part is not ("" or "." or ".."))
                parts.Add(part);
        }
        if (parts.Count > DepthMax || path.Length > 4000)
            throw FaultException.Invalid($"invalid container path \"{path[..Math.Min(path.Length, 100)]}\": too deep");
        return "/" + string.Join('/', parts);
    }
}
