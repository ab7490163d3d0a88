using Berth.Linux;
using static Berth.Linux.NftablesConstants;

namespace Berth.Network;

/// <summary>The engine's nftables table: rules follow from the list of networks and are replaced as a whole; published ports are
/// elements of two maps, so that publishing costs the same with one container and with a thousand.</summary>
/// <remarks>
/// <para><c>guard</c> (before everything): packets to 127.0.0.0/8 that came in by a link, which <c>route_localnet</c> and translation
/// before routing would let in, and packets straight to container addresses from anywhere but their own bridge are
/// dropped. What is published to one host address is
/// therefore not reachable round it by routing.</para>
/// <para><c>publish</c>, <c>publish_local</c>: destination translation by the maps, for packets from outside and from
/// the host itself.</para>
/// <para><c>leave</c>: masquerading on the way out, for hairpins and for 127.0.0.1.</para>
/// <para><c>pass</c>: what is forwarded: answers, published ports, out of bridges that are not internal, within a bridge.</para>
/// Guarded by its owner.
/// </remarks>
internal sealed class FirewallTable(NetlinkSocket socket, string table)
{
    private const string Guard = "guard";
    private const string Publishing = "publish";
    private const string PublishingLocal = "publish_local";
    private const string Leave = "leave";
    private const string Pass = "pass";
    private const int EstablishedOrRelated = 6;
    private const int DestinationNatPriority = -100;
    private static readonly byte[] s_loopback = [127, 0, 0, 0];

    // Type numbers of nft: ipv4_addr 7, inet_proto 12, inet_service 13, ifname 41.
    private static readonly NftablesSet s_bridges = new("bridges", 1, 41, 16);
    private static readonly NftablesSet s_anyAddress = new("published", 2, (12 << 6) | 13, 8, (7 << 6) | 13, 8);
    private static readonly NftablesSet s_oneAddress =
        new("published_at", 3, (((7 << 6) | 12) << 6) | 13, 12, (7 << 6) | 13, 8);

    private string Comment => $"berth {table}";

    /// <summary>Makes the table anew with everything in it, in one transaction: there is no moment without rules.</summary>
    public void Recreate(IReadOnlyCollection<Network> networks, IEnumerable<(PublishedPort Port, IPv4Address Address)> published)
    {
        // Added first because one cannot remove what may not be there.
        NftablesTransaction transaction = new NftablesTransaction().AddTable(table).DeleteTable(table).AddTable(table)
            .AddSet(table, s_bridges).AddSet(table, s_anyAddress).AddSet(table, s_oneAddress)
            .AddChain(table, Guard, "filter", NF_INET_PRE_ROUTING, -300)
            .AddChain(table, Publishing, "nat", NF_INET_PRE_ROUTING, DestinationNatPriority)
            .AddChain(table, PublishingLocal, "nat", NF_INET_LOCAL_OUT, DestinationNatPriority)
            .AddChain(table, Leave, "nat", NF_INET_POST_ROUTING, 100)
            .AddChain(table, Pass, "filter", NF_INET_FORWARD, 0);
        foreach (string chain in (string[])[Publishing, PublishingLocal])
        {
            transaction.AddRule(table, chain, new NftablesRule().TranslateByAddressAndPort(s_oneAddress));
            transaction.AddRule(table, chain, new NftablesRule().DestinationIsLocal().TranslateByPort(s_anyAddress));
        }
        AddNetworkRules(transaction, networks);
        foreach ((PublishedPort port, IPv4Address address) in published)
            AddPort(transaction, port, address);
        transaction.Commit(socket, $"table {table}");
        AcceptInForeignTables(networks);
    }

    /// <summary>Replaces the rules when networks came or went.</summary>
    public void SetNetworks(IReadOnlyCollection<Network> networks)
    {
        NftablesTransaction transaction = new();
        foreach (string chain in (string[])[Guard, Leave, Pass])
            transaction.FlushChain(table, chain);
        transaction.FlushSet(table, s_bridges);
        AddNetworkRules(transaction, networks);
        transaction.Commit(socket, $"table {table}");
        AcceptInForeignTables(networks);
    }

    public void Publish(IEnumerable<PublishedPort> ports, IPv4Address address)
    {
        NftablesTransaction transaction = new();
        foreach (PublishedPort port in ports)
            AddPort(transaction, port, address);
        transaction.Commit(socket, $"table {table}");
    }

    public void Unpublish(IEnumerable<PublishedPort> ports)
    {
        NftablesTransaction transaction = new();
        foreach (PublishedPort port in ports)
        {
            if (TryKey(port, out NftablesSet map, out byte[] key))
                transaction.DeleteElement(table, map, key);
        }
        transaction.Commit(socket, $"table {table}");
    }

    /// <summary>Removes the table and what was put into others.</summary>
    public void Remove()
    {
        AcceptInForeignTables([]);
        new NftablesTransaction().AddTable(table).DeleteTable(table).Commit(socket, $"table {table}");
    }

    private void AddNetworkRules(NftablesTransaction transaction, IReadOnlyCollection<Network> networks)
    {
        foreach (Network network in networks)
            transaction.AddElement(table, s_bridges, NftablesRule.LinkKey(network.BridgeName), null);

        transaction.AddRule(table, Guard, new NftablesRule().InputLink("lo", isNot: true).Destination(s_loopback, 8).Drop());
        transaction.AddRule(table, Leave, new NftablesRule().OutputLink(s_bridges).Source(s_loopback, 8).Masquerade());
        transaction.AddRule(table, Pass, new NftablesRule().State(EstablishedOrRelated).Accept());
        foreach (Network network in networks)
            AddRulesOf(transaction, network);
        transaction.AddRule(table, Pass, new NftablesRule().OutputLink(s_bridges).Status(IPS_DST_NAT).Accept());
        transaction.AddRule(table, Pass, new NftablesRule().InputLink(s_bridges).OutputLink(s_bridges).Drop());
        transaction.AddRule(table, Pass, new NftablesRule().InputLink(s_bridges).Accept());
        transaction.AddRule(table, Pass, new NftablesRule().OutputLink(s_bridges).Drop());
    }

    private void AddRulesOf(NftablesTransaction transaction, Network network)
    {
        string bridge = network.BridgeName;
        byte[] subnet = network.Subnet!.Value.Address.ToBytes();
        int prefixLength = network.Subnet.Value.PrefixLength;
        // The gateway's address is the host's own: containers of other networks reach the host by it. Only what would be sent on by our
        // bridge: where br_netfilter shows bridged packets to these rules, the table of an engine that died would otherwise cut
        // the neighbours of another's bridge off from each other, once that has got the same subnet.
        transaction.AddRule(table, Guard, new NftablesRule().Destination(subnet, prefixLength)
            .Destination(network.Gateway!.Value.ToBytes(), 32, isNot: true)
            .InputLink(bridge, isNot: true).InputLink("lo", isNot: true).RoutedBy(bridge).Drop());

        // A container that reaches its neighbour by the host's address must get the answer from the host.
        transaction.AddRule(table, Leave,
            new NftablesRule().Source(subnet, prefixLength).OutputLink(bridge).Status(IPS_DST_NAT).Masquerade());
        if (network.Masquerade && !network.Internal)
            transaction.AddRule(table, Leave,
                new NftablesRule().InputLink(bridge).Source(subnet, prefixLength).OutputLink(bridge, isNot: true).Masquerade());

        transaction.AddRule(table, Pass, new NftablesRule().InputLink(bridge).OutputLink(bridge).Accept());
        if (!network.Internal)
            return;
        transaction.AddRule(table, Pass, new NftablesRule().InputLink(bridge).Drop());
        transaction.AddRule(table, Pass, new NftablesRule().OutputLink(bridge).Drop());
    }

    /// <summary>Where another table drops what it does not know, our bridges are made known to it.</summary>
    private void AcceptInForeignTables(IReadOnlyCollection<Network> networks)
    {
        NftablesTransaction transaction = new();
        foreach (NftablesChain chain in NftablesQueries.BaseChains(socket))
        {
            if (chain.Hook != NF_INET_FORWARD || chain.Policy != NF_DROP || chain.Family is not (NFPROTO_IPV4 or NFPROTO_INET))
                continue;
            foreach (ulong handle in NftablesQueries.RulesWithComment(socket, chain, Comment))
                transaction.DeleteRule(chain.Family, chain.Table, chain.Name, handle);
            foreach (Network network in networks)
            {
                string bridge = network.BridgeName;
                transaction.InsertRule(
                    chain.Family, chain.Table, chain.Name, new NftablesRule().InputLink(bridge).Accept(), Comment);
                transaction.InsertRule(
                    chain.Family, chain.Table, chain.Name, new NftablesRule().OutputLink(bridge).Accept(), Comment);
            }
        }
        transaction.Commit(socket, "foreign forward chains");
    }

    private void AddPort(NftablesTransaction transaction, PublishedPort port, IPv4Address address)
    {
        if (TryKey(port, out NftablesSet map, out byte[] key))
            transaction.AddElement(table, map, key, [.. address.ToBytes(), .. PortBytes(port.ContainerPort), 0, 0]);
    }

    private static bool TryKey(PublishedPort port, out NftablesSet map, out byte[] key)
    {
        byte[] service = [(byte)port.Protocol, 0, 0, 0, .. PortBytes(port.HostPort), 0, 0];
        bool isAny = port.HostAddress.Equals(System.Net.IPAddress.Any);
        map = isAny ? s_anyAddress : s_oneAddress;
        key = isAny ? service : [.. port.HostAddress.GetAddressBytes(), .. service];
        return port.HostAddress.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork;
    }

    private static byte[] PortBytes(ushort port) => [(byte)(port >> 8), (byte)port];
}
