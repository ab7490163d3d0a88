using System.Text.Json.Serialization;

namespace Berth.Api;

/// <summary>A network: <c>GET /networks</c> and <c>GET /networks/{id}</c>.</summary>
public sealed record NetworkInspect
{
    /// <summary>Its name.</summary>
    public string Name { get; set => field = value ?? ""; } = "";

    /// <summary>Its 64-character ID.</summary>
    public string Id { get; set => field = value ?? ""; } = "";

    /// <summary>When it was made.</summary>
    public DateTimeOffset Created { get; set; }

    /// <summary><c>local</c>.</summary>
    public string Scope { get; set => field = value ?? ""; } = "";

    /// <summary><c>bridge</c>, <c>host</c>, <c>null</c>, <c>macvlan</c>, …</summary>
    public string Driver { get; set => field = value ?? ""; } = "";

    /// <summary>It has IPv4 addresses.</summary>
    public bool EnableIPv4 { get; set; }

    /// <summary>It has IPv6 addresses.</summary>
    public bool EnableIPv6 { get; set; }

    /// <summary>Its address pools.</summary>
    public Ipam IPAM { get; set; } = new();

    /// <summary>It does not lead out.</summary>
    public bool Internal { get; set; }

    /// <summary>Swarm only.</summary>
    public bool Attachable { get; set; }

    /// <summary>Swarm only.</summary>
    public bool Ingress { get; set; }

    /// <summary>The network whose configuration it uses.</summary>
    public ConfigReference ConfigFrom { get; set; } = new();

    /// <summary>It only holds a configuration.</summary>
    public bool ConfigOnly { get; set; }

    /// <summary>The containers on it by ID; empty in lists.</summary>
    public IReadOnlyDictionary<string, NetworkContainer> Containers { get; set; } = new Dictionary<string, NetworkContainer>();

    /// <summary>Options of the driver.</summary>
    public IReadOnlyDictionary<string, string> Options { get; set; } = new Dictionary<string, string>();

    /// <summary>Labels.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; set; } = new Dictionary<string, string>();
}

/// <summary>Address management of a network.</summary>
public sealed record Ipam
{
    /// <summary><c>default</c>.</summary>
    public string Driver { get; set => field = value ?? ""; } = "";

    /// <summary>Its options.</summary>
    public IReadOnlyDictionary<string, string>? Options { get; set; }

    /// <summary>The pools.</summary>
    public IReadOnlyList<IpamPool>? Config { get; set; }
}

/// <summary>One address pool.</summary>
public sealed record IpamPool
{
    /// <summary>The subnet in CIDR form.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Subnet { get; set; }

    /// <summary>The part of it that containers get addresses from.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? IPRange { get; set; }

    /// <summary>The gateway.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Gateway { get; set; }

    /// <summary>Addresses that are never given out, by name.</summary>
    [JsonPropertyName("AuxiliaryAddresses")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string>? AuxiliaryAddresses { get; set; }
}

/// <summary>A network that holds a configuration.</summary>
public sealed record ConfigReference
{
    /// <summary>Its name.</summary>
    public string Network { get; set => field = value ?? ""; } = "";
}

/// <summary>A container on a network.</summary>
public sealed record NetworkContainer
{
    /// <summary>Its name.</summary>
    public string Name { get; set => field = value ?? ""; } = "";

    /// <summary>The connection's ID.</summary>
    public string EndpointID { get; set => field = value ?? ""; } = "";

    /// <summary>Its MAC address.</summary>
    public string MacAddress { get; set => field = value ?? ""; } = "";

    /// <summary>Its IPv4 address with prefix length.</summary>
    public string IPv4Address { get; set => field = value ?? ""; } = "";

    /// <summary>Its IPv6 address with prefix length.</summary>
    public string IPv6Address { get; set => field = value ?? ""; } = "";
}

/// <summary>The body of <c>POST /networks/create</c>.</summary>
public sealed record CreateNetworkRequest
{
    /// <summary>The name.</summary>
    public string Name { get; set => field = value ?? ""; } = "";

    /// <summary>Ignored since API 1.44.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? CheckDuplicate { get; set; }

    /// <summary>The driver; empty: bridge.</summary>
    public string Driver { get; set => field = value ?? ""; } = "";

    /// <summary>Empty or <c>local</c>.</summary>
    public string Scope { get; set => field = value ?? ""; } = "";

    /// <summary>With IPv4 addresses; null: yes.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? EnableIPv4 { get; set; }

    /// <summary>With IPv6 addresses; null: no.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? EnableIPv6 { get; set; }

    /// <summary>Its address pools.</summary>
    public Ipam? IPAM { get; set; }

    /// <summary>It does not lead out.</summary>
    public bool Internal { get; set; }

    /// <summary>Swarm only.</summary>
    public bool Attachable { get; set; }

    /// <summary>Swarm only.</summary>
    public bool Ingress { get; set; }

    /// <summary>It only holds a configuration.</summary>
    public bool ConfigOnly { get; set; }

    /// <summary>The network whose configuration it uses.</summary>
    public ConfigReference? ConfigFrom { get; set; }

    /// <summary>Options of the driver.</summary>
    public IReadOnlyDictionary<string, string>? Options { get; set; }

    /// <summary>Labels.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; set; }
}

/// <summary>The answer of <c>POST /networks/create</c>.</summary>
public sealed record CreateNetworkResponse
{
    /// <summary>The new network's ID.</summary>
    public string Id { get; set => field = value ?? ""; } = "";

    /// <summary>What was ignored of the request.</summary>
    public string Warning { get; set => field = value ?? ""; } = "";
}

/// <summary>The body of <c>POST /networks/{id}/connect</c>.</summary>
public sealed record ConnectNetworkRequest
{
    /// <summary>The container.</summary>
    public string Container { get; set => field = value ?? ""; } = "";

    /// <summary>How it is connected.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public EndpointSettings? EndpointConfig { get; set; }
}

/// <summary>The body of <c>POST /networks/{id}/disconnect</c>.</summary>
public sealed record DisconnectNetworkRequest
{
    /// <summary>The container.</summary>
    public string Container { get; set => field = value ?? ""; } = "";

    /// <summary>Also when the container is not what it seems.</summary>
    public bool Force { get; set; }
}

/// <summary>The answer of <c>POST /networks/prune</c>.</summary>
public sealed record NetworksPruneResponse
{
    /// <summary>The names.</summary>
    public IReadOnlyList<string>? NetworksDeleted { get; set; }
}
