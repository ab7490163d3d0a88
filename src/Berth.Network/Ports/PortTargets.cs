namespace Berth.Network;

/// <summary>What the host's ports lead to: a container's addresses, and whether those are reached as they are.</summary>
internal readonly record struct PortTargets(InternetAddress? IPv4, InternetAddress? IPv6, bool IsRoutedIPv4, bool IsRoutedIPv6)
{
    public static PortTargets Of(Endpoint endpoint, Network network) => new(
        endpoint.Address, endpoint.IPv6Address,
        network.IPv4?.Mode == GatewayMode.Routed, network.IPv6?.Mode == GatewayMode.Routed);

    /// <summary>A port of that family is opened at the container's own address, and taken from no host address.</summary>
    public bool IsRouted(bool isIPv6) => isIPv6 ? IPv6 is not null && IsRoutedIPv6 : IPv4 is not null && IsRoutedIPv4;

    /// <summary>Where a host port of that family leads: to the container's address of the same one, else to the other, unless that
    /// one is not to be reached by the host's.</summary>
    public InternetAddress? For(bool isIPv6) => isIPv6 ? IPv6 ?? (IsRouted(false) ? null : IPv4) : IPv4 ?? (IsRouted(true) ? null : IPv6);
}
