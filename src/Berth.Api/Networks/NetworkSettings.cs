using System.Text.Json.Serialization;

namespace Berth.Api;

/// <summary>The networks of a container, as <c>inspect</c> shows them.</summary>
/// <remarks>The single addresses are those on the default bridge, kept for clients from before there were several
/// networks.</remarks>
public sealed record NetworkSettings
{
    /// <summary>The bridge's name; empty in practice.</summary>
    public string Bridge { get; set => field = value ?? ""; } = "";

    /// <summary>The ID of the network namespace.</summary>
    public string SandboxID { get; set => field = value ?? ""; } = "";

    /// <summary>The path of the network namespace.</summary>
    public string SandboxKey { get; set => field = value ?? ""; } = "";

    /// <summary>Ports by <c>port/protocol</c>; null: exposed, not published.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<PortBinding>?> Ports { get; set; } = new Dictionary<string,
        IReadOnlyList<PortBinding>?>();

    /// <summary>Always false.</summary>
    public bool HairpinMode { get; set; }

    /// <summary>Always empty.</summary>
    public string LinkLocalIPv6Address { get; set => field = value ?? ""; } = "";

    /// <summary>Always zero.</summary>
    public int LinkLocalIPv6PrefixLen { get; set; }

    /// <summary>Always null.</summary>
    public IReadOnlyList<string>? SecondaryIPAddresses { get; set; }

    /// <summary>Always null.</summary>
    public IReadOnlyList<string>? SecondaryIPv6Addresses { get; set; }

    /// <summary>The connection to the default bridge.</summary>
    public string EndpointID { get; set => field = value ?? ""; } = "";

    /// <summary>The IPv4 gateway on the default bridge.</summary>
    public string Gateway { get; set => field = value ?? ""; } = "";

    /// <summary>The IPv6 address on the default bridge.</summary>
    public string GlobalIPv6Address { get; set => field = value ?? ""; } = "";

    /// <summary>That address' prefix length.</summary>
    public int GlobalIPv6PrefixLen { get; set; }

    /// <summary>The IPv4 address on the default bridge.</summary>
    public string IPAddress { get; set => field = value ?? ""; } = "";

    /// <summary>That address' prefix length.</summary>
    public int IPPrefixLen { get; set; }

    /// <summary>The IPv6 gateway on the default bridge.</summary>
    public string IPv6Gateway { get; set => field = value ?? ""; } = "";

    /// <summary>The MAC address on the default bridge.</summary>
    public string MacAddress { get; set => field = value ?? ""; } = "";

    /// <summary>The connections by network name.</summary>
    public IReadOnlyDictionary<string, EndpointSettings> Networks { get; set; } = new Dictionary<string, EndpointSettings>();
}

/// <summary>The connection of a container to a network: as asked for and as it is.</summary>
public sealed record EndpointSettings
{
    /// <summary>Addresses asked for.</summary>
    public EndpointIpamConfig? IPAMConfig { get; set; }

    /// <summary>Legacy links.</summary>
    public IReadOnlyList<string>? Links { get; set; }

    /// <summary>Further names on this network.</summary>
    public IReadOnlyList<string>? Aliases { get; set; }

    /// <summary>The MAC address.</summary>
    public string MacAddress { get; set => field = value ?? ""; } = "";

    /// <summary>Options of the network's driver.</summary>
    public IReadOnlyDictionary<string, string>? DriverOpts { get; set; }

    /// <summary>Of several networks the one with the highest gives the default route.</summary>
    public int GwPriority { get; set; }

    /// <summary>The network's ID.</summary>
    public string NetworkID { get; set => field = value ?? ""; } = "";

    /// <summary>The connection's ID; empty while the container does not run.</summary>
    public string EndpointID { get; set => field = value ?? ""; } = "";

    /// <summary>The IPv4 gateway.</summary>
    public string Gateway { get; set => field = value ?? ""; } = "";

    /// <summary>The IPv4 address.</summary>
    public string IPAddress { get; set => field = value ?? ""; } = "";

    /// <summary>Its prefix length.</summary>
    public int IPPrefixLen { get; set; }

    /// <summary>The IPv6 gateway.</summary>
    public string IPv6Gateway { get; set => field = value ?? ""; } = "";

    /// <summary>The IPv6 address.</summary>
    public string GlobalIPv6Address { get; set => field = value ?? ""; } = "";

    /// <summary>Its prefix length.</summary>
    public int GlobalIPv6PrefixLen { get; set; }

    /// <summary>All names by which the container is found on this network.</summary>
    public IReadOnlyList<string>? DNSNames { get; set; }
}

/// <summary>Addresses that a connection was asked to have.</summary>
public sealed record EndpointIpamConfig
{
    /// <summary>The IPv4 address.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? IPv4Address { get; set; }

    /// <summary>The IPv6 address.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? IPv6Address { get; set; }

    /// <summary>Link-local addresses.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? LinkLocalIPs { get; set; }
}
