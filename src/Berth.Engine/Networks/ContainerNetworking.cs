using Berth.Engine.State;
using Berth.Network;

namespace Berth.Engine;

/// <summary>A container's networks as inspect shows them.</summary>
internal static class ContainerNetworking
{
    public static ContainerNetworks Describe(ContainerRecord record, EngineParts parts)
    {
        Dictionary<string, EndpointDetails> endpoints = new(StringComparer.Ordinal);
        foreach ((string name, EndpointSettings settings) in record.Networks)
        {
            Network.Network? network = parts.Networks.Find(name);
            Endpoint? live = record.Endpoints.FirstOrDefault(endpoint => endpoint.NetworkName == name);
            endpoints[name] = new EndpointDetails
            {
                Settings = settings,
                NetworkId = live?.NetworkId ?? network?.Id ?? "",
                EndpointId = live?.Id ?? "",
                Gateway = live?.Gateway?.ToString() ?? "",
                IPAddress = live?.Address?.ToString() ?? "",
                IPPrefixLength = live?.PrefixLength ?? 0,
                IPv6Gateway = live?.IPv6Gateway?.ToString() ?? "",
                GlobalIPv6Address = live?.IPv6Address?.ToString() ?? "",
                GlobalIPv6PrefixLength = live?.IPv6PrefixLength ?? 0,
                MacAddress = live?.Mac?.ToString() ?? "",
                DnsNames = network?.HasNames == true
                    ? [.. Aliases(record, settings).Prepend(record.Id[..12]).Prepend(record.Name).Distinct()] : [],
            };
        }
        return new ContainerNetworks
        {
            SandboxId = record.State.Pid > 0 ? record.Id : "",
            SandboxKey = record.State.Pid > 0 ? $"/proc/{record.State.Pid}/ns/net" : "",
            Ports = Ports(record),
            Endpoints = endpoints,
        };
    }

    /// <summary>What others on a network with a name server find a container by, beside its name and its short ID: the aliases there, and
    /// its host name.</summary>
    public static IReadOnlyList<string> Aliases(ContainerRecord record, EndpointSettings settings) =>
        record.Config.Hostname is { Length: > 0 } host && host != record.Id[..12]
            ? [.. settings.Aliases.Append(host).Distinct()] : settings.Aliases;

    private static Dictionary<string, IReadOnlyList<PortBinding>> Ports(ContainerRecord record)
    {
        Dictionary<string, IReadOnlyList<PortBinding>> ports = new(StringComparer.Ordinal);
        // Docker's driver tells of ports at the network that is the way out.
        if (!record.State.Running || !record.Endpoints.Any(static endpoint => endpoint.HasGateway))
            return ports;
        foreach (string exposed in record.Config.ExposedPorts ?? [])
            ports[exposed] = [];
        foreach (var group in record.Endpoints.SelectMany(endpoint => endpoint.Ports)
            .GroupBy(port => $"{port.ContainerPort}/{port.Protocol.ToString().ToLowerInvariant()}"))
            ports[group.Key] = [.. group.Select(port => new PortBinding(
                port.HostAddress.ToString(), port.HostPort == 0 ? "" : port.HostPort.ToString()))];
        return ports;
    }
}
