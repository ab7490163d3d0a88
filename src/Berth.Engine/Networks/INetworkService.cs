using Berth.Faults;

namespace Berth.Engine;

/// <summary>Networks that containers join.</summary>
/// <remarks><c>id</c> is a full ID, a name or a unique prefix of an ID; NotFound: <c>network x not found</c>.</remarks>
public interface INetworkService
{
    /// <summary>Makes one.</summary>
    /// <exception cref="FaultException">Conflict: <c>network with name x already exists</c>. InvalidArgument: a setting is
    /// wrong. Forbidden: the address ranges overlap others.</exception>
    Task<CreatedNetwork> CreateAsync(CreateNetwork request, CancellationToken cancellationToken);

    /// <summary>One network with its containers.</summary>
    NetworkDetails Inspect(string id);

    /// <summary>Lists networks.</summary>
    IReadOnlyList<NetworkDetails> List(FilterSet filters);

    /// <summary>Removes one.</summary>
    /// <exception cref="FaultException">Forbidden: it is predefined or has containers.</exception>
    Task RemoveAsync(string id, CancellationToken cancellationToken);

    /// <summary>Connects a container, also a running one.</summary>
    Task ConnectAsync(string id, string container, EndpointSettings settings, CancellationToken cancellationToken);

    /// <summary>Takes a container off a network.</summary>
    Task DisconnectAsync(string id, string container, bool force, CancellationToken cancellationToken);

    /// <summary>Removes those without containers.</summary>
    Task<PruneReport> PruneAsync(FilterSet filters, CancellationToken cancellationToken);
}

/// <summary>A network that was made.</summary>
/// <param name="Id">Its 64-character ID.</param>
/// <param name="Warning">What was accepted and cannot be done here; empty.</param>
public sealed record CreatedNetwork(string Id, string Warning);

/// <summary>A request to make a network.</summary>
public sealed record CreateNetwork
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>The driver; null or empty: <c>bridge</c>.</summary>
    public string? Driver { get; init; }

    /// <summary>No way out.</summary>
    public bool Internal { get; init; }

    /// <summary>Accepted for compatibility.</summary>
    public bool Attachable { get; init; }

    /// <summary>It only keeps addresses, options and labels for others.</summary>
    public bool ConfigOnly { get; init; }

    /// <summary>Name or ID of such a network, from which it is made; empty: none.</summary>
    public string ConfigFrom { get; init; } = "";

    /// <summary>With IPv4; null: as the options say, else yes.</summary>
    public bool? EnableIPv4 { get; init; }

    /// <summary>With IPv6; null: as the options say, else no.</summary>
    public bool? EnableIPv6 { get; init; }

    /// <summary>Address ranges of both families; none for one: the first free pool.</summary>
    public IReadOnlyList<AddressRange> Ranges { get; init; } = [];

    /// <summary>The address management driver; null, empty or <c>default</c>.</summary>
    public string? AddressDriver { get; init; }

    /// <summary>The driver's options, such as <c>com.docker.network.bridge.name</c>.</summary>
    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();

    /// <summary>Options of the address management: kept and shown, the default one knows none.</summary>
    public IReadOnlyDictionary<string, string> AddressOptions { get; init; } = new Dictionary<string, string>();

    /// <summary>Labels.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();
}

/// <summary>An address range of a network, in text as users write it.</summary>
/// <param name="Subnet">The whole, in CIDR form.</param>
/// <param name="IpRange">The part from which containers get addresses; empty: all.</param>
/// <param name="Gateway">The bridge's own address; empty: the first.</param>
/// <param name="AuxiliaryAddresses">Addresses that are taken by others, by name.</param>
public sealed record AddressRange(
    string Subnet, string IpRange, string Gateway, IReadOnlyDictionary<string, string> AuxiliaryAddresses);

/// <summary>A network.</summary>
public sealed record NetworkDetails
{
    /// <summary>Its 64-character ID.</summary>
    public required string Id { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Its driver: <c>bridge</c>, <c>host</c>, <c>null</c>.</summary>
    public required string Driver { get; init; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset Created { get; init; }

    /// <summary>No way out.</summary>
    public bool Internal { get; init; }

    /// <summary>As asked for.</summary>
    public bool Attachable { get; init; }

    /// <summary>It only keeps addresses, options and labels for others.</summary>
    public bool ConfigOnly { get; init; }

    /// <summary>The name of such a network, from which it was made; empty: none.</summary>
    public string ConfigFrom { get; init; } = "";

    /// <summary>With IPv4.</summary>
    public bool EnableIPv4 { get; init; }

    /// <summary>With IPv6.</summary>
    public bool EnableIPv6 { get; init; }

    /// <summary>Its address ranges.</summary>
    public IReadOnlyList<AddressRange> Ranges { get; init; } = [];

    /// <summary>The driver's options.</summary>
    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();

    /// <summary>Options of the address management: kept and shown, the default one knows none.</summary>
    public IReadOnlyDictionary<string, string> AddressOptions { get; init; } = new Dictionary<string, string>();

    /// <summary>Labels.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>Running containers by ID.</summary>
    public IReadOnlyDictionary<string, NetworkMember> Containers { get; init; } = new Dictionary<string, NetworkMember>();
}

/// <summary>A running container in a network.</summary>
/// <param name="Name">Its name.</param>
/// <param name="EndpointId">The endpoint's ID.</param>
/// <param name="MacAddress">Its MAC address.</param>
/// <param name="IPv4Address">In CIDR form; empty without.</param>
/// <param name="IPv6Address">In CIDR form; empty without.</param>
public sealed record NetworkMember(string Name, string EndpointId, string MacAddress, string IPv4Address, string IPv6Address);

/// <summary>How a container shall join a network.</summary>
public sealed record EndpointSettings
{
    /// <summary>Further names by which others find it.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>Links, as <c>container:alias</c>.</summary>
    public IReadOnlyList<string> Links { get; init; } = [];

    /// <summary>A fixed address; empty: any.</summary>
    public string IPv4Address { get; init; } = "";

    /// <summary>A fixed address; empty: any.</summary>
    public string IPv6Address { get; init; } = "";

    /// <summary>Further addresses that are valid on the network's link alone: of 169.254.0.0/16 and fe80::/10.</summary>
    public IReadOnlyList<string> LinkLocalAddresses { get; init; } = [];

    /// <summary>A fixed MAC address; empty: made from the address.</summary>
    public string MacAddress { get; init; } = "";

    /// <summary>Driver options.</summary>
    public IReadOnlyDictionary<string, string> DriverOptions { get; init; } = new Dictionary<string, string>();

    /// <summary>Which network's gateway becomes the default route: the highest.</summary>
    public int GatewayPriority { get; init; }
}

/// <summary>A container's place in a network; addresses are empty while it does not run.</summary>
public sealed record EndpointDetails
{
    /// <summary>What was asked for.</summary>
    public EndpointSettings Settings { get; init; } = new();

    /// <summary>The network's ID.</summary>
    public string NetworkId { get; init; } = "";

    /// <summary>The endpoint's ID; empty while it does not run.</summary>
    public string EndpointId { get; init; } = "";

    /// <summary>The gateway.</summary>
    public string Gateway { get; init; } = "";

    /// <summary>Its address.</summary>
    public string IPAddress { get; init; } = "";

    /// <summary>The address' prefix length.</summary>
    public int IPPrefixLength { get; init; }

    /// <summary>The IPv6 gateway.</summary>
    public string IPv6Gateway { get; init; } = "";

    /// <summary>Its IPv6 address.</summary>
    public string GlobalIPv6Address { get; init; } = "";

    /// <summary>That address' prefix length.</summary>
    public int GlobalIPv6PrefixLength { get; init; }

    /// <summary>Its MAC address.</summary>
    public string MacAddress { get; init; } = "";

    /// <summary>All names by which others in the network find it.</summary>
    public IReadOnlyList<string> DnsNames { get; init; } = [];
}
