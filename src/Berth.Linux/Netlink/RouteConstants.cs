namespace Berth.Linux;

/// <summary>Links, addresses and routes (rtnetlink(7), linux/rtnetlink.h, if_link.h, veth.h).</summary>
public static class RouteConstants
{
#pragma warning disable CS1591 // The names are the kernel's own.
    public const int RTM_NEWLINK = 16;
    public const int RTM_DELLINK = 17;
    public const int RTM_GETLINK = 18;
    public const int RTM_SETLINK = 19;
    public const int RTM_NEWADDR = 20;
    public const int RTM_DELADDR = 21;
    public const int RTM_GETADDR = 22;
    public const int RTM_NEWROUTE = 24;
    public const int RTM_GETROUTE = 26;
    public const int IFLA_ADDRESS = 1;
    public const int IFLA_IFNAME = 3;
    public const int IFLA_MTU = 4;
    public const int IFLA_MASTER = 10;
    public const int IFLA_LINKINFO = 18;
    public const int IFLA_NET_NS_FD = 28;
    public const int IFLA_PROTINFO = 12;
    public const int IFLA_INFO_KIND = 1;
    public const int IFLA_INFO_DATA = 2;
    public const int VETH_INFO_PEER = 1;
    public const int IFLA_BRPORT_MODE = 4;
    public const int IFLA_BRPORT_ISOLATED = 33;
    public const int IFF_UP = 1;
    public const int IFA_ADDRESS = 1;
    public const int IFA_LOCAL = 2;
    public const int IFA_BROADCAST = 4;
    public const int IFA_F_NODAD = 2;
    public const int RTA_DST = 1;
    public const int RTA_OIF = 4;
    public const int RTA_GATEWAY = 5;
    public const int RTA_TABLE = 15;
    public const int RT_TABLE_MAIN = 254;
    public const int RTPROT_BOOT = 3;
    public const int RT_SCOPE_UNIVERSE = 0;
    public const int RT_SCOPE_LINK = 253;
    public const int RTN_UNICAST = 1;
#pragma warning restore CS1591
}
