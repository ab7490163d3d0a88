using System.Buffers.Binary;
using System.Text;
using static Berth.Linux.NetlinkConstants;
using static Berth.Linux.NftablesConstants;

namespace Berth.Linux;

/// <summary>Questions about the packet filter of a namespace.</summary>
public static class NftablesQueries
{
    /// <summary>Size of <c>struct nfgenmsg</c>.</summary>
    public const int HeaderSize = 4;

    /// <summary>The chains of all families that the kernel calls at a hook.</summary>
    public static IReadOnlyList<NftablesChain> BaseChains(NetlinkSocket socket)
    {
        List<NftablesChain> chains = [];
        NetlinkMessages request = Request(NFT_MSG_GETCHAIN, family: 0);
        socket.Query(request, "chains", isDump: true, (_, body) =>
        {
            ReadOnlySpan<byte> attributes = body[HeaderSize..];
            ReadOnlySpan<byte> hook = NetlinkAttributes.Find(attributes, NFTA_CHAIN_HOOK);
            if (hook.IsEmpty)
                return;
            chains.Add(new NftablesChain(
                body[0],
                Text(NetlinkAttributes.Find(attributes, NFTA_CHAIN_TABLE)),
                Text(NetlinkAttributes.Find(attributes, NFTA_CHAIN_NAME)),
                Number(NetlinkAttributes.Find(hook, NFTA_HOOK_HOOKNUM)),
                Number(NetlinkAttributes.Find(attributes, NFTA_CHAIN_POLICY))));
        });
        return chains;
    }

    /// <summary>The handles of a chain's rules that carry a comment.</summary>
    public static IReadOnlyList<ulong> RulesWithComment(NetlinkSocket socket, NftablesChain chain, string comment)
    {
        List<ulong> handles = [];
        byte[] wanted = Encoding.UTF8.GetBytes(comment + '\0');
        NetlinkMessages request = Request(NFT_MSG_GETRULE, chain.Family)
            .Text(NFTA_RULE_TABLE, chain.Table).Text(NFTA_RULE_CHAIN, chain.Name);
        socket.Query(request, "rules", isDump: true, (_, body) =>
        {
            ReadOnlySpan<byte> attributes = body[HeaderSize..];
            ReadOnlySpan<byte> userData = NetlinkAttributes.Find(attributes, NFTA_RULE_USERDATA);
            // Type, length, value; type 0 is the comment.
            if (userData.Length > 2 && userData[0] == 0 && userData[2..].SequenceEqual(wanted))
                handles.Add(BinaryPrimitives.ReadUInt64BigEndian(NetlinkAttributes.Find(attributes, NFTA_RULE_HANDLE)));
        });
        return handles;
    }

    private static NetlinkMessages Request(int type, int family) => new NetlinkMessages()
        .Begin((NFNL_SUBSYS_NFTABLES << 8) | type, NLM_F_DUMP).Raw([(byte)family, 0, 0, 0]);

    private static string Text(ReadOnlySpan<byte> value) => Encoding.UTF8.GetString(value.TrimEnd((byte)0));

    private static int Number(ReadOnlySpan<byte> value) => value.Length >= 4 ? BinaryPrimitives.ReadInt32BigEndian(value) : -1;
}

/// <summary>A chain that the kernel calls at a hook.</summary>
/// <param name="Family">Such as <see cref="NFPROTO_IPV4"/>.</param>
/// <param name="Table">The table.</param>
/// <param name="Name">The chain.</param>
/// <param name="Hook">One of <c>NF_INET_…</c>.</param>
/// <param name="Policy"><see cref="NF_DROP"/> or <see cref="NF_ACCEPT"/>.</param>
public sealed record NftablesChain(int Family, string Table, string Name, int Hook, int Policy);
