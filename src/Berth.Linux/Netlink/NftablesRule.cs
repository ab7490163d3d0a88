using System.Buffers.Binary;
using System.Text;
using static Berth.Linux.NftablesConstants;

namespace Berth.Linux;

/// <summary>One rule: tests in their order, the first that fails ends it, then what is to be done.</summary>
public sealed class NftablesRule
{
    private const int LinkNameSize = 16;
    private const int SizeIPv6 = 16;
    private const int PortSize = 4;
    private readonly List<(string Name, Action<NetlinkMessages> Write)> _expressions = [];

    internal IReadOnlyList<(string Name, Action<NetlinkMessages> Write)> Expressions => _expressions;

    /// <summary>The packet came in by that link, or did not.</summary>
    public NftablesRule InputLink(string name, bool isNot = false) => Link(NFT_META_IIFNAME, name, isNot);

    /// <summary>The packet goes out by that link, or does not.</summary>
    public NftablesRule OutputLink(string name, bool isNot = false) => Link(NFT_META_OIFNAME, name, isNot);

    /// <summary>The packet came in by a link of the set.</summary>
    public NftablesRule InputLink(NftablesSet links) => Meta(NFT_META_IIFNAME, NFT_REG_1).Lookup(links, NFT_REG_1);

    /// <summary>The packet goes out by a link of the set.</summary>
    public NftablesRule OutputLink(NftablesSet links) => Meta(NFT_META_OIFNAME, NFT_REG_1).Lookup(links, NFT_REG_1);

    /// <summary>The source lies in a subnet: four bytes in IPv4, sixteen in IPv6.</summary>
    public NftablesRule Source(byte[] address, int prefixLength) =>
        Address(address.Length == SizeIPv6 ? 8 : 12, address, prefixLength, isNot: false);

    /// <summary>The destination lies in a subnet, or does not: four bytes in IPv4, sixteen in IPv6.</summary>
    public NftablesRule Destination(byte[] address, int prefixLength, bool isNot = false) =>
        Address(DestinationOffset(address.Length), address, prefixLength, isNot);

    /// <summary>The destination, the protocol and the port are in the set.</summary>
    public NftablesRule DestinationAddressAndPort(NftablesSet set) => LoadAddressAndPort(set).Lookup(set, NFT_REG32_00);

    /// <summary>The transport protocol is that number.</summary>
    public NftablesRule Protocol(byte protocol) => Meta(NFT_META_L4PROTO, NFT_REG_1).Compare(NFT_CMP_EQ, [protocol]);

    /// <summary>The transport's destination port is that number.</summary>
    public NftablesRule DestinationPort(ushort port) => Payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, NFT_REG_1)
        .Compare(NFT_CMP_EQ, [(byte)(port >> 8), (byte)port]);

    /// <summary>The destination is an address of this machine.</summary>
    public NftablesRule DestinationIsLocal() => Expression("fib", m => m
            .NetworkNumber(NFTA_FIB_DREG, NFT_REG_1).NetworkNumber(NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE)
            .NetworkNumber(NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR))
        .Compare(NFT_CMP_EQ, HostOrder(RTN_LOCAL));

    /// <summary>This machine would send the packet on by that link, as its routes are now.</summary>
    public NftablesRule RoutedBy(string link) => Expression("fib", m => m
            .NetworkNumber(NFTA_FIB_DREG, NFT_REG_1).NetworkNumber(NFTA_FIB_RESULT, NFT_FIB_RESULT_OIFNAME)
            .NetworkNumber(NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR))
        .Compare(NFT_CMP_EQ, LinkKey(link));

    /// <summary>The connection's state has one of these bits (2 established, 4 related).</summary>
    public NftablesRule State(int bits) => Connection(NFT_CT_STATE, bits);

    /// <summary>The connection's status has one of these bits, such as <see cref="IPS_DST_NAT"/>.</summary>
    public NftablesRule Status(int bits) => Connection(NFT_CT_STATUS, bits);

    /// <summary>Sends the packet where the map says for its protocol and port; not in the map: the rule ends.</summary>
    public NftablesRule TranslateByPort(NftablesSet map) => Meta(NFT_META_L4PROTO, NFT_REG32_00)
        .Payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, NFT_REG32_01)
        .Lookup(map, NFT_REG32_00, NFT_REG32_00).Translate(map.DataLength - PortSize);

    /// <summary>Sends the packet where the map says for its destination, protocol and port; not in the map: the rule ends.</summary>
    public NftablesRule TranslateByAddressAndPort(NftablesSet map) =>
        LoadAddressAndPort(map).Lookup(map, NFT_REG32_00, NFT_REG32_00).Translate(map.DataLength - PortSize);

    /// <summary>Sends the packet to an address and port.</summary>
    public NftablesRule TranslateTo(byte[] address, ushort port) =>
        Immediate(NFT_REG32_00, address).Immediate(Behind(address.Length), [(byte)(port >> 8), (byte)port]).Translate(address.Length);

    /// <summary>Gives the packet the source address of the link it goes out by.</summary>
    public NftablesRule Masquerade() => Expression("masq", _ => { });

    /// <summary>Lets the packet pass this hook's chain.</summary>
    public NftablesRule Accept() => Verdict(NF_ACCEPT);

    /// <summary>Drops the packet.</summary>
    public NftablesRule Drop() => Verdict(NF_DROP);

    /// <summary>A link's name as a key of a set: sixteen bytes.</summary>
    public static byte[] LinkKey(string name)
    {
        byte[] key = new byte[LinkNameSize];
        Encoding.UTF8.GetBytes(name, key.AsSpan(0, LinkNameSize - 1));
        return key;
    }

    private static byte[] HostOrder(int value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        return bytes;
    }

    private NftablesRule Link(int key, string name, bool isNot) =>
        Meta(key, NFT_REG_1).Compare(isNot ? NFT_CMP_NEQ : NFT_CMP_EQ, LinkKey(name));

    private NftablesRule Address(int offset, byte[] address, int prefixLength, bool isNot)
    {
        Payload(NFT_PAYLOAD_NETWORK_HEADER, offset, address.Length, NFT_REG_1);
        if (prefixLength < address.Length * 8)
        {
            byte[] mask = new byte[address.Length];
            for (int bit = 0; bit < prefixLength; bit++)
                mask[bit / 8] |= (byte)(0x80 >> (bit % 8));
            Mask(mask);
        }
        return Compare(isNot ? NFT_CMP_NEQ : NFT_CMP_EQ, address);
    }

    private NftablesRule Connection(int key, int bits) => Expression("ct", m => m
            .NetworkNumber(NFTA_CT_DREG, NFT_REG_1).NetworkNumber(NFTA_CT_KEY, key))
        .Mask(HostOrder(bits)).Compare(NFT_CMP_NEQ, new byte[4]);

    private NftablesRule Mask(byte[] mask) => Expression("bitwise", m => m
        .NetworkNumber(NFTA_BITWISE_SREG, NFT_REG_1).NetworkNumber(NFTA_BITWISE_DREG, NFT_REG_1)
        .NetworkNumber(NFTA_BITWISE_LEN, mask.Length)
        .Nest(NFTA_BITWISE_MASK).Attribute(NFTA_DATA_VALUE, mask).EndNest()
        .Nest(NFTA_BITWISE_XOR).Attribute(NFTA_DATA_VALUE, new byte[mask.Length]).EndNest());

    private NftablesRule Meta(int key, int register) => Expression("meta", m => m
        .NetworkNumber(NFTA_META_KEY, key).NetworkNumber(NFTA_META_DREG, register));

    private NftablesRule Payload(int header, int offset, int length, int register) => Expression("payload", m => m
        .NetworkNumber(NFTA_PAYLOAD_DREG, register).NetworkNumber(NFTA_PAYLOAD_BASE, header)
        .NetworkNumber(NFTA_PAYLOAD_OFFSET, offset).NetworkNumber(NFTA_PAYLOAD_LEN, length));

    private NftablesRule Compare(int operation, byte[] value) => Expression("cmp", m => m
        .NetworkNumber(NFTA_CMP_SREG, NFT_REG_1).NetworkNumber(NFTA_CMP_OP, operation)
        .Nest(NFTA_CMP_DATA).Attribute(NFTA_DATA_VALUE, value).EndNest());

    private NftablesRule Lookup(NftablesSet set, int source, int? destination = null) => Expression("lookup", m =>
    {
        m.Text(NFTA_LOOKUP_SET, set.Name).NetworkNumber(NFTA_LOOKUP_SREG, source);
        if (destination is { } register)
            m.NetworkNumber(NFTA_LOOKUP_DREG, register);
    });

    private NftablesRule Immediate(int register, byte[] value) => Expression("immediate", m => m
        .NetworkNumber(NFTA_IMMEDIATE_DREG, register)
        .Nest(NFTA_IMMEDIATE_DATA).Attribute(NFTA_DATA_VALUE, value).EndNest());

    private NftablesRule Translate(int addressSize) => Expression("nat", m => m
        .NetworkNumber(NFTA_NAT_TYPE, NFT_NAT_DNAT)
        .NetworkNumber(NFTA_NAT_FAMILY, addressSize == SizeIPv6 ? NFPROTO_IPV6 : NFPROTO_IPV4)
        .NetworkNumber(NFTA_NAT_REG_ADDR_MIN, NFT_REG32_00).NetworkNumber(NFTA_NAT_REG_PROTO_MIN, Behind(addressSize)));

    // Address, protocol and port stand behind each other, as in the keys of sets.
    private NftablesRule LoadAddressAndPort(NftablesSet set)
    {
        int size = set.KeyLength - (2 * PortSize);
        return Payload(NFT_PAYLOAD_NETWORK_HEADER, DestinationOffset(size), size, NFT_REG32_00)
            .Meta(NFT_META_L4PROTO, Behind(size))
            .Payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, size == SizeIPv6 ? NFT_REG32_05 : NFT_REG32_02);
    }

    private static int Behind(int addressSize) => addressSize == SizeIPv6 ? NFT_REG32_04 : NFT_REG32_01;

    private static int DestinationOffset(int addressSize) => addressSize == SizeIPv6 ? 24 : 16;

    private NftablesRule Verdict(int code) => Expression("immediate", m => m
        .NetworkNumber(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT)
        .Nest(NFTA_IMMEDIATE_DATA).Nest(NFTA_DATA_VERDICT).NetworkNumber(NFTA_VERDICT_CODE, code).EndNest().EndNest());

    private NftablesRule Expression(string name, Action<NetlinkMessages> write)
    {
        _expressions.Add((name, write));
        return this;
    }
}
