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

    /// <summary>The addresses of the network; null without a bridge.</summary>
    public IPv4Subnet? Subnet { get; init; }

    /// <summary>The bridge's own address: the containers' way out. It is there on internal networks too, for the host itself.</summary>
    public IPv4Address? Gateway { get; init; }

    /// <summary>The part of the subnet that containers get without asking; null: all.</summary>
    public IPv4Subnet? IPRange { get; init; }

    /// <summary>Addresses that are never given out, by the user's name for each.</summary>
    public IReadOnlyDictionary<string, IPv4Address> AuxiliaryAddresses { get; init; } = new Dictionary<string, IPv4Address>();

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

    /// <summary>Driver options as the user gave them.</summary>
    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();

    /// <summary>The user's labels.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether the subnet was asked for, not taken from a pool.</summary>
    public bool SubnetRequested { get; init; }

    /// <summary>Whether it is one of the three that are always there and cannot be removed.</summary>
    public bool IsPredefined { get; init; }

    /// <summary>Whether containers on it resolve each other's names by 127.0.0.11: user-defined bridges.</summary>
    public bool HasNames => Driver == "bridge" && !IsPredefined;
}
