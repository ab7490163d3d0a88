using System.Text.Json.Serialization;

namespace Berth.Network;

/// <summary>One network: the predefined <c>bridge</c>, <c>host</c> and <c>none</c>, and those that users make.</summary>
public sealed record Network
{
    /// <summary>64 hexadecimal digits.</summary>
    public required string Id { get; init; }

    /// <summary>Unique in this engine.</summary>
    public required string Name { get; init; }

    /// <summary><c>bridge</c>, <c>host</c> or <c>null</c> (for the network <c>none</c>), as Docker names drivers.</summary>
    public required string Driver { get; init; }

    /// <summary>When it was made; for predefined ones when this engine first started.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>The bridge's link name; empty without a bridge.</summary>
    public string BridgeName { get; init; } = "";

    /// <summary>Its IPv4 addresses; null: it has none, as one without a bridge.</summary>
    public AddressPlan? IPv4 { get; init; }

    /// <summary>Its IPv6 addresses; null: it has none.</summary>
    public AddressPlan? IPv6 { get; init; }

    /// <summary>Both.</summary>
    [JsonIgnore]
    public IEnumerable<AddressPlan> Plans => new[] { IPv4, IPv6 }.OfType<AddressPlan>();

    /// <summary>No way out and none in: no default route, no forwarding, no foreign names.</summary>
    public bool Internal { get; init; }

    /// <summary>Kept and reported; it matters in a swarm only.</summary>
    public bool Attachable { get; init; }

    /// <summary>Bytes per packet.</summary>
    public int Mtu { get; init; }

    /// <summary>Whether its containers may talk to each other.</summary>
    public bool InterContainer { get; init; } = true;

    /// <summary>Whether connections to elsewhere carry the host's address.</summary>
    public bool Masquerade { get; init; } = true;

    /// <summary>The host address that ports are published on when none is asked; null: all.</summary>
    public string? HostBinding { get; init; }

    /// <summary>No network but a configuration for others: driver <c>null</c>, no addresses of its own, nobody joins it.</summary>
    public bool ConfigOnly { get; init; }

    /// <summary>The name of the configuration that it was made from; empty: none.</summary>
    public string ConfigFrom { get; init; } = "";

    /// <summary>The IPv4 addresses that a configuration asks for; null: none.</summary>
    public AddressRequest? ConfiguredIPv4 { get; init; }

    /// <summary>The IPv6 addresses that a configuration asks for; null: none.</summary>
    public AddressRequest? ConfiguredIPv6 { get; init; }

    /// <summary>Driver options as the user gave them.</summary>
    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();

    /// <summary>Options of the address management as the user gave them.</summary>
    public IReadOnlyDictionary<string, string> AddressOptions { get; init; } = new Dictionary<string, string>();

    /// <summary>The user's labels.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether it is one of the three that are always there and cannot be removed.</summary>
    public bool IsPredefined { get; init; }

    /// <summary>Whether containers on it resolve each other's names by 127.0.0.11: user-defined bridges.</summary>
    public bool HasNames => Driver == "bridge" && !IsPredefined;

    /// <summary>Its addresses of one family; null: it has none.</summary>
    public AddressPlan? Plan(bool isIPv6) => isIPv6 ? IPv6 : IPv4;
}
