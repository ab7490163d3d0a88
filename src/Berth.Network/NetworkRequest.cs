namespace Berth.Network;

/// <summary>What a user asks of a new network. Unset parts are chosen.</summary>
public sealed record NetworkRequest
{
    /// <summary>Letters, digits, <c>_.-</c>, starting with a letter or digit; not taken.</summary>
    public required string Name { get; init; }

    /// <summary>Only <c>bridge</c>; others are refused with Docker's text.</summary>
    public string Driver { get; init; } = "bridge";

    /// <summary>Its IPv4 addresses; null: it gets none.</summary>
    public AddressRequest? IPv4 { get; init; } = new();

    /// <summary>Its IPv6 addresses; null: it gets none.</summary>
    public AddressRequest? IPv6 { get; init; }

    /// <summary>No way out and none in.</summary>
    public bool Internal { get; init; }

    /// <summary>Kept and reported.</summary>
    public bool Attachable { get; init; }

    /// <summary>It only keeps addresses, options and labels for others, which are made from it.</summary>
    public bool ConfigOnly { get; init; }

    /// <summary>Name or ID of the configuration that its addresses, options and labels are taken from; empty: none.</summary>
    public string ConfigFrom { get; init; } = "";

    /// <summary>
    /// Docker's <c>com.docker.network.bridge.name</c>, <c>…bridge.enable_icc</c>, <c>…bridge.enable_ip_masquerade</c>,
    /// <c>…bridge.host_binding_ipv4</c>, <c>…bridge.gateway_mode_ipv4</c> and <c>…ipv6</c>, <c>com.docker.network.driver.mtu</c>; others
    /// are kept and reported.
    /// </summary>
    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();

    /// <summary>Options of the address management: kept and reported, the default one knows none.</summary>
    public IReadOnlyDictionary<string, string> AddressOptions { get; init; } = new Dictionary<string, string>();

    /// <summary>The user's labels.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();
}
