using System.Text.Json.Serialization;

namespace Berth.Network;

/// <summary>The addresses of one family on one network.</summary>
public sealed record AddressPlan
{
    /// <summary>All of them.</summary>
    public required InternetSubnet Subnet { get; init; }

    /// <summary>The bridge's own address: the containers' way out. It is there on internal networks too, for the host itself; where the
    /// mode is <see cref="GatewayMode.Isolated"/>, null or kept for somebody else.</summary>
    public required InternetAddress? Gateway { get; init; }

    /// <summary>The address that the bridge has; null: it has none.</summary>
    [JsonIgnore]
    public InternetAddress? BridgeAddress => Mode == GatewayMode.Isolated ? null : Gateway;

    /// <summary>The part of the subnet that containers get without asking; null: all.</summary>
    public InternetSubnet? IPRange { get; init; }

    /// <summary>Addresses that are never given out, by the user's name for each.</summary>
    public IReadOnlyDictionary<string, InternetAddress> AuxiliaryAddresses { get; init; } = new Dictionary<string, InternetAddress>();

    /// <summary>Whether the subnet was asked for, not taken from a pool.</summary>
    public bool IsRequested { get; init; }

    /// <summary>How containers are reached from elsewhere and appear there.</summary>
    public GatewayMode Mode { get; init; }
}

/// <summary>What a bridge does between its containers and the world: Docker's
/// <c>com.docker.network.bridge.gateway_mode_ipv4</c> and <c>…_ipv6</c>.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<GatewayMode>))]
public enum GatewayMode
{
    /// <summary>Containers appear as the host, and are reached by ports that are published on it.</summary>
    Nat,

    /// <summary>The same, and who has a route to their addresses reaches all their ports.</summary>
    NatUnprotected,

    /// <summary>Containers appear with their own addresses, to which others have a route; publishing opens a port there.</summary>
    Routed,

    /// <summary>The bridge has no address, so that not even the host is reached; on internal networks alone.</summary>
    Isolated,
}

/// <summary>What a user asks of the addresses of one family on a new network. Unset parts are chosen.</summary>
public sealed record AddressRequest
{
    /// <summary>The addresses; null: the next free piece of the pools.</summary>
    public InternetSubnet? Subnet { get; init; }

    /// <summary>The bridge's own address; null: the subnet's first.</summary>
    public InternetAddress? Gateway { get; init; }

    /// <summary>The part of the subnet that containers get without asking.</summary>
    public InternetSubnet? IPRange { get; init; }

    /// <summary>Addresses that are never given out.</summary>
    public IReadOnlyDictionary<string, InternetAddress> AuxiliaryAddresses { get; init; } = new Dictionary<string, InternetAddress>();
}
