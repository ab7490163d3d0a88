using System.Net;
using Berth.Linux;
using static Berth.Linux.NftablesConstants;

namespace Berth.Network;

/// <summary>The engine's nftables table of one family: rules follow from the list of networks and are replaced as a whole; published
/// ports are elements of maps, so that publishing costs the same with one container and with a thousand.</summary>
/// <remarks>
/// <para><c>guard</c> (before translation): packets to 127.0.0.0/8 that came in by a link, which <c>route_localnet</c> and translation
/// before routing would let in, and packets straight to container addresses from anywhere but their own bridge are
/// dropped (gateway mode nat). What is published to one host address is
/// therefore not reachable round it by routing.</para>
/// <para><c>publish</c>, <c>publish_local</c>: destination translation by the maps, for packets from outside and from
/// the host itself. Not to ::1, from which nothing can be sent on, nor to link-local addresses, whose senders could not be
/// answered over the bridge: both are left to the relay that listens there.</para>
/// <para><c>leave</c>: masquerading on the way out, for hairpins and for 127.0.0.1.</para>
/// <para><c>pass</c>: what is forwarded: answers, published ports, out of bridges that are not internal, within a bridge.</para>
/// Two tables of the same name and not one of family <c>inet</c>: ADR 0019. Guarded by its owner.
/// </remarks>
internal sealed class FirewallTable(NetlinkSocket socket, string table, bool isIPv6 = false)
{
    private const string Guard = "guard";
    private const string Publishing = "publish";
    private const string PublishingLocal = "publish_local";
    private const string Leave = "leave";
    private const string Pass = "pass";
    private const int EstablishedOrRelated = 6;
    private const int DestinationNatPriority = -100;

    // Behind the tracking of connections (-200): where nothing is masqueraded, answers come to the containers' own addresses.
    private const int GuardPriority = -150;
    private const byte Icmp = 1;
    private const byte IcmpIPv6 = 58;
    private static readonly byte[] s_loopback = [127, 0, 0, 0];
    private static readonly byte[] s_loopbackIPv6 = IPAddress.IPv6Loopback.GetAddressBytes();
    private static readonly byte[] s_linkLocal = [0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    private static readonly NftablesSet s_bridges = new("bridges", 1, 41, 16);
    private static readonly FirewallSets s_sets = new(7, 4);
    private static readonly FirewallSets s_setsIPv6 = new(8, 16);
    private readonly int _family = isIPv6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
    private readonly FirewallSets _sets = isIPv6 ? s_setsIPv6 : s_sets;
    private bool _isThere;

    /// <summary>Makes the table anew with everything in it, in one transaction: there is no moment without rules.</summary>
    public void Recreate(IReadOnlyCollection<Network> networks, IEnumerable<(PublishedPort Port, InternetAddress Address)> published)
    {
        // Added first because one cannot remove what may not be there.
        NftablesTransaction transaction = Begin().AddTable(table).DeleteTable(table);
        _isThere = IsNeeded(networks);
        if (_isThere)
        {
            AddEmpty(transaction);
            AddNetworkRules(transaction, networks);
            AddPorts(transaction, published);
        }
        transaction.Commit(socket, $"table {table}");
    }

    /// <summary>Replaces the rules when networks came or went.</summary>
    public void SetNetworks(IReadOnlyCollection<Network> networks)
    {
        if (!_isThere)
        {
            if (IsNeeded(networks))
                Recreate(networks, []);
            return;
        }
        if (!IsNeeded(networks))
        {
            Remove();
            return;
        }
        NftablesTransaction transaction = Begin();
        foreach (string chain in (string[])[Guard, Leave, Pass])
            transaction.FlushChain(table, chain);
        transaction.FlushSet(table, s_bridges);
        AddNetworkRules(transaction, networks);
        transaction.Commit(socket, $"table {table}");
    }

    public void Publish(IEnumerable<PublishedPort> ports, InternetAddress address)
    {
        NftablesTransaction transaction = Begin();
        AddPorts(transaction, ports.Select(port => (port, address)));
        transaction.Commit(socket, $"table {table}");
    }

    public void Unpublish(IEnumerable<PublishedPort> ports, InternetAddress address)
    {
        NftablesTransaction transaction = Begin();
        foreach ((NftablesSet set, byte[] key, _) in Elements(ports.Select(port => (port, address))))
            transaction.DeleteElement(table, set, key);
        transaction.Commit(socket, $"table {table}");
    }

    /// <summary>Removes the table.</summary>
    public void Remove()
    {
        if (_isThere || !isIPv6)
            Begin().AddTable(table).DeleteTable(table).Commit(socket, $"table {table}");
        _isThere = false;
    }

    private NftablesTransaction Begin() => new(_family);

    // The IPv4 table is always there. The other costs packets of the host a walk through its chains, and a kernel may have no such
    // family: it is made with the first network that has IPv6.
    private bool IsNeeded(IReadOnlyCollection<Network> networks) =>
        !isIPv6 || networks.Any(network => network.IPv6 is not null);

    private void AddEmpty(NftablesTransaction transaction)
    {
        transaction.AddTable(table)
            .AddSet(table, s_bridges).AddSet(table, _sets.AnyAddress).AddSet(table, _sets.OneAddress).AddSet(table, _sets.Open)
            .AddChain(table, Guard, "filter", NF_INET_PRE_ROUTING, GuardPriority)
            .AddChain(table, Publishing, "nat", NF_INET_PRE_ROUTING, DestinationNatPriority)
            .AddChain(table, PublishingLocal, "nat", NF_INET_LOCAL_OUT, DestinationNatPriority)
            .AddChain(table, Leave, "nat", NF_INET_POST_ROUTING, 100)
            .AddChain(table, Pass, "filter", NF_INET_FORWARD, 0);
        foreach (string chain in (string[])[Publishing, PublishingLocal])
        {
            transaction.AddRule(table, chain, new NftablesRule().TranslateByAddressAndPort(_sets.OneAddress));
            NftablesRule toAny = new();
            if (isIPv6)
                toAny.Destination(s_loopbackIPv6, 128, isNot: true).Destination(s_linkLocal, 10, isNot: true);
            transaction.AddRule(table, chain, toAny.DestinationIsLocal().TranslateByPort(_sets.AnyAddress));
        }
    }

    private void AddNetworkRules(NftablesTransaction transaction, IReadOnlyCollection<Network> networks)
    {
        (Network Network, AddressPlan Plan)[] planned =
            [.. networks.Where(network => network.Plan(isIPv6) is not null).Select(network => (network, network.Plan(isIPv6)!))];
        foreach ((Network network, _) in planned)
            transaction.AddElement(table, s_bridges, NftablesRule.LinkKey(network.BridgeName), null);

        if (!isIPv6)
        {
            transaction.AddRule(table, Guard, new NftablesRule().InputLink("lo", isNot: true).Destination(s_loopback, 8).Drop());
            transaction.AddRule(table, Leave, new NftablesRule().OutputLink(s_bridges).Source(s_loopback, 8).Masquerade());
        }
        foreach (string chain in (string[])[Guard, Pass])
            transaction.AddRule(table, chain, new NftablesRule().State(EstablishedOrRelated).Accept());
        foreach ((Network network, AddressPlan plan) in planned)
            AddRulesOf(transaction, network, plan);
        transaction.AddRule(table, Pass, new NftablesRule().OutputLink(s_bridges).Status(IPS_DST_NAT).Accept());
        if (planned.Any(pair => pair.Plan.Mode == GatewayMode.Routed))
            transaction.AddRule(table, Pass, new NftablesRule().OutputLink(s_bridges).DestinationAddressAndPort(_sets.Open).Accept());
        transaction.AddRule(table, Pass, new NftablesRule().InputLink(s_bridges).OutputLink(s_bridges).Drop());
        foreach ((Network network, AddressPlan plan) in planned.Where(pair => !pair.Network.Internal))
            AddDirectAccess(transaction, network, plan);
        transaction.AddRule(table, Pass, new NftablesRule().InputLink(s_bridges).Accept());
        transaction.AddRule(table, Pass, new NftablesRule().OutputLink(s_bridges).Drop());
    }

    private void AddRulesOf(NftablesTransaction transaction, Network network, AddressPlan plan)
    {
        string bridge = network.BridgeName;
        byte[] subnet = plan.Subnet.Address.ToBytes();
        int prefixLength = plan.Subnet.PrefixLength;
        // The gateway's address is the host's own: containers of other networks reach the host by it. Only what would be sent on by our
        // bridge: where br_netfilter shows bridged packets to these rules, the table of an engine that died would otherwise cut
        // the neighbours of another's bridge off from each other, once that has got the same subnet.
        if (plan.Mode == GatewayMode.Nat && plan.Gateway is { } gateway)
            transaction.AddRule(table, Guard, new NftablesRule().Destination(subnet, prefixLength)
                .Destination(gateway.ToBytes(), gateway.Bits, isNot: true)
                .InputLink(bridge, isNot: true).InputLink("lo", isNot: true).RoutedBy(bridge).Drop());

        // A container that reaches its neighbour by the host's address must get the answer from the host.
        if (plan.Mode != GatewayMode.Routed)
            transaction.AddRule(table, Leave,
                new NftablesRule().Source(subnet, prefixLength).OutputLink(bridge).Status(IPS_DST_NAT).Masquerade());
        if (network.Masquerade && !network.Internal && plan.Mode != GatewayMode.Routed)
            transaction.AddRule(table, Leave,
                new NftablesRule().InputLink(bridge).Source(subnet, prefixLength).OutputLink(bridge, isNot: true).Masquerade());

        // Ports of the bridge that are kept apart must not find each other by way of the gateway either.
        NftablesRule within = new NftablesRule().InputLink(bridge).OutputLink(bridge);
        transaction.AddRule(table, Pass, network.InterContainer ? within.Accept() : within.Status(IPS_DST_NAT).Accept());
        if (!network.InterContainer)
            transaction.AddRule(table, Pass, new NftablesRule().InputLink(bridge).OutputLink(bridge).Drop());
        if (!network.Internal)
            return;
        transaction.AddRule(table, Pass, new NftablesRule().InputLink(bridge).Drop());
        transaction.AddRule(table, Pass, new NftablesRule().OutputLink(bridge).Drop());
    }

    // From outside; what comes from other bridges was decided before.
    private void AddDirectAccess(NftablesTransaction transaction, Network network, AddressPlan plan)
    {
        if (plan.Mode == GatewayMode.NatUnprotected)
            transaction.AddRule(table, Pass, new NftablesRule().OutputLink(network.BridgeName).Accept());
        else if (plan.Mode == GatewayMode.Routed)
            transaction.AddRule(
                table, Pass, new NftablesRule().OutputLink(network.BridgeName).Protocol(isIPv6 ? IcmpIPv6 : Icmp).Accept());
    }

    private void AddPorts(NftablesTransaction transaction, IEnumerable<(PublishedPort Port, InternetAddress Address)> published)
    {
        foreach ((NftablesSet set, byte[] key, byte[]? data) in Elements(published))
            transaction.AddElement(table, set, key, data);
    }

    private IEnumerable<(NftablesSet Set, byte[] Key, byte[]? Data)> Elements(
        IEnumerable<(PublishedPort Port, InternetAddress Address)> published) => published
        .Where(entry => entry.Port.HostAddress.AddressFamily == entry.Address.ToIPAddress().AddressFamily
            && entry.Address.IsIPv6 == isIPv6 && IsTranslated(entry.Port.HostAddress))
        .Select(entry => Element(entry.Port, entry.Address));

    /// <summary>Whether packets to that host address are translated by the kernel.</summary>
    internal static bool IsTranslated(IPAddress host) => !host.Equals(IPAddress.IPv6Loopback) && !host.IsIPv6LinkLocal;

    private (NftablesSet Set, byte[] Key, byte[]? Data) Element(PublishedPort port, InternetAddress address)
    {
        byte[] target = [.. address.ToBytes(), .. PortBytes(port.ContainerPort), 0, 0];
        byte[] protocol = [(byte)port.Protocol, 0, 0, 0];
        if (port.HostPort == 0)
            return (_sets.Open, [.. address.ToBytes(), .. protocol, .. PortBytes(port.ContainerPort), 0, 0], null);
        byte[] service = [.. protocol, .. PortBytes(port.HostPort), 0, 0];
        return port.HostAddress.Equals(IPAddress.Any) || port.HostAddress.Equals(IPAddress.IPv6Any)
            ? (_sets.AnyAddress, service, target)
            : (_sets.OneAddress, [.. port.HostAddress.GetAddressBytes(), .. service], target);
    }

    private static byte[] PortBytes(ushort port) => [(byte)(port >> 8), (byte)port];
}

/// <summary>Where the published ports of one family stand.</summary>
/// <param name="address">nft's number of the type of addresses: ipv4_addr 7, ipv6_addr 8; inet_proto is 12, inet_service 13.</param>
/// <param name="size">Bytes of an address.</param>
internal sealed class FirewallSets(int address, int size)
{
    /// <summary>Protocol and host port, for all addresses of the host: to the container's address and port.</summary>
    public NftablesSet AnyAddress { get; } = new("published", 2, (12 << 6) | 13, 8, (address << 6) | 13, size + 4);

    /// <summary>The same for one address of the host.</summary>
    public NftablesSet OneAddress { get; } =
        new("published_at", 3, (((address << 6) | 12) << 6) | 13, size + 8, (address << 6) | 13, size + 4);

    /// <summary>Container addresses, protocols and ports that are reached without translation.</summary>
    public NftablesSet Open { get; } = new("open", 4, (((address << 6) | 12) << 6) | 13, size + 8);
}
