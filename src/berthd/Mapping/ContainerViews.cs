using Berth.Engine;
using OciHealth = Berth.Oci.Images.HealthConfig;

namespace Berth.Daemon.Mapping;

/// <summary>Containers as clients see them.</summary>
internal static class ContainerViews
{
    private static readonly Wire.ApiVersion s_withAnnotations = new(1, 46);

    /// <summary>The answer of <c>inspect</c>.</summary>
    public static Wire.ContainerInspect ToWire(this ContainerDetails container) => new()
    {
        Id = container.Id,
        Created = Wire.GoTimeConverter.Format(container.Created),
        Path = container.Path,
        Args = container.Args,
        State = ToWire(container.State),
        Image = container.ImageId.ToString(),
        ResolvConfPath = container.ResolvConfPath,
        HostnamePath = container.HostnamePath,
        HostsPath = container.HostsPath,
        LogPath = container.LogPath,
        Name = "/" + container.Name,
        RestartCount = container.RestartCount,
        Driver = DriverName(container.GraphDriver),
        Platform = container.Os,
        AppArmorProfile = container.AppArmorProfile,
        ExecIDs = container.ExecIds.Count > 0 ? container.ExecIds : null,
        HostConfig = container.Host.ToWire(),
        GraphDriver = new Wire.DriverData { Name = DriverName(container.GraphDriver), Data = container.GraphDriver },
        SizeRw = container.SizeRw,
        SizeRootFs = container.SizeRootFs,
        Mounts = [.. container.Mounts.Select(ToWire)],
        Config = container.Config.ToWire(),
        NetworkSettings = ToWire(container.Networks),
        DesiredMac = container.Networks.Endpoints.GetValueOrDefault(container.Host.NetworkMode ?? "bridge")?
            .Settings.MacAddress.NullIfEmpty(),
    };

    /// <summary>One line of a list.</summary>
    public static Wire.ContainerSummary ToWire(this ContainerSummary container, Wire.ApiVersion version)
    {
        ContainerDetails details = container.Details;
        return new Wire.ContainerSummary
        {
            Id = details.Id,
            Names = ["/" + details.Name, .. details.LinkNames.Select(name => "/" + name)],
            Image = container.Image,
            ImageID = details.ImageId.ToString(),
            Command = container.Command,
            Created = details.Created.ToUnixTimeSeconds(),
            Ports = ToPorts(details),
            SizeRw = details.SizeRw ?? 0,
            SizeRootFs = details.SizeRootFs ?? 0,
            Labels = details.Config.Labels ?? new Dictionary<string, string>(),
            State = StatusText(details.State.Status),
            Status = container.Status,
            HostConfig = new Wire.ContainerSummaryHostConfig
            {
                NetworkMode = details.Host.NetworkMode ?? "default",
                Annotations = version < s_withAnnotations ? null : details.Host.Annotations,
            },
            NetworkSettings = new Wire.ContainerSummaryNetworks
            {
                Networks = details.Networks.Endpoints.ToDictionary(pair => pair.Key, pair => pair.Value.ToWire()),
            },
            Mounts = [.. details.Mounts.Select(ToWire)],
        };
    }

    /// <summary>The state's word on the wire.</summary>
    public static string StatusText(ContainerStatus status) => status switch
    {
        ContainerStatus.Created => "created",
        ContainerStatus.Running => "running",
        ContainerStatus.Paused => "paused",
        ContainerStatus.Restarting => "restarting",
        ContainerStatus.Removing => "removing",
        ContainerStatus.Exited => "exited",
        _ => "dead",
    };

    /// <summary>A connection to a network.</summary>
    public static Wire.EndpointSettings ToWire(this EndpointDetails endpoint) => new()
    {
        IPAMConfig = endpoint.Settings is { IPv4Address: "", IPv6Address: "", LinkLocalAddresses.Count: 0 } ? null
            : new Wire.EndpointIpamConfig
        {
            IPv4Address = endpoint.Settings.IPv4Address.NullIfEmpty(),
            IPv6Address = endpoint.Settings.IPv6Address.NullIfEmpty(),
            LinkLocalIPs = endpoint.Settings.LinkLocalAddresses is { Count: > 0 } local ? local : null,
        },
        Links = endpoint.Settings.Links.Count > 0 ? endpoint.Settings.Links : null,
        Aliases = endpoint.Settings.Aliases.Count > 0 ? endpoint.Settings.Aliases : null,
        MacAddress = endpoint.MacAddress,
        DriverOpts = endpoint.Settings.DriverOptions.Count > 0 ? endpoint.Settings.DriverOptions : null,
        GwPriority = endpoint.Settings.GatewayPriority,
        NetworkID = endpoint.NetworkId,
        EndpointID = endpoint.EndpointId,
        Gateway = endpoint.Gateway,
        IPAddress = endpoint.IPAddress,
        IPPrefixLen = endpoint.IPPrefixLength,
        IPv6Gateway = endpoint.IPv6Gateway,
        GlobalIPv6Address = endpoint.GlobalIPv6Address,
        GlobalIPv6PrefixLen = endpoint.GlobalIPv6PrefixLength,
        DNSNames = endpoint.DnsNames.Count > 0 ? endpoint.DnsNames : null,
    };

    private static string DriverName(IReadOnlyDictionary<string, string> data) =>
        data.ContainsKey("UpperDir") ? "overlay2" : "vfs";

    private static Wire.ContainerState ToWire(ContainerState state) => new()
    {
        Status = StatusText(state.Status),
        Running = state.Running,
        Paused = state.Status is ContainerStatus.Paused,
        Restarting = state.Status is ContainerStatus.Restarting,
        OOMKilled = state.OutOfMemory,
        Dead = state.Status is ContainerStatus.Dead,
        Pid = state.Pid,
        ExitCode = state.ExitCode,
        Error = state.Error,
        StartedAt = Wire.GoTimeConverter.Format(state.StartedAt ?? default),
        FinishedAt = Wire.GoTimeConverter.Format(state.FinishedAt ?? default),
        Health = state.Health is { } health ? new Wire.Health
        {
            Status = health.Status,
            FailingStreak = health.FailingStreak,
            Log = [.. health.Log.Select(result => new Wire.HealthcheckResult
            {
                Start = result.Start, End = result.End, ExitCode = result.ExitCode, Output = result.Output,
            })],
        } : null,
    };

    private static Wire.MountPoint ToWire(MountPoint mount) => new()
    {
        Type = mount.Type,
        Name = mount.Name.NullIfEmpty(),
        Source = mount.Source,
        Destination = mount.Destination,
        Driver = mount.Driver.NullIfEmpty(),
        Mode = mount.Mode,
        RW = mount.ReadWrite,
        Propagation = mount.Propagation,
    };

    private static Wire.NetworkSettings ToWire(ContainerNetworks networks)
    {
        EndpointDetails? bridge = networks.Endpoints.GetValueOrDefault("bridge");
        return new Wire.NetworkSettings
        {
            SandboxID = networks.SandboxId,
            SandboxKey = networks.SandboxKey,
            Ports = networks.Ports.ToDictionary(
                pair => pair.Key,
                // Exposed and not published is null, not an empty list.
                pair => pair.Value.Count == 0 ? null : (IReadOnlyList<Wire.PortBinding>)[.. pair.Value.Select(ToWire)]),
            EndpointID = bridge?.EndpointId ?? "",
            Gateway = bridge?.Gateway ?? "",
            GlobalIPv6Address = bridge?.GlobalIPv6Address ?? "",
            GlobalIPv6PrefixLen = bridge?.GlobalIPv6PrefixLength ?? 0,
            IPAddress = bridge?.IPAddress ?? "",
            IPPrefixLen = bridge?.IPPrefixLength ?? 0,
            IPv6Gateway = bridge?.IPv6Gateway ?? "",
            MacAddress = bridge?.MacAddress ?? "",
            Networks = networks.Endpoints.ToDictionary(pair => pair.Key, pair => pair.Value.ToWire()),
        };
    }

    private static Wire.PortBinding ToWire(PortBinding binding) =>
        new() { HostIp = binding.HostIp, HostPort = binding.HostPort };

    private static IReadOnlyList<Wire.PortSummary> ToPorts(ContainerDetails container)
    {
        var ports = new List<Wire.PortSummary>();
        foreach ((string inside, IReadOnlyList<PortBinding> bindings) in container.Networks.Ports)
        {
            (ushort port, string protocol) = ParsePort(inside);
            if (bindings.Count == 0)
                ports.Add(new Wire.PortSummary { PrivatePort = port, Type = protocol });
            ports.AddRange(bindings.Select(binding => new Wire.PortSummary
            {
                IP = binding.HostIp.NullIfEmpty(),
                PrivatePort = port,
                PublicPort = ushort.TryParse(binding.HostPort, out ushort published) ? published : (ushort)0,
                Type = protocol,
            }));
        }
        return ports;
    }

    private static (ushort Port, string Protocol) ParsePort(string text)
    {
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        ReadOnlySpan<char> number = slash < 0 ? text : text.AsSpan(0, slash);
        return (ushort.TryParse(number, out ushort port) ? port : (ushort)0, slash < 0 ? "tcp" : text[(slash + 1)..]);
    }

    /// <summary>The portable half.</summary>
    public static Wire.ContainerConfig ToWire(this ContainerSettings config) => new()
    {
        Image = config.Image,
        Hostname = config.Hostname ?? "",
        Domainname = config.Domainname ?? "",
        User = config.User ?? "",
        AttachStdin = config.AttachStdin,
        AttachStdout = config.AttachStdout,
        AttachStderr = config.AttachStderr,
        Tty = config.Tty,
        OpenStdin = config.OpenStdin,
        StdinOnce = config.StdinOnce,
        Env = config.Env ?? [],
        Cmd = config.Cmd,
        Entrypoint = config.Entrypoint,
        WorkingDir = config.WorkingDir ?? "",
        Labels = config.Labels ?? new Dictionary<string, string>(),
        ExposedPorts = config.ExposedPorts.ToSet(),
        Volumes = config.Volumes.ToSet(),
        StopSignal = config.StopSignal,
        StopTimeout = config.StopTimeout,
        Healthcheck = config.Healthcheck is { } health ? health.ToWire() : null,
        NetworkDisabled = config.NetworkDisabled,
        Shell = config.Shell,
        OnBuild = config.OnBuild,
    };

    /// <summary>How health is checked.</summary>
    public static Wire.HealthConfig ToWire(this OciHealth health) => new()
    {
        Test = health.Test,
        Interval = health.Interval,
        Timeout = health.Timeout,
        StartPeriod = health.StartPeriod,
        StartInterval = health.StartInterval,
        Retries = health.Retries,
    };

    /// <summary>Go's set: an object of empty objects; null when there is nothing in it.</summary>
    public static Dictionary<string, Wire.Empty>? ToSet(this IEnumerable<string>? items) =>
        items?.ToDictionary(item => item, _ => Wire.Empty.Instance) is { Count: > 0 } set ? set : null;
}
