using System.Net;
using System.Text.Json.Serialization;

namespace Berth.Network;

/// <summary>One container's place on one network. The engine keeps it with the container and gives it back after a restart.</summary>
public sealed record Endpoint
{
    /// <summary>64 hexadecimal digits.</summary>
    public required string Id { get; init; }

    /// <summary>The network's ID.</summary>
    public required string NetworkId { get; init; }

    /// <summary>The network's name.</summary>
    public required string NetworkName { get; init; }

    /// <summary>The container's full ID.</summary>
    public required string ContainerId { get; init; }

    /// <summary>The container's name without a slash, as it was at <c>connect</c> or the last rename.</summary>
    public required string ContainerName { get; init; }

    /// <summary>The link inside, such as <c>eth0</c>; empty on <c>host</c> and <c>none</c>.</summary>
    public string InterfaceName { get; init; } = "";

    /// <summary>The link outside, a port of the bridge; empty on <c>host</c> and <c>none</c>.</summary>
    public string HostInterfaceName { get; init; } = "";

    /// <summary>The container's IPv4 address; null on networks without and on <c>host</c> and <c>none</c>.</summary>
    public InternetAddress? Address { get; init; }

    /// <summary>The IPv4 subnet's prefix length.</summary>
    public int PrefixLength { get; init; }

    /// <summary>The network's IPv4 gateway; null on internal networks.</summary>
    public InternetAddress? Gateway { get; init; }

    /// <summary>The container's IPv6 address; null on networks without.</summary>
    public InternetAddress? IPv6Address { get; init; }

    /// <summary>The IPv6 subnet's prefix length.</summary>
    public int IPv6PrefixLength { get; init; }

    /// <summary>The network's IPv6 gateway; null on internal networks.</summary>
    public InternetAddress? IPv6Gateway { get; init; }

    /// <summary>The addresses that it has: IPv4 first.</summary>
    [JsonIgnore]
    public IEnumerable<InternetAddress> Addresses => new[] { Address, IPv6Address }.OfType<InternetAddress>();

    /// <summary>Whether a packet to elsewhere has a way out here.</summary>
    [JsonIgnore]
    public bool HasGateway => Gateway is not null || IPv6Gateway is not null;

    /// <summary>The link's address; null on <c>host</c> and <c>none</c>.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary>Further names on this network, without the container's name and short ID, which always resolve.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>Names that only this container uses for others on the network (<c>--link</c>): to their name or short ID.</summary>
    public IReadOnlyDictionary<string, string> Links { get; init; } = new Dictionary<string, string>();

    /// <summary>What is published, with real host ports. A port for all addresses has one entry for 0.0.0.0 and one for ::.</summary>
    public IReadOnlyList<PublishedPort> Ports { get; init; } = [];

    /// <summary>Where 127.0.0.11 forwards this container's foreign names to; empty: the engine's or the host's resolvers.</summary>
    [JsonConverter(typeof(IPAddressListJsonConverter))]
    public IReadOnlyList<IPAddress> Dns { get; init; } = [];
}

/// <summary>What a container asks of a network.</summary>
public sealed record EndpointRequest
{
    /// <summary>The container's name without a slash.</summary>
    public required string ContainerName { get; init; }

    /// <summary>A wanted address (<c>--ip</c>); null: the next free.</summary>
    public InternetAddress? Address { get; init; }

    /// <summary>A wanted IPv6 address (<c>--ip6</c>); null: the next free.</summary>
    public InternetAddress? IPv6Address { get; init; }

    /// <summary>Further addresses (<c>--link-local-ip</c>) of 169.254.0.0/16 and fe80::/10, which hold on the link alone. Nobody gives them
    /// out, so that nobody but their user knows who has which.</summary>
    public IReadOnlyList<InternetAddress> LinkLocalAddresses { get; init; } = [];

    /// <summary>A wanted link address (<c>--mac-address</c>); null: from the address.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary>Further names (<c>--network-alias</c>).</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>Names that only this container uses for others on the network (<c>--link</c>): to their name or short ID.</summary>
    public IReadOnlyDictionary<string, string> Links { get; init; } = new Dictionary<string, string>();

    /// <summary>The name its link shall have inside; empty: the next of <c>eth0</c>, <c>eth1</c>, ….</summary>
    public string InterfaceName { get; init; } = "";

    /// <summary>Names that links to other networks of this container ask for: they are not given to a link that asks for none.</summary>
    public IReadOnlyCollection<string> ReservedInterfaceNames { get; init; } = [];

    /// <summary>Kernel parameters of its link, set before it is switched on.</summary>
    public IReadOnlyList<LinkParameter> Parameters { get; init; } = [];

    /// <summary>Ports to publish; give them to one endpoint of a container only.</summary>
    public IReadOnlyList<PortBinding> Ports { get; init; } = [];

    /// <summary>The container's own resolvers (<c>--dns</c>), asked by 127.0.0.11 for foreign names; empty: the engine's or the
    /// host's.</summary>
    public IReadOnlyList<IPAddress> Dns { get; init; } = [];
}

/// <summary>A transport with ports.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<TransportProtocol>))]
public enum TransportProtocol
{
    /// <summary>TCP, IP protocol 6.</summary>
    Tcp = 6,

    /// <summary>UDP, IP protocol 17.</summary>
    Udp = 17,
}

/// <summary>A wish to publish one port of the container.</summary>
public sealed record PortBinding
{
    /// <summary>The port inside.</summary>
    public required ushort ContainerPort { get; init; }

    /// <summary>The transport.</summary>
    public TransportProtocol Protocol { get; init; } = TransportProtocol.Tcp;

    /// <summary>The host's address to publish on; null: all addresses, IPv4 and IPv6.</summary>
    public IPAddress? HostAddress { get; init; }

    /// <summary>The host's port; 0: a free one of the ephemeral range.</summary>
    public ushort HostPort { get; init; }

    /// <summary>The last of a range from which the first free port is taken (<c>-p 8000-8010:80</c>); 0: no range.</summary>
    public ushort HostPortMax { get; init; }
}

/// <summary>A port that is published now.</summary>
/// <param name="ContainerPort">The port inside.</param>
/// <param name="Protocol">The transport.</param>
/// <param name="HostAddress">The host's address: 0.0.0.0 or :: for all.</param>
/// <param name="HostPort">The host's real port; 0: none, the port is open at the container's own address (gateway mode routed).</param>
public sealed record PublishedPort(
    ushort ContainerPort,
    TransportProtocol Protocol,
    [property: JsonConverter(typeof(IPAddressJsonConverter))] IPAddress HostAddress,
    ushort HostPort);

/// <summary>A container that an earlier engine process left running.</summary>
/// <param name="ContainerId">The full ID.</param>
/// <param name="Pid">Its first process, through which its network namespace is found.</param>
/// <param name="Endpoints">What <see cref="INetworks.ConnectAsync"/> had returned.</param>
public sealed record LiveContainer(string ContainerId, int Pid, IReadOnlyList<Endpoint> Endpoints);
