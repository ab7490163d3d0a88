using Berth.Faults;
using Berth.Linux;

namespace Berth.Network;

/// <summary>The host's side: its links, its packet filter and its kernel parameters. Guarded by its owner.</summary>
internal sealed class HostNetwork : IDisposable
{
    private const int DefaultMtu = 1500;
    private static readonly InternetAddress s_linkLocal = InternetAddress.Parse("fe80::1");
    private readonly FileDescriptor? _namespace;
    private readonly NetlinkSocket _filter;
    private readonly FirewallTable _firewall;
    private readonly FirewallTable _firewallIPv6;
    private readonly ForeignTables _foreign;

    public HostNetwork(FileDescriptor? hostNamespace, string table)
    {
        _namespace = hostNamespace;
        (Route, _filter) = NetworkNamespace.Run(
            hostNamespace, () => (new RouteSocket(), NetlinkSocket.Open(NetlinkConstants.NETLINK_NETFILTER)));
        _firewall = new FirewallTable(_filter, table);
        _firewallIPv6 = new FirewallTable(_filter, table, isIPv6: true);
        _foreign = new ForeignTables(_filter, table);
    }

    public RouteSocket Route { get; }

    /// <summary>Makes all rules anew; see <see cref="FirewallTable"/>.</summary>
    public void RecreateFirewall(IReadOnlyCollection<Network> networks, IReadOnlyCollection<Endpoint> endpoints)
    {
        _firewall.Recreate(networks, Published(endpoints, isIPv6: false));
        try
        {
            _firewallIPv6.Recreate(networks, Published(endpoints, isIPv6: true));
        }
        catch (LinuxException) when (networks.All(network => network.IPv6 is null))
        {
            // A kernel without this family has no table of ours to remove either.
        }
        _foreign.Accept(networks);
    }

    /// <summary>Replaces the rules when networks came or went.</summary>
    public void SetFirewallNetworks(IReadOnlyCollection<Network> networks)
    {
        _firewall.SetNetworks(networks);
        _firewallIPv6.SetNetworks(networks);
        _foreign.Accept(networks);
    }

    /// <summary>Lets the endpoint's published ports in.</summary>
    public void Publish(Endpoint endpoint)
    {
        if (endpoint.Ports.Count == 0)
            return;
        foreach (InternetAddress address in endpoint.Addresses)
            TableOf(address).Publish(endpoint.Ports, address);
    }

    /// <summary>The reverse.</summary>
    public void Unpublish(Endpoint endpoint)
    {
        if (endpoint.Ports.Count == 0)
            return;
        foreach (InternetAddress address in endpoint.Addresses)
            TableOf(address).Unpublish(endpoint.Ports, address);
    }

    /// <summary>Removes all rules of this engine.</summary>
    public void RemoveFirewall()
    {
        _foreign.Accept([]);
        _firewall.Remove();
        _firewallIPv6.Remove();
    }

    /// <summary>To be held from the search for a free subnet until a bridge has it.</summary>
    public SubnetLock LockSubnets() => SubnetLock.Take(_namespace);

    /// <summary>The subnets of one family that the host reaches other than by the default route, those of one link left out.</summary>
    public IReadOnlyList<InternetSubnet> TakenSubnets(bool isIPv6, string? except)
    {
        int exceptIndex = except is null ? 0 : Route.FindLink(except)?.Index ?? 0;
        IEnumerable<InternetSubnet> routes =
            Route.Routes(isIPv6).Where(route => route.PrefixLength > 0 && (exceptIndex == 0 || route.LinkIndex != exceptIndex))
            .Select(route => new InternetSubnet(InternetAddress.FromBytes(route.Destination), route.PrefixLength));
        IEnumerable<InternetSubnet> addresses =
            Route.Addresses(isIPv6).Where(address => exceptIndex == 0 || address.LinkIndex != exceptIndex)
            .Select(address => new InternetSubnet(InternetAddress.FromBytes(address.Address), address.PrefixLength));
        return [.. routes, .. addresses];
    }

    /// <summary>That of the way out, so that nothing must be cut on it; at most Ethernet's.</summary>
    public int OutgoingMtu()
    {
        int outgoing = Route.Routes(isIPv6: false).FirstOrDefault(route => route.PrefixLength == 0)?.LinkIndex ?? 0;
        int mtu = Route.Links().FirstOrDefault(link => link.Index == outgoing)?.Mtu ?? DefaultMtu;
        return Math.Min(mtu, DefaultMtu);
    }

    /// <summary>Makes the bridge as it should be, or takes it over.</summary>
    /// <returns>Its number and whether it is new.</returns>
    /// <exception cref="FaultException">Conflict: the name belongs to another kind of link. Unavailable: there is no IPv6.</exception>
    public (int Index, bool IsNew) EnsureBridge(Network network)
    {
        LinkInfo? link = Route.FindLink(network.BridgeName);
        if (link is { Kind: not "bridge" })
            throw FaultException.Conflict($"create bridge: {network.BridgeName}: a link of that name exists and is no bridge");
        bool isNew = link is null;
        if (link is null)
        {
            AddressPlan first = (network.IPv4 ?? network.IPv6)!;
            // The subnet's own address is no container's, whose link address would be the same.
            MacAddress mac = MacAddress.For(first.BridgeAddress ?? first.Subnet.Address);
            Route.AddBridge(network.BridgeName, mac.ToBytes(), network.Mtu);
            link = Route.FindLink(network.BridgeName)!;
        }
        SetParameters(network);
        foreach (AddressPlan plan in network.Plans)
        {
            if (plan.BridgeAddress is { } own)
                AddAddress(link.Index, own, plan.Subnet);
            else
                Route.SetUp(link.Index);
        }
        // The host asks for a neighbour's link address with its own link-local one when it sends on what others sent; the one that the
        // kernel makes is not usable before the first port's carrier and a second of waiting. Docker's bridges have the same.
        if (network.IPv6?.BridgeAddress is not null)
            AddAddress(link.Index, s_linkLocal, new InternetSubnet(s_linkLocal, 64));
        return (link.Index, isNew);
    }

    public void Dispose()
    {
        Route.Dispose();
        _filter.Dispose();
    }

    private FirewallTable TableOf(InternetAddress address) => address.IsIPv6 ? _firewallIPv6 : _firewall;

    private static IEnumerable<(PublishedPort Port, InternetAddress Address)> Published(
        IEnumerable<Endpoint> endpoints, bool isIPv6) => endpoints.SelectMany(endpoint => endpoint.Addresses
        .Where(address => address.IsIPv6 == isIPv6).SelectMany(address => endpoint.Ports.Select(port => (port, address))));

    private void AddAddress(int link, InternetAddress address, InternetSubnet subnet)
    {
        try
        {
            byte[] broadcast = subnet.IsIPv6 ? [] : subnet.Last.ToBytes();
            Route.AddAddressAndSetUp(link, address.ToBytes(), subnet.PrefixLength, broadcast);
        }
        catch (LinuxException exception) when (exception.Error == Errno.EEXIST)
        {
            // Taken over with its address; the same call has switched it on.
        }
    }

    private void SetParameters(Network network) => NetworkNamespace.Run(_namespace, () =>
    {
        string bridge = network.BridgeName;
        // A host process reaches a published port by 127.0.0.1; the guard chain keeps containers from doing the reverse.
        Sysctl.Write($"net/ipv4/conf/{bridge}/route_localnet", "1");
        Sysctl.Write($"net/ipv6/conf/{bridge}/accept_ra", "0");
        if (network.IPv6 is not null && !Sysctl.Exists($"net/ipv6/conf/{bridge}/disable_ipv6"))
            throw FaultException.Unavailable(
                $"create network {network.Name}: this kernel was started without IPv6 (ipv6.disable=1): create it without --ipv6");
        // Where the bridge has no address, the kernel must not make it one of its own either.
        Sysctl.Write($"net/ipv6/conf/{bridge}/disable_ipv6", network.IPv6?.BridgeAddress is null ? "1" : "0");
        // A host answers on every link for all its addresses (ip-sysctl, arp_ignore): one of them may be a container's here.
        if (network.IPv4 is { BridgeAddress: null })
            Sysctl.Write($"net/ipv4/conf/{bridge}/arp_ignore", "1");
        if (network.Internal)
            return true;
        if (network.IPv4 is not null && Sysctl.Read("net/ipv4/ip_forward") == "0")
            Sysctl.Write("net/ipv4/ip_forward", "1");
        if (network.IPv6 is not null && Sysctl.Read("net/ipv6/conf/all/forwarding") == "0")
            ForwardIPv6();
        return true;
    });

    // A host that forwards no longer listens to routers and forgets the way out that they told it, unless a link says otherwise.
    private static void ForwardIPv6()
    {
        foreach (string link in Sysctl.Names("net/ipv6/conf").Where(name => name is not ("all" or "default")))
        {
            if (Sysctl.Read($"net/ipv6/conf/{link}/accept_ra") == "1")
                Sysctl.Write($"net/ipv6/conf/{link}/accept_ra", "2");
        }
        Sysctl.Write("net/ipv6/conf/all/forwarding", "1");
    }
}
