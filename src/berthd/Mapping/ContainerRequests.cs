using Berth.Engine;
using Berth.Oci.Images;
using OciHealth = Berth.Oci.Images.HealthConfig;

namespace Berth.Daemon.Mapping;

/// <summary>What clients ask for containers, in the domain's terms.</summary>
internal static class ContainerRequests
{
    /// <summary>The portable half.</summary>
    public static ContainerSettings ToSettings(this Wire.ContainerConfig config) => new()
    {
        Image = config.Image,
        Hostname = config.Hostname.NullIfEmpty(),
        Domainname = config.Domainname.NullIfEmpty(),
        User = config.User.NullIfEmpty(),
        AttachStdin = config.AttachStdin,
        AttachStdout = config.AttachStdout,
        AttachStderr = config.AttachStderr,
        Tty = config.Tty,
        OpenStdin = config.OpenStdin,
        StdinOnce = config.StdinOnce,
        Env = config.Env,
        Cmd = config.Cmd,
        Entrypoint = config.Entrypoint,
        WorkingDir = config.WorkingDir.NullIfEmpty(),
        Labels = config.Labels,
        ExposedPorts = config.ExposedPorts is { } ports ? [.. ports.Keys] : null,
        Volumes = config.Volumes is { } volumes ? [.. volumes.Keys] : null,
        StopSignal = config.StopSignal.NullIfEmpty(),
        StopTimeout = config.StopTimeout,
        Healthcheck = config.Healthcheck is { } health ? ToHealth(health) : null,
        NetworkDisabled = config.NetworkDisabled,
        Shell = config.Shell,
        OnBuild = config.OnBuild,
        MacAddress = config.MacAddress.NullIfEmpty(),
    };

    /// <summary>The machine's half.</summary>
    public static HostSettings ToSettings(this Wire.HostConfig host) => new()
    {
        Resources = host.ToLimits(),
        Binds = host.Binds,
        Mounts = host.Mounts is { } mounts ? [.. mounts.Select(ToMount)] : null,
        Tmpfs = host.Tmpfs,
        VolumesFrom = host.VolumesFrom,
        VolumeDriver = host.VolumeDriver.NullIfEmpty(),
        NetworkMode = host.NetworkMode.NullIfEmpty(),
        PortBindings = host.PortBindings is { } bindings ? ToBindings(bindings) : null,
        PublishAllPorts = host.PublishAllPorts,
        RestartPolicy = host.RestartPolicy.ToPolicy() ?? RestartPolicy.No,
        AutoRemove = host.AutoRemove,
        HealthOnFailure = host.HealthOnFailure,
        LogConfig = host.LogConfig.Type.Length > 0 || host.LogConfig.Config is { Count: > 0 }
            ? new LogSettings(host.LogConfig.Type, host.LogConfig.Config ?? new Dictionary<string, string>()) : null,
        CapAdd = host.CapAdd,
        CapDrop = host.CapDrop,
        Privileged = host.Privileged,
        ReadonlyRootfs = host.ReadonlyRootfs,
        SecurityOpt = host.SecurityOpt,
        Dns = host.Dns,
        DnsOptions = host.DnsOptions,
        DnsSearch = host.DnsSearch,
        ExtraHosts = host.ExtraHosts,
        GroupAdd = host.GroupAdd,
        IpcMode = host.IpcMode.NullIfEmpty(),
        PidMode = host.PidMode.NullIfEmpty(),
        UTSMode = host.UTSMode.NullIfEmpty(),
        UsernsMode = host.UsernsMode.NullIfEmpty(),
        CgroupnsMode = host.CgroupnsMode.NullIfEmpty(),
        Cgroup = host.Cgroup.NullIfEmpty(),
        Sysctls = host.Sysctls,
        ShmSize = host.ShmSize,
        OomScoreAdj = host.OomScoreAdj,
        Init = host.Init,
        Annotations = host.Annotations,
        Runtime = host.Runtime.NullIfEmpty(),
        Isolation = host.Isolation.NullIfEmpty(),
        StorageOpt = host.StorageOpt,
        Links = host.Links,
        MaskedPaths = host.MaskedPaths,
        ReadonlyPaths = host.ReadonlyPaths,
        ConsoleSize = host.ConsoleSize.ToConsoleSize(),
        ContainerIDFile = host.ContainerIDFile.NullIfEmpty(),
    };

    /// <summary>Limits.</summary>
    public static ResourceLimits ToLimits(this Wire.Resources limits) => new()
    {
        Memory = limits.Memory,
        MemorySwap = limits.MemorySwap,
        MemoryReservation = limits.MemoryReservation,
        // The command line sends -1 for "as the kernel likes".
        MemorySwappiness = limits.MemorySwappiness is -1 ? null : limits.MemorySwappiness,
        NanoCpus = limits.NanoCpus,
        CpuShares = limits.CpuShares,
        CpuPeriod = limits.CpuPeriod,
        CpuQuota = limits.CpuQuota,
        CpuRealtimePeriod = limits.CpuRealtimePeriod,
        CpuRealtimeRuntime = limits.CpuRealtimeRuntime,
        CpusetCpus = limits.CpusetCpus.NullIfEmpty(),
        CpusetMems = limits.CpusetMems.NullIfEmpty(),
        PidsLimit = limits.PidsLimit,
        BlkioWeight = limits.BlkioWeight,
        BlkioWeightDevice = limits.BlkioWeightDevice is { } weights
            ? [.. weights.Select(weight => new BlockDeviceRate(weight.Path, weight.Weight))] : null,
        BlkioDeviceReadBps = ToRates(limits.BlkioDeviceReadBps),
        BlkioDeviceWriteBps = ToRates(limits.BlkioDeviceWriteBps),
        BlkioDeviceReadIOps = ToRates(limits.BlkioDeviceReadIOps),
        BlkioDeviceWriteIOps = ToRates(limits.BlkioDeviceWriteIOps),
        CgroupParent = limits.CgroupParent.NullIfEmpty(),
        OomKillDisable = limits.OomKillDisable,
        Devices = limits.Devices is { } devices
            ? [.. devices.Select(device => new DeviceMapping(
                device.PathOnHost, device.PathInContainer, device.CgroupPermissions))] : null,
        DeviceCgroupRules = limits.DeviceCgroupRules,
        DeviceRequests = limits.DeviceRequests is { } requests
            ? [.. requests.Select(request => new DeviceRequest(
                request.Driver, request.Count, request.DeviceIDs ?? [], request.Capabilities ?? [], request.Options))] : null,
        Ulimits = limits.Ulimits is { } ulimits
            ? [.. ulimits.Select(ulimit => new Ulimit(ulimit.Name, ulimit.Soft, ulimit.Hard))] : null,
    };

    /// <summary>A restart policy; null when none is named.</summary>
    public static RestartPolicy? ToPolicy(this Wire.RestartPolicy? policy) => policy switch
    {
        null or { Name: "", MaximumRetryCount: 0 } => null,
        { Name: "" } => throw FaultException.Invalid(
            "invalid restart policy: maximum retry count can only be used with 'on-failure'"),
        _ => new RestartPolicy(policy.Name, policy.MaximumRetryCount),
    };

    /// <summary>How to join a network.</summary>
    public static EndpointSettings ToSettings(this Wire.EndpointSettings? endpoint) => endpoint switch
    {
        null => new EndpointSettings(),
        _ => new EndpointSettings
        {
            Aliases = endpoint.Aliases ?? [],
            Links = endpoint.Links ?? [],
            IPv4Address = endpoint.IPAMConfig?.IPv4Address ?? "",
            IPv6Address = endpoint.IPAMConfig?.IPv6Address ?? "",
            LinkLocalAddresses = endpoint.IPAMConfig?.LinkLocalIPs ?? [],
            MacAddress = endpoint.MacAddress,
            DriverOptions = endpoint.DriverOpts ?? new Dictionary<string, string>(),
            GatewayPriority = endpoint.GwPriority,
        },
    };

    /// <summary>Rows and columns; zero when they are not given.</summary>
    public static (int Rows, int Columns) ToConsoleSize(this IReadOnlyList<uint>? size) =>
        size is [var rows, var columns] ? ((int)Math.Min(rows, ushort.MaxValue), (int)Math.Min(columns, ushort.MaxValue)) : default;

    private static Dictionary<string, IReadOnlyList<PortBinding>> ToBindings(
        IReadOnlyDictionary<string, IReadOnlyList<Wire.PortBinding>?> bindings) => bindings.ToDictionary(
            binding => binding.Key,
            binding => (IReadOnlyList<PortBinding>)
                [.. (binding.Value ?? []).Select(port => new PortBinding(port.HostIp, port.HostPort))]);

    private static IReadOnlyList<BlockDeviceRate>? ToRates(IReadOnlyList<Wire.ThrottleDevice>? devices) =>
        devices is null ? null : [.. devices.Select(device => new BlockDeviceRate(device.Path, device.Rate))];

    private static OciHealth ToHealth(Wire.HealthConfig health) => new()
    {
        Test = health.Test,
        Interval = health.Interval,
        Timeout = health.Timeout,
        StartPeriod = health.StartPeriod,
        StartInterval = health.StartInterval,
        Retries = health.Retries,
    };

    private static MountRequest ToMount(Wire.Mount mount)
    {
        CheckOptionGroups(mount);
        return new MountRequest
        {
            Type = mount.Type ?? "",
            Source = mount.Source ?? "",
            Target = mount.Target ?? "",
            ReadOnly = mount.ReadOnly,
            Consistency = mount.Consistency,
            Propagation = mount.BindOptions?.Propagation,
            NonRecursive = mount.BindOptions?.NonRecursive ?? false,
            ReadOnlyNonRecursive = mount.BindOptions?.ReadOnlyNonRecursive ?? false,
            ReadOnlyForceRecursive = mount.BindOptions?.ReadOnlyForceRecursive ?? false,
            CreateMountpoint = mount.BindOptions?.CreateMountpoint ?? false,
            NoCopy = mount.VolumeOptions?.NoCopy ?? false,
            Labels = mount.VolumeOptions?.Labels,
            Driver = mount.VolumeOptions?.DriverConfig?.Name,
            DriverOptions = mount.VolumeOptions?.DriverConfig?.Options,
            Subpath = mount.VolumeOptions?.Subpath ?? mount.ImageOptions?.Subpath,
            TmpfsSize = mount.TmpfsOptions?.SizeBytes ?? 0,
            TmpfsMode = mount.TmpfsOptions?.Mode ?? 0,
            TmpfsOptions = mount.TmpfsOptions?.Options is { Count: > 0 } options
                ? [.. options.Select(option => string.Join('=', option))] : null,
        };
    }

    // Docker's texts.
    private static void CheckOptionGroups(Wire.Mount mount)
    {
        (string Type, string Name, bool IsGiven)[] groups =
        [
            ("bind", "BindOptions", mount.BindOptions is not null), ("volume", "VolumeOptions", mount.VolumeOptions is not null),
            ("image", "ImageOptions", mount.ImageOptions is not null), ("tmpfs", "TmpfsOptions", mount.TmpfsOptions is not null),
        ];
        foreach ((string type, string name, bool isGiven) in groups)
            if (isGiven && mount.Type != type && groups.Any(other => other.Type == mount.Type))
                throw FaultException.Invalid($"invalid mount config for type \"{mount.Type}\": field {name} must not be specified");
    }
}
