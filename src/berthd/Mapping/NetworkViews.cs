using Berth.Engine;

namespace Berth.Daemon.Mapping;

/// <summary>Networks as clients see them and as they ask for them.</summary>
internal static class NetworkViews
{
    /// <summary>A network; in lists without its containers.</summary>
    public static Wire.NetworkInspect ToWire(this NetworkDetails network, bool containers) => new()
    {
        Name = network.Name,
        Id = network.Id,
        Created = network.Created,
        Scope = "local",
        Driver = network.Driver,
        EnableIPv4 = network.EnableIPv4,
        EnableIPv6 = network.EnableIPv6,
        IPAM = new Wire.Ipam
        {
            Driver = "default",
            Options = network.AddressOptions.Count > 0 ? network.AddressOptions : null,
            Config = [.. network.Ranges.Select(ToWire)],
        },
        Internal = network.Internal,
        Attachable = network.Attachable,
        ConfigOnly = network.ConfigOnly,
        ConfigFrom = new Wire.ConfigReference { Network = network.ConfigFrom },
        Containers = containers ? network.Containers.ToDictionary(pair => pair.Key, pair => ToWire(pair.Value)) : [],
        Options = network.Options,
        Labels = network.Labels,
    };

    /// <summary>A request for a network.</summary>
    /// <exception cref="FaultException">NotSupported: swarm's kinds of networks.</exception>
    public static CreateNetwork ToRequest(this Wire.CreateNetworkRequest request)
    {
        if (request.Ingress)
            throw new FaultException(FaultKind.NotSupported, $"network {request.Name}: ingress networks belong to swarm mode");
        if (request.Scope is not ("" or "local"))
            throw FaultException.Invalid($"network {request.Name}: scope {request.Scope}: only local networks exist here");
        return new CreateNetwork
        {
            Name = request.Name,
            Driver = request.Driver.NullIfEmpty(),
            Internal = request.Internal,
            Attachable = request.Attachable,
            ConfigOnly = request.ConfigOnly,
            ConfigFrom = request.ConfigFrom?.Network ?? "",
            EnableIPv4 = request.EnableIPv4,
            EnableIPv6 = request.EnableIPv6,
            Ranges = [.. (request.IPAM?.Config ?? []).Select(ToRange)],
            AddressDriver = request.IPAM?.Driver.NullIfEmpty(),
            AddressOptions = request.IPAM?.Options ?? new Dictionary<string, string>(),
            Options = request.Options ?? new Dictionary<string, string>(),
            Labels = request.Labels ?? new Dictionary<string, string>(),
        };
    }

    private static Wire.IpamPool ToWire(AddressRange range) => new()
    {
        Subnet = range.Subnet.NullIfEmpty(),
        IPRange = range.IpRange.NullIfEmpty(),
        Gateway = range.Gateway.NullIfEmpty(),
        AuxiliaryAddresses = range.AuxiliaryAddresses.Count > 0 ? range.AuxiliaryAddresses : null,
    };

    private static AddressRange ToRange(Wire.IpamPool pool) => new(
        pool.Subnet ?? "", pool.IPRange ?? "", pool.Gateway ?? "",
        pool.AuxiliaryAddresses ?? new Dictionary<string, string>());

    private static Wire.NetworkContainer ToWire(NetworkMember member) => new()
    {
        Name = member.Name,
        EndpointID = member.EndpointId,
        MacAddress = member.MacAddress,
        IPv4Address = member.IPv4Address,
        IPv6Address = member.IPv6Address,
    };
}
