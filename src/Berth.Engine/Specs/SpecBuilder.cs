using Berth.Engine.State;
using Berth.Linux.Processes;
using Berth.Oci.Runtime;
using Berth.Runtime.Defaults;

namespace Berth.Engine.Specs;

/// <summary>What the specification of a container is made of, beside its record.</summary>
internal sealed record SpecInputs
{
    public required ContainerRecord Container { get; init; }
    public required EngineOptions Options { get; init; }
    public required UserSpec User { get; init; }
    public required string Home { get; init; }
    public required string HostName { get; init; }
    public required IReadOnlyList<MountSpec> Mounts { get; init; }

    /// <summary>Variables of its links; its own of the same names win.</summary>
    public IReadOnlyList<string> LinkVariables { get; init; } = [];

    /// <summary>The AppArmor profile of containers that name none; null: none.</summary>
    public string? AppArmorProfile { get; init; }

    /// <summary>Pid of the container whose pid namespace is joined; null: its own or the host's.</summary>
    public int? PidNamespaceOf { get; init; }

    /// <summary>Pid of the container whose IPC namespace is joined; null: its own or the host's.</summary>
    public int? IpcNamespaceOf { get; init; }

    /// <summary>Pid of the container whose user namespace is joined; null: its own, where it has one.</summary>
    public int? UserNamespaceOf { get; init; }

    /// <summary>Pid of the container whose network namespace is joined; null: as the request's sandbox says.</summary>
    public int? NetworkNamespaceOf { get; init; }
}

/// <summary>Makes the OCI runtime specification of a container. Defaults are Docker's.</summary>
internal static class SpecBuilder
{
    private const string NoIPv6 = "net.ipv6.conf.default.disable_ipv6";

    public static RuntimeSpec Build(SpecInputs inputs)
    {
        HostSettings host = inputs.Container.Host;
        IReadOnlyList<string> capabilities = Capabilities.Resolve(host.Privileged, host.CapAdd ?? [], host.CapDrop ?? []);
        SecurityOptions security = SecurityOptions.Parse(host.SecurityOpt ?? [], inputs.Options);
        bool unmasked = host.Privileged || security.SystemPathsUnconfined;
        return new RuntimeSpec
        {
            Hostname = host.UTSMode == "host" ? null : inputs.HostName,
            Domainname = host.UTSMode == "host" || string.IsNullOrEmpty(inputs.Container.Config.Domainname)
                ? null : inputs.Container.Config.Domainname,
            Root = new RootSpec { Path = "rootfs", Readonly = host.ReadonlyRootfs },
            Process = Process(inputs, capabilities, security),
            Mounts = inputs.Mounts,
            Annotations = host.Annotations,
            Linux = new LinuxSpec
            {
                Namespaces = Namespaces(inputs),
                UidMappings = inputs.Container.UserMaps?.Users,
                GidMappings = inputs.Container.UserMaps?.Groups,
                CgroupsPath = CgroupPath(inputs),
                Resources = ResourceSpecs.Build(host.Resources, host.Privileged),
                Devices = Devices.Build(host),
                Sysctl = Sysctls(inputs),
                Seccomp = host.Privileged ? null : security.Seccomp(capabilities),
                MaskedPaths = host.MaskedPaths ?? (unmasked ? [] : DefaultSpec.MaskedPaths),
                ReadonlyPaths = host.ReadonlyPaths ?? (unmasked ? [] : DefaultSpec.ReadonlyPaths),
                RootfsPropagation = RootPropagation(inputs.Mounts),
            },
        };
    }

    /// <summary>Settings that name the paths that are hidden and not writable, also where that is left to the engine.</summary>
    public static HostSettings WithPaths(HostSettings host) => host.Privileged ? host
        : host with
        {
            MaskedPaths = host.MaskedPaths ?? DefaultSpec.MaskedPaths, ReadonlyPaths = host.ReadonlyPaths ?? DefaultSpec.ReadonlyPaths,
        };

    /// <summary>The capability sets: everything for root, nothing effective for others, who may gain what the bounding set has.</summary>
    public static CapabilitiesSpec CapabilitySets(IReadOnlyList<string> capabilities, uint uid) => new()
    {
        Bounding = capabilities,
        Permitted = uid == 0 ? capabilities : [],
        Effective = uid == 0 ? capabilities : [],
        Inheritable = [],
        Ambient = [],
    };

    /// <summary>The environment of a process: what was asked for, the links that it does not name, and HOME, HOSTNAME and TERM.</summary>
    public static IReadOnlyList<string> Environment(
        IReadOnlyList<string> asked, IReadOnlyList<string> links, string hostName, string home, bool tty)
    {
        List<string> all = [];
        if (!Has(asked, "PATH"))
            all.Add(MergeSettings.DefaultPath);
        if (!Has(asked, "HOSTNAME"))
            all.Add("HOSTNAME=" + hostName);
        if (tty && !Has(asked, "TERM"))
            all.Add("TERM=xterm");
        all.AddRange(links.Where(link => !Has(asked, link.Split('=', 2)[0])));
        all.AddRange(asked);
        if (!Has(asked, "HOME"))
            all.Add("HOME=" + (home.Length > 0 ? home : "/"));
        return all;
    }

    private static bool Has(IReadOnlyList<string> environment, string name) =>
        environment.Any(entry => entry.StartsWith(name + "=", StringComparison.Ordinal));

    private static ProcessSpec Process(SpecInputs inputs, IReadOnlyList<string> capabilities, SecurityOptions security)
    {
        ContainerSettings config = inputs.Container.Config;
        HostSettings host = inputs.Container.Host;
        return new ProcessSpec
        {
            Terminal = config.Tty,
            ConsoleSize = host.ConsoleSize is { Rows: > 0, Columns: > 0 } size
                ? new ConsoleSize { Height = (uint)size.Rows, Width = (uint)size.Columns } : null,
            User = inputs.User,
            Args = inputs.Container.Program,
            Env = Environment(config.Env ?? [], inputs.LinkVariables, inputs.HostName, inputs.Home, config.Tty),
            Cwd = string.IsNullOrEmpty(config.WorkingDir) ? "/" : config.WorkingDir,
            Capabilities = CapabilitySets(capabilities, inputs.User.Uid),
            Rlimits = Rlimits(host.Resources.Ulimits ?? [], inputs.Options.DefaultUlimits),
            NoNewPrivileges = security.NoNewPrivileges,
            ApparmorProfile = security.AppArmorFor(host.Privileged, inputs.AppArmorProfile),
            OomScoreAdj = host.OomScoreAdj,
        };
    }

    /// <summary>The limits of a process: what was asked for, and the engine's for the rest.</summary>
    public static IReadOnlyList<RlimitSpec> Rlimits(IReadOnlyList<Ulimit> asked, IReadOnlyList<Ulimit> defaults) =>
        [.. asked.Concat(defaults.Where(limit => asked.All(other => other.Name != limit.Name))).Select(limit => new RlimitSpec
        {
            Type = "RLIMIT_" + limit.Name.ToUpperInvariant(),
            Soft = limit.Soft < 0 ? ulong.MaxValue : (ulong)limit.Soft,
            Hard = limit.Hard < 0 ? ulong.MaxValue : (ulong)limit.Hard,
        })];

    private static List<NamespaceSpec> Namespaces(SpecInputs inputs)
    {
        HostSettings host = inputs.Container.Host;
        List<NamespaceSpec> all = [new() { Type = "mount" }];
        if (inputs.Container.UserMaps is not null)
            all.Add(new NamespaceSpec { Type = "user", Path = inputs.UserNamespaceOf is { } root ? $"/proc/{root}/ns/user" : null });
        if (inputs.PidNamespaceOf is { } pid)
            all.Add(new NamespaceSpec { Type = "pid", Path = $"/proc/{pid}/ns/pid" });
        else if (host.PidMode != "host")
            all.Add(new NamespaceSpec { Type = "pid" });
        if (inputs.IpcNamespaceOf is { } ipc)
            all.Add(new NamespaceSpec { Type = "ipc", Path = $"/proc/{ipc}/ns/ipc" });
        else if (host.IpcMode != "host")
            all.Add(new NamespaceSpec { Type = "ipc" });
        if (host.UTSMode != "host")
            all.Add(new NamespaceSpec { Type = "uts" });
        if (inputs.NetworkNamespaceOf is { } owner)
            all.Add(new NamespaceSpec { Type = "network", Path = $"/proc/{owner}/ns/net" });
        else if (host.NetworkMode != "host")
            all.Add(new NamespaceSpec { Type = "network" });
        if (host.CgroupnsMode != "host" && !(host.Privileged && string.IsNullOrEmpty(host.CgroupnsMode)))
            all.Add(new NamespaceSpec { Type = "cgroup" });
        return all;
    }

    /// <summary>What a container's scope is named by, before its ID.</summary>
    private const string ScopePrefix = "berth";

    private static string CgroupPath(SpecInputs inputs)
    {
        string parent = string.IsNullOrEmpty(inputs.Container.Host.Resources.CgroupParent)
            ? inputs.Options.CgroupParent : inputs.Container.Host.Resources.CgroupParent;
        return inputs.Options.SystemdCgroup ? $"{parent}:{ScopePrefix}:{inputs.Container.Id}"
            : ContainerPath.Clean(parent + "/" + inputs.Container.Id);
    }

    // As Docker: unprivileged ports from 0 and ping for everybody in a network namespace of its own.
    private static Dictionary<string, string> Sysctls(SpecInputs inputs)
    {
        Dictionary<string, string> all = new(StringComparer.Ordinal);
        if (inputs.Container.Host.NetworkMode != "host" && inputs.NetworkNamespaceOf is null)
        {
            // A network namespace that was prepared has it already; one that belongs to a user namespace is made with the container.
            if (inputs.Container.UserMaps is not null && File.Exists("/proc/sys/" + NoIPv6.Replace('.', '/')))
                all[NoIPv6] = "1";
            all["net.ipv4.ip_unprivileged_port_start"] = "0";
            all["net.ipv4.ping_group_range"] = $"0 {Math.Min(
                inputs.Container.UserMaps?.LastGroup ?? UserNamespace.LastGroup, int.MaxValue)}";
        }
        foreach ((string key, string value) in inputs.Container.Host.Sysctls ?? new Dictionary<string, string>())
            all[key] = value;
        return all;
    }

    private static string? RootPropagation(IReadOnlyList<MountSpec> mounts)
    {
        bool Has(string option) => mounts.Any(mount => mount.Options?.Contains(option) == true);
        return Has("shared") || Has("rshared") ? "shared" : Has("slave") || Has("rslave") ? "rslave" : null;
    }
}
