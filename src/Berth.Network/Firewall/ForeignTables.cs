using Berth.Linux;
using static Berth.Linux.NftablesConstants;

namespace Berth.Network;

/// <summary>Other programs' tables (a host firewall, another engine) that drop what they do not know: our bridges are made known to
/// them, by rules that carry our table's name and go with the network.</summary>
/// <remarks>An <c>accept</c> in our own table cannot overrule a <c>drop</c> in theirs. Guarded by its owner.</remarks>
internal sealed class ForeignTables(NetlinkSocket socket, string table)
{
    private string Comment => $"berth {table}";

    /// <summary>Replaces what stands there with rules for these networks.</summary>
    public void Accept(IReadOnlyCollection<Network> networks)
    {
        NftablesTransaction transaction = new();
        foreach (NftablesChain chain in NftablesQueries.BaseChains(socket))
        {
            if (chain.Hook != NF_INET_FORWARD || chain.Policy != NF_DROP
                || chain.Family is not (NFPROTO_IPV4 or NFPROTO_IPV6 or NFPROTO_INET))
                continue;
            foreach (ulong handle in NftablesQueries.RulesWithComment(socket, chain, Comment))
                transaction.DeleteRule(chain.Family, chain.Table, chain.Name, handle);
            foreach (Network network in networks.Where(network => IsSeenBy(chain, network)))
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

    private static bool IsSeenBy(NftablesChain chain, Network network) => chain.Family switch
    {
        NFPROTO_IPV4 => network.IPv4 is not null,
        NFPROTO_IPV6 => network.IPv6 is not null,
        _ => true,
    };
}
