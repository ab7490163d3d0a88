namespace Berth.Linux.Tests;

internal static class NetlinkHeaders
{
    public static HeaderTable Netlink => new HeaderTable(
            "sys/socket.h", "linux/netlink.h", "linux/rtnetlink.h", "linux/if.h", "linux/if_link.h", "linux/veth.h")
        .Add(typeof(NetlinkConstants)).Add(typeof(RouteConstants))
        .Add("sizeof(struct nlmsghdr)", NetlinkMessages.HeaderSize)
        .Add("sizeof(struct nlattr)", NetlinkMessages.AttributeHeaderSize)
        .Add("sizeof(struct ifinfomsg)", RouteSocket.LinkHeaderSize)
        .Add("offsetof(struct ifinfomsg, ifi_index)", RouteSocket.LinkIndexOffset)
        .Add("offsetof(struct ifinfomsg, ifi_flags)", RouteSocket.LinkFlagsOffset)
        .Add("offsetof(struct ifinfomsg, ifi_change)", 12)
        .Add("sizeof(struct ifaddrmsg)", RouteSocket.AddressHeaderSize)
        .Add("offsetof(struct ifaddrmsg, ifa_prefixlen)", 1)
        .Add("offsetof(struct ifaddrmsg, ifa_index)", 4)
        .Add("sizeof(struct rtmsg)", RouteSocket.RouteHeaderSize)
        .Add("offsetof(struct rtmsg, rtm_dst_len)", 1)
        .Add("offsetof(struct rtmsg, rtm_table)", 4)
        .Add("offsetof(struct rtmsg, rtm_type)", 7);

    public static HeaderTable Nftables => new HeaderTable(
            "linux/rtnetlink.h", "linux/netfilter.h", "linux/netfilter/nfnetlink.h", "linux/netfilter/nf_tables.h",
            "linux/netfilter/nf_conntrack_common.h")
        .Add(typeof(NftablesConstants))
        .Add("sizeof(struct nfgenmsg)", NftablesQueries.HeaderSize)
        .Add("offsetof(struct nfgenmsg, res_id)", 2);
}
