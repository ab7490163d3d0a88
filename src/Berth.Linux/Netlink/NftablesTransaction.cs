using System.Buffers.Binary;
using System.Text;
using static Berth.Linux.NetlinkConstants;
using static Berth.Linux.NftablesConstants;

namespace Berth.Linux;

/// <summary>Changes to tables of one family of the packet filter that happen together or not at all.</summary>
/// <param name="tables">The family where a call names none: <see cref="NFPROTO_IPV4"/>, <see cref="NFPROTO_IPV6"/>.</param>
/// <remarks>linux/netfilter/nf_tables.h; what <c>nft -f</c> sends.</remarks>
public sealed class NftablesTransaction(int tables = NFPROTO_IPV4)
{
    private readonly NetlinkMessages _messages = new();
    private readonly List<Action<bool>> _changes = [];

    /// <summary>Whether there is nothing to do.</summary>
    public bool IsEmpty => _changes.Count == 0;

    /// <summary>Makes the table if it is not there.</summary>
    public NftablesTransaction AddTable(string table) =>
        Add(NFT_MSG_NEWTABLE, NLM_F_CREATE, () => _messages.Text(NFTA_TABLE_NAME, table));

    /// <summary>Removes the table with all in it.</summary>
    public NftablesTransaction DeleteTable(string table) =>
        Add(NFT_MSG_DELTABLE, 0, () => _messages.Text(NFTA_TABLE_NAME, table));

    /// <summary>Makes a chain that the kernel calls at a hook; packets that no rule decides go on.</summary>
    /// <param name="table">The table.</param>
    /// <param name="chain">The name.</param>
    /// <param name="type"><c>filter</c> or <c>nat</c>.</param>
    /// <param name="hook">One of <c>NF_INET_…</c>.</param>
    /// <param name="priority">Lower is earlier.</param>
    public NftablesTransaction AddChain(string table, string chain, string type, int hook, int priority) =>
        Add(NFT_MSG_NEWCHAIN, NLM_F_CREATE, () => _messages
            .Text(NFTA_CHAIN_TABLE, table).Text(NFTA_CHAIN_NAME, chain)
            .Nest(NFTA_CHAIN_HOOK).NetworkNumber(NFTA_HOOK_HOOKNUM, hook).NetworkNumber(NFTA_HOOK_PRIORITY, priority).EndNest()
            .NetworkNumber(NFTA_CHAIN_POLICY, NF_ACCEPT).Text(NFTA_CHAIN_TYPE, type));

    /// <summary>Removes all rules of a chain.</summary>
    public NftablesTransaction FlushChain(string table, string chain) =>
        Add(NFT_MSG_DELRULE, 0, () => _messages.Text(NFTA_RULE_TABLE, table).Text(NFTA_RULE_CHAIN, chain));

    /// <summary>Adds a rule at the end of a chain.</summary>
    public NftablesTransaction AddRule(string table, string chain, NftablesRule rule) =>
        Add(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, () => WriteRule(table, chain, rule));

    /// <summary>Adds a rule at the head of a chain, with a comment by which it is found again.</summary>
    /// <param name="family"><see cref="NFPROTO_IPV4"/> or that of the chain's table.</param>
    /// <param name="table">The table.</param>
    /// <param name="chain">The chain.</param>
    /// <param name="rule">The rule.</param>
    /// <param name="comment">At most 120 bytes.</param>
    public NftablesTransaction InsertRule(int family, string table, string chain, NftablesRule rule, string comment) =>
        Add(NFT_MSG_NEWRULE, NLM_F_CREATE, () =>
        {
            WriteRule(table, chain, rule);
            byte[] text = Encoding.UTF8.GetBytes(comment + '\0');
            _messages.Attribute(NFTA_RULE_USERDATA, [0, (byte)text.Length, .. text]);
        }, family);

    /// <summary>Removes a rule by its handle.</summary>
    public NftablesTransaction DeleteRule(int family, string table, string chain, ulong handle) =>
        Add(NFT_MSG_DELRULE, 0, () =>
        {
            byte[] bytes = new byte[8];
            BinaryPrimitives.WriteUInt64BigEndian(bytes, handle);
            _messages.Text(NFTA_RULE_TABLE, table).Text(NFTA_RULE_CHAIN, chain).Attribute(NFTA_RULE_HANDLE, bytes);
        }, family);

    /// <summary>Makes a set, or a map when it has data.</summary>
    public NftablesTransaction AddSet(string table, NftablesSet set) => Add(NFT_MSG_NEWSET, NLM_F_CREATE, () =>
    {
        _messages.Text(NFTA_SET_TABLE, table).Text(NFTA_SET_NAME, set.Name)
            .NetworkNumber(NFTA_SET_FLAGS, set.DataLength > 0 ? NFT_SET_MAP : 0)
            .NetworkNumber(NFTA_SET_KEY_TYPE, set.KeyType).NetworkNumber(NFTA_SET_KEY_LEN, set.KeyLength);
        if (set.DataLength > 0)
            _messages.NetworkNumber(NFTA_SET_DATA_TYPE, set.DataType).NetworkNumber(NFTA_SET_DATA_LEN, set.DataLength);
        _messages.NetworkNumber(NFTA_SET_ID, set.Id);
    });

    /// <summary>Adds an element; a map's has data.</summary>
    public NftablesTransaction AddElement(string table, NftablesSet set, byte[] key, byte[]? data) =>
        Add(NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL, () => WriteElement(table, set, key, data));

    /// <summary>Removes an element, which must be there.</summary>
    public NftablesTransaction DeleteElement(string table, NftablesSet set, byte[] key) =>
        Add(NFT_MSG_DELSETELEM, 0, () => WriteElement(table, set, key, null));

    /// <summary>Removes all elements.</summary>
    public NftablesTransaction FlushSet(string table, NftablesSet set) => Add(NFT_MSG_DELSETELEM, 0, () =>
        _messages.Text(NFTA_SET_ELEM_LIST_TABLE, table).Text(NFTA_SET_ELEM_LIST_SET, set.Name));

    /// <summary>Does all changes.</summary>
    /// <exception cref="LinuxException">The first refusal; nothing was done. ENOENT: an element to remove is not there.
    /// EEXIST: one to add is. EOPNOTSUPP, EPROTONOSUPPORT: the kernel lacks a part of nftables.</exception>
    public void Commit(NetlinkSocket socket, string what)
    {
        if (IsEmpty)
            return;
        // struct nfgenmsg: family, version, and the subsystem in network order.
        ReadOnlySpan<byte> marker = [0, 0, 0, NFNL_SUBSYS_NFTABLES];
        _messages.Begin(NFNL_MSG_BATCH_BEGIN, 0).Raw(marker);
        for (int i = 0; i < _changes.Count; i++)
            _changes[i](i == _changes.Count - 1);
        _messages.Begin(NFNL_MSG_BATCH_END, 0).Raw(marker);
        _changes.Clear();
        socket.ExecuteBatch(_messages, what);
    }

    private NftablesTransaction Add(int type, int flags, Action write, int? family = null)
    {
        _changes.Add(isLast =>
        {
            _messages.Begin((NFNL_SUBSYS_NFTABLES << 8) | type, flags | (isLast ? NLM_F_ACK : 0))
                .Raw([(byte)(family ?? tables), 0, 0, 0]);
            write();
        });
        return this;
    }

    private void WriteRule(string table, string chain, NftablesRule rule)
    {
        _messages.Text(NFTA_RULE_TABLE, table).Text(NFTA_RULE_CHAIN, chain).Nest(NFTA_RULE_EXPRESSIONS);
        foreach ((string name, Action<NetlinkMessages> write) in rule.Expressions)
        {
            _messages.Nest(NFTA_LIST_ELEM).Text(NFTA_EXPR_NAME, name).Nest(NFTA_EXPR_DATA);
            write(_messages);
            _messages.EndNest().EndNest();
        }
        _messages.EndNest();
    }

    private void WriteElement(string table, NftablesSet set, byte[] key, byte[]? data)
    {
        _messages.Text(NFTA_SET_ELEM_LIST_TABLE, table).Text(NFTA_SET_ELEM_LIST_SET, set.Name)
            .Nest(NFTA_SET_ELEM_LIST_ELEMENTS).Nest(NFTA_LIST_ELEM)
            .Nest(NFTA_SET_ELEM_KEY).Attribute(NFTA_DATA_VALUE, key).EndNest();
        if (data is not null)
            _messages.Nest(NFTA_SET_ELEM_DATA).Attribute(NFTA_DATA_VALUE, data).EndNest();
        _messages.EndNest().EndNest();
    }
}

/// <summary>A set, or a map when it has data. Parts of a joined key are each padded to four bytes.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Id">A number unique in its transaction.</param>
/// <param name="KeyType">How <c>nft</c> shows the key: type numbers of <c>nft describe</c>, six bits each.</param>
/// <param name="KeyLength">Bytes.</param>
/// <param name="DataType">How <c>nft</c> shows the data.</param>
/// <param name="DataLength">Bytes; 0: a plain set.</param>
public sealed record NftablesSet(string Name, int Id, int KeyType, int KeyLength, int DataType = 0, int DataLength = 0);
