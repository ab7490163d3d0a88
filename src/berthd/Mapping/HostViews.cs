using Berth.Engine;

namespace Berth.Daemon.Mapping;

/// <summary>The machine's half of a container's settings as clients see it.</summary>
internal static class HostViews
{
    /// <summary>What <c>inspect</c> shows as <c>HostConfig</c>.</summary>
    public static Wire.HostConfig ToWire(this HostSettings host)
    {
        var view = new Wire.HostConfig
        {
            Binds = host.Binds,
            ContainerIDFile = host.ContainerIDFile ?? "",
            LogConfig = new Wire.LogConfig
            {
                Type = host.LogConfig?.Type ?? "json-file",
                Config = host.LogConfig?.Config ?? new Dictionary<string, string>(),
            },
            NetworkMode = host.NetworkMode ?? "default",
            PortBindings = (host.PortBindings ?? new Dictionary<string, IReadOnlyList<PortBinding>>()).ToDictionary(
                pair => pair.Key,
                pair => (IReadOnlyList<Wire.PortBinding>?)[.. pair.Value.Select(
                    binding => new Wire.PortBinding { HostIp = binding.HostIp, HostPort = binding.HostPort })]),
            RestartPolicy = new Wire.RestartPolicy
            {
                Name = host.RestartPolicy.Name,
                MaximumRetryCount = host.RestartPolicy.MaximumRetryCount,
            },
            AutoRemove = host.AutoRemove,
            HealthOnFailure = host.HealthOnFailure,
            VolumeDriver = host.VolumeDriver ?? "",
            VolumesFrom = host.VolumesFrom,
            ConsoleSize = [(uint)host.ConsoleSize.Rows, (uint)host.ConsoleSize.Columns],
            Annotations = host.Annotations,
            Mounts = host.Mounts is { Count: > 0 } mounts ? [.. mounts.Select(ToWire)] : null,
            Tmpfs = host.Tmpfs,
        };
        SetIsolation(view, host);
        SetLimits(view, host.Resources);
        return view;
    }

    private static void SetIsolation(Wire.HostConfig view, HostSettings host)
    {
        view.CapAdd = host.CapAdd;
        view.CapDrop = host.CapDrop;
        view.CgroupnsMode = host.CgroupnsMode ?? "";
        view.Dns = host.Dns ?? [];
        view.DnsOptions = host.DnsOptions ?? [];
        view.DnsSearch = host.DnsSearch ?? [];
        view.ExtraHosts = host.ExtraHosts;
        view.GroupAdd = host.GroupAdd;
        view.IpcMode = host.IpcMode ?? "";
        view.Cgroup = host.Cgroup ?? "";
        view.Links = host.Links;
        view.OomScoreAdj = host.OomScoreAdj;
        view.PidMode = host.PidMode ?? "";
        view.Privileged = host.Privileged;
        view.PublishAllPorts = host.PublishAllPorts;
        view.ReadonlyRootfs = host.ReadonlyRootfs;
        view.SecurityOpt = host.SecurityOpt;
        view.StorageOpt = host.StorageOpt;
        view.UTSMode = host.UTSMode ?? "";
        view.UsernsMode = host.UsernsMode ?? "";
        view.ShmSize = host.ShmSize;
        view.Sysctls = host.Sysctls;
        view.Runtime = host.Runtime;
        view.Isolation = host.Isolation ?? "";
        view.MaskedPaths = host.MaskedPaths;
        view.ReadonlyPaths = host.ReadonlyPaths;
        view.Init = host.Init;
    }

    private static void SetLimits(Wire.Resources view, ResourceLimits limits)
    {
        view.CpuShares = limits.CpuShares;
        view.Memory = limits.Memory;
        view.NanoCpus = limits.NanoCpus;
        view.CgroupParent = limits.CgroupParent ?? "";
        view.BlkioWeight = (ushort)limits.BlkioWeight;
        view.BlkioWeightDevice = [.. (limits.BlkioWeightDevice ?? []).Select(
            device => new Wire.WeightDevice { Path = device.Path, Weight = (ushort)device.Rate })];
        view.BlkioDeviceReadBps = ToRates(limits.BlkioDeviceReadBps);
        view.BlkioDeviceWriteBps = ToRates(limits.BlkioDeviceWriteBps);
        view.BlkioDeviceReadIOps = ToRates(limits.BlkioDeviceReadIOps);
        view.BlkioDeviceWriteIOps = ToRates(limits.BlkioDeviceWriteIOps);
        view.CpuPeriod = limits.CpuPeriod;
        view.CpuQuota = limits.CpuQuota;
        view.CpuRealtimePeriod = limits.CpuRealtimePeriod;
        view.CpuRealtimeRuntime = limits.CpuRealtimeRuntime;
        view.CpusetCpus = limits.CpusetCpus ?? "";
        view.CpusetMems = limits.CpusetMems ?? "";
        view.Devices = [.. (limits.Devices ?? []).Select(device => new Wire.DeviceMapping
        {
            PathOnHost = device.PathOnHost,
            PathInContainer = device.PathInContainer,
            CgroupPermissions = device.CgroupPermissions,
        })];
        view.DeviceCgroupRules = limits.DeviceCgroupRules;
        view.DeviceRequests = limits.DeviceRequests is { } requests ? [.. requests.Select(request => new Wire.DeviceRequest
        {
            Driver = request.Driver,
            Count = request.Count,
            DeviceIDs = request.DeviceIds,
            Capabilities = request.Capabilities,
            Options = request.Options,
        })] : null;
        view.MemoryReservation = limits.MemoryReservation;
        view.MemorySwap = limits.MemorySwap;
        view.MemorySwappiness = limits.MemorySwappiness;
        view.OomKillDisable = limits.OomKillDisable;
        view.PidsLimit = limits.PidsLimit;
        view.Ulimits = limits.Ulimits is { } ulimits
            ? [.. ulimits.Select(ulimit => new Wire.Ulimit { Name = ulimit.Name, Soft = ulimit.Soft, Hard = ulimit.Hard })]
            : [];
    }

    private static IReadOnlyList<Wire.ThrottleDevice>? ToRates(IReadOnlyList<BlockDeviceRate>? rates) =>
        rates is null ? null : [.. rates.Select(rate => new Wire.ThrottleDevice { Path = rate.Path, Rate = rate.Rate })];

    private static Wire.Mount ToWire(MountRequest mount)
    {
        bool isVolume = mount.Type == "volume";
        return new Wire.Mount
        {
            Type = mount.Type,
            Source = mount.Source.NullIfEmpty(),
            Target = mount.Target,
            ReadOnly = mount.ReadOnly,
            Consistency = mount.Consistency.NullIfEmpty(),
            BindOptions = mount is { Propagation: null or "", NonRecursive: false, CreateMountpoint: false, ReadOnlyNonRecursive: false,
                ReadOnlyForceRecursive: false } ? null
                : new Wire.BindOptions
                {
                    Propagation = mount.Propagation.NullIfEmpty(),
                    NonRecursive = mount.NonRecursive,
                    CreateMountpoint = mount.CreateMountpoint,
                    ReadOnlyNonRecursive = mount.ReadOnlyNonRecursive,
                    ReadOnlyForceRecursive = mount.ReadOnlyForceRecursive,
                },
            VolumeOptions = isVolume ? ToVolumeOptions(mount) : null,
            ImageOptions = mount.Type == "image" && mount.Subpath is { Length: > 0 } subpath
                ? new Wire.ImageMountOptions { Subpath = subpath } : null,
            TmpfsOptions = mount is { TmpfsSize: 0, TmpfsMode: 0, TmpfsOptions: null } ? null
                : new Wire.TmpfsOptions
                {
                    SizeBytes = mount.TmpfsSize,
                    Mode = mount.TmpfsMode,
                    Options = mount.TmpfsOptions is { } options ? [.. options.Select(option => option.Split('=', 2))] : null,
                },
        };
    }

    private static Wire.VolumeOptions? ToVolumeOptions(MountRequest mount)
    {
        if (mount is { NoCopy: false, Labels: null, Driver: null or "", DriverOptions: null, Subpath: null or "" })
            return null;
        return new Wire.VolumeOptions
        {
            NoCopy = mount.NoCopy,
            Labels = mount.Labels,
            Subpath = mount.Subpath.NullIfEmpty(),
            DriverConfig = mount is { Driver: null or "", DriverOptions: null } ? null
                : new Wire.VolumeDriverConfig { Name = mount.Driver.NullIfEmpty(), Options = mount.DriverOptions },
        };
    }
}
