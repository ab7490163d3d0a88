using Berth.Faults;
using Berth.Linux;

namespace Berth.Network;

/// <summary>The host's side: its links, its packet filter and its kernel parameters. Guarded by its owner.</summary>
internal sealed class HostNetwork : IDisposable
{
    private const int DefaultMtu = 1500;
    private readonly FileDescriptor? _namespace;
    private readonly NetlinkSocket _filter;

    public HostNetwork(FileDescriptor? hostNamespace, string table)
    {
        _namespace = hostNamespace;
        (Route, _filter) = NetworkNamespace.Run(
            hostNamespace, () => (new RouteSocket(), NetlinkSocket.Open(NetlinkConstants.NETLINK_NETFILTER)));
        Firewall = new FirewallTable(_filter, table);
    }

    public RouteSocket Route { get; }

    public FirewallTable Firewall { get; }

    /// <summary>The subnets that the host reaches other than by the default route, those of one link left out.</summary>
    public IReadOnlyList<IPv4Subnet> TakenSubnets(string? except)
    {
        int exceptIndex = except is null ? 0 : Route.FindLink(except)?.Index ?? 0;
        IEnumerable<IPv4Subnet> routes =
            Route.Routes().Where(route => route.PrefixLength > 0 && (exceptIndex == 0 || route.LinkIndex != exceptIndex))
            .Select(route => new IPv4Subnet(IPv4Address.FromBytes(route.Destination), route.PrefixLength));
        IEnumerable<IPv4Subnet> addresses = Route.Addresses().Where(address => exceptIndex == 0 || address.LinkIndex != exceptIndex)
            .Select(address => new IPv4Subnet(IPv4Address.FromBytes(address.Address), address.PrefixLength));
        return [.. routes, .. addresses];
    }

    /// <summary>That of the way out, so that nothing must be cut on it; at most Ethernet's.</summary>
    public int OutgoingMtu()
    {
        int outgoing = Route.Routes().FirstOrDefault(route => route.PrefixLength == 0)?.LinkIndex ?? 0;
        int mtu = Route.Links().FirstOrDefault(link => link.Index == outgoing)?.Mtu ?? DefaultMtu;
        return Math.Min(mtu, DefaultMtu);
    }

    /// <summary>Makes the bridge as it should be, or takes it over.</summary>
    /// <returns>Its number and whether it is new.</returns>
    /// <exception cref="FaultException">Conflict: the name belongs to another kind of link.</exception>
    public (int Index, bool IsNew) EnsureBridge(Network network)
    {
        LinkInfo? link = Route.FindLink(network.BridgeName);
        if (link is { Kind: not "bridge" })
            throw FaultException.Conflict($"create bridge: {network.BridgeName}: a link of that name exists and is no bridge");
        bool isNew = link is null;
        IPv4Address gateway = network.Gateway!.Value;
        if (link is null)
        {
            Route.AddBridge(network.BridgeName, MacAddress.For(gateway).ToBytes(), network.Mtu);
            link = Route.FindLink(network.BridgeName)!;
        }
        SetParameters(network);
        try
        {
            IPv4Subnet subnet = network.Subnet!.Value;
            Route.AddAddressAndSetUp(link.Index, gateway.ToBytes(), subnet.PrefixLength, subnet.Broadcast.ToBytes());
        }
        catch (LinuxException exception) when (exception.Error == Errno.EEXIST)
        {
            // Taken over with its address; the same call has switched it on.
        }
        return (link.Index, isNew);
    }

    public void Dispose()
    {
        Route.Dispose();
        _filter.Dispose();
    }

    private void SetParameters(Network network) => NetworkNamespace.Run(_namespace, () =>
    {
        string bridge = network.BridgeName;
        // A host process reaches a published port by 127.0.0.1; the guard chain keeps containers from doing the reverse.
        Sysctl.Write($"net/ipv4/conf/{bridge}/route_localnet", "1");
        Sysctl.Write($"net/ipv6/conf/{bridge}/accept_ra", "0");
        Sysctl.Write($"net/ipv6/conf/{bridge}/disable_ipv6", "1");
        if (!network.Internal && Sysctl.Read("net/ipv4/ip_forward") == "0")
            Sysctl.Write("net/ipv4/ip_forward", "1");
        return true;
    });
}
