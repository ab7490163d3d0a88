namespace Berth.Daemon.Mapping;

/// <summary>What the same request means in an older version of the API: fields that it did not have yet, and the defaults that its clients
/// count on. Engine API, version-history.md.</summary>
internal static class OlderClients
{
    private static readonly Wire.ApiVersion s_privateIpc = new(1, 40);
    private static readonly Wire.ApiVersion s_privateCgroups = new(1, 41);
    private static readonly Wire.ApiVersion s_withConsoleSize = new(1, 42);
    private static readonly Wire.ApiVersion s_withAnnotations = new(1, 43);
    private static readonly Wire.ApiVersion s_withEndpointMac = new(1, 44);
    private static readonly Wire.ApiVersion s_withSubpath = new(1, 45);
    private static readonly Wire.ApiVersion s_withTmpfsOptions = new(1, 46);
    private static readonly Wire.ApiVersion s_withGatewayPriority = new(1, 48);

    /// <summary>Brings a request to make a container into the newest form.</summary>
    /// <returns>What its author should know.</returns>
    /// <exception cref="FaultException">InvalidArgument: it has what its version did not have, and would not mean what it says.</exception>
    public static IReadOnlyList<string> Adjust(Wire.CreateContainerRequest request, Wire.ApiVersion version, bool isCgroupVersion2)
    {
        Wire.HostConfig host = request.HostConfig ??= new Wire.HostConfig();
        if (version < s_privateIpc && host.IpcMode.Length == 0)
            host.IpcMode = "shareable";
        if (version < s_privateCgroups && host.CgroupnsMode.Length == 0 && !isCgroupVersion2)
            host.CgroupnsMode = "host";
        if (version < s_withConsoleSize)
            host.ConsoleSize = null;
        if (version < s_withAnnotations)
            host.Annotations = null;
        if (version < s_withEndpointMac && request.Healthcheck is { } health)
            health.StartInterval = 0;
        foreach (Wire.Mount mount in host.Mounts ?? [])
            Adjust(mount, version);
        IReadOnlyDictionary<string, Wire.EndpointSettings?> endpoints =
            request.NetworkingConfig?.EndpointsConfig ?? new Dictionary<string, Wire.EndpointSettings?>();
        if (version < s_withEndpointMac && endpoints.Count > 1)
            throw FaultException.Invalid(
                $"Container cannot be created with multiple network endpoints: {string.Join(", ", endpoints.Keys)}");
        if (version < s_withGatewayPriority)
            foreach (Wire.EndpointSettings endpoint in endpoints.Values.OfType<Wire.EndpointSettings>())
                endpoint.GwPriority = 0;
        IReadOnlyList<string> hints = AdjustMac(request, endpoints, version);
        return InterfaceSysctls.Migrate(request, version) is { } moved ? [.. hints, moved] : hints;
    }

    /// <summary>True when a container of that version has at most one network at its creation.</summary>
    public static bool HasOneEndpoint(Wire.ApiVersion version) => version < s_withEndpointMac;

    /// <summary>True when read-only mounts of that version's clients leave what is mounted below them as it is.</summary>
    public static bool ReadOnlyIsFlat(Wire.ApiVersion version) => version < s_withEndpointMac;

    /// <summary>A container's view as that version shows it.</summary>
    public static Wire.ContainerInspect Show(this Wire.ContainerInspect container, Wire.ApiVersion version)
    {
        if (container.NetworkSettings is not { } settings || container.Config is not { } config)
            return container;
        if (version < s_withEndpointMac)
            config.MacAddress = container.DesiredMac;
        if (version >= s_withSubpath)
            return container;
        // Older clients look for the name that the name server answers to among the aliases.
        foreach ((string name, Wire.EndpointSettings endpoint) in settings.Networks)
            if (name is not ("bridge" or "host" or "none"))
                endpoint.Aliases = [.. (endpoint.Aliases ?? []).Append(container.Id[..12]).Append(config.Hostname)
                    .Where(alias => alias.Length > 0).Distinct()];
        return container;
    }

    // Combinations that make no sense were not looked at before 1.42, so that clients send them.
    private static void Adjust(Wire.Mount mount, Wire.ApiVersion version)
    {
        if (version < s_privateIpc && mount.BindOptions is { } bind)
            bind.NonRecursive = false;
        if (version < s_withConsoleSize)
        {
            mount.BindOptions = mount.Type == "bind" ? mount.BindOptions : null;
            mount.VolumeOptions = mount.Type == "volume" ? mount.VolumeOptions : null;
            mount.TmpfsOptions = mount.Type == "tmpfs" ? mount.TmpfsOptions : null;
            if (mount.BindOptions is { } made)
                made.CreateMountpoint = false;
        }
        if (version < s_withEndpointMac && mount.BindOptions is { ReadOnlyForceRecursive: true })
            throw FaultException.Invalid("BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer");
        if (version < s_withSubpath && mount.VolumeOptions is { Subpath.Length: > 0 })
            throw FaultException.Invalid("VolumeOptions.Subpath needs API v1.45 or newer");
        if (version < s_withTmpfsOptions && mount.TmpfsOptions is { Options.Count: > 0 })
            throw FaultException.Invalid("TmpfsOptions.Options needs API v1.46 or newer");
    }

    // Until 1.44 a container had one hardware address, since then each of its endpoints has.
    private static IReadOnlyList<string> AdjustMac(
        Wire.CreateContainerRequest request, IReadOnlyDictionary<string, Wire.EndpointSettings?> endpoints, Wire.ApiVersion version)
    {
        string mac = request.MacAddress ?? "";
        string mode = request.HostConfig!.NetworkMode is { Length: > 0 } given ? given : "default";
        bool hasOwnNetwork = mode is not ("host" or "none") && !mode.StartsWith("container:", StringComparison.Ordinal);
        if (version < s_withEndpointMac)
        {
            if (mac.Length > 0 && !hasOwnNetwork)
                throw FaultException.Invalid("conflicting options: mac-address and the network mode");
            foreach (Wire.EndpointSettings endpoint in endpoints.Values.OfType<Wire.EndpointSettings>())
                endpoint.MacAddress = "";
            return [];
        }
        if (mac.Length == 0)
            return [];
        Wire.EndpointSettings? main = endpoints.GetValueOrDefault(mode)
            ?? (mode is "default" or "bridge" ? endpoints.GetValueOrDefault(mode == "default" ? "bridge" : "default") : null);
        if (hasOwnNetwork && main is { MacAddress.Length: > 0 }
            && !string.Equals(main.MacAddress, mac, StringComparison.OrdinalIgnoreCase))
            throw FaultException.Invalid("the container-wide MAC address must match the endpoint-specific MAC address for the main "
                + "network, or be left empty");
        return ["The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead."];
    }
}
