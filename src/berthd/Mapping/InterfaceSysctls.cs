namespace Berth.Daemon.Mapping;

/// <summary>Kernel parameters of a link among those of the container: <c>--sysctl net.ipv4.conf.eth0.log_martians=1</c>. Those are set
/// before there are links, so older clients' go to the end point of the main network, and newer clients must say it there.</summary>
/// <remarks>Engine API, version-history.md, 1.46 and 1.48.</remarks>
internal static class InterfaceSysctls
{
    private const string Option = "com.docker.network.endpoint.sysctls";
    private const string LinkPrefix = "eth";
    private static readonly Wire.ApiVersion s_withoutMigration = new(1, 48);

    /// <summary>Moves them.</summary>
    /// <returns>What the client's user should know; null: there are none.</returns>
    /// <exception cref="FaultException">InvalidArgument: it is not known of which end point they are, with Docker's text.</exception>
    public static string? Migrate(Wire.CreateContainerRequest request, Wire.ApiVersion version)
    {
        Wire.HostConfig host = request.HostConfig!;
        string mode = host.NetworkMode is { Length: > 0 } given ? given : "default";
        if (mode == "host" || mode.StartsWith("container:", StringComparison.Ordinal) || host.Sysctls is not { Count: > 0 } all)
            return null;
        (string Key, string[] Parts, string Value)[] found =
        [
            .. all.Select(pair => (pair.Key, Parts: pair.Key.Split('.', 5), pair.Value))
                .Where(one => one.Parts is ["net", _, _, var link, _] && link.StartsWith(LinkPrefix, StringComparison.Ordinal)),
        ];
        if (found.Length == 0)
            return null;
        if (version >= s_withoutMigration)
            throw FaultException.Invalid(
                $"interface specific sysctl setting \"{found[0].Key}\" must be supplied using driver option '{Option}'");
        Wire.EndpointSettings endpoint = MainEndpoint(request, mode, version, found[0].Key);
        if (found.FirstOrDefault(static one => one.Parts[3] != LinkPrefix + "0") is { Key: { } unclear })
            throw FaultException.Invalid($"unable to determine network endpoint for sysctl {unclear}, use driver option '{Option}' to set "
                + "per-interface sysctls");

        string moved = string.Join(',', found.Select(static one => $"net.{one.Parts[1]}.{one.Parts[2]}.IFNAME.{one.Parts[4]}={one.Value}"));
        Dictionary<string, string> options = new(endpoint.DriverOpts ?? new Dictionary<string, string>());
        // What was said of the end point itself comes last and counts.
        options[Option] = options.TryGetValue(Option, out string? own) ? $"{moved},{own}" : moved;
        endpoint.DriverOpts = options;
        host.Sysctls = all.Where(pair => found.All(one => one.Key != pair.Key)).ToDictionary();
        return $"Migrated sysctl \"{string.Join(',', found.Select(static one => one.Key))}\" to DriverOpts{{\"{Option}\":\"{moved}\"}}.";
    }

    private static Wire.EndpointSettings MainEndpoint(
        Wire.CreateContainerRequest request, string mode, Wire.ApiVersion version, string key)
    {
        request.NetworkingConfig ??= new Wire.NetworkingConfig();
        Dictionary<string, Wire.EndpointSettings?> endpoints =
            new(request.NetworkingConfig.EndpointsConfig ?? new Dictionary<string, Wire.EndpointSettings?>());
        string? name = endpoints.Count == 0 ? mode
            : endpoints.ContainsKey(mode) ? mode : OlderClients.HasOneEndpoint(version) ? endpoints.Keys.First() : null;
        if (name is null)
            throw FaultException.Invalid($"unable to find a network for sysctl {key}: HostConfig.NetworkMode must match the identity of a "
                + "network in NetworkSettings.Networks");
        Wire.EndpointSettings endpoint = endpoints.GetValueOrDefault(name) ?? new Wire.EndpointSettings();
        endpoints[name] = endpoint;
        request.NetworkingConfig.EndpointsConfig = endpoints;
        return endpoint;
    }
}
