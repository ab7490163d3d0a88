namespace Berth.Linux;

/// <summary>Protocols, message types and flags that all netlink families share (netlink(7), linux/netlink.h).</summary>
public static class NetlinkConstants
{
#pragma warning disable CS1591 // The names are the kernel's own.
    public const int NETLINK_ROUTE = 0;
    public const int NETLINK_NETFILTER = 12;
    public const int NLMSG_ERROR = 2;
    public const int NLMSG_DONE = 3;
    public const int NLM_F_REQUEST = 1;
    public const int NLM_F_ACK = 4;
    public const int NLM_F_DUMP = 768;
    public const int NLM_F_REPLACE = 256;
    public const int NLM_F_EXCL = 512;
    public const int NLM_F_CREATE = 1024;
    public const int NLM_F_APPEND = 2048;
    public const int NLA_F_NESTED = 32768;
#pragma warning restore CS1591
}
