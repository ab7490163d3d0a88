using System.Buffers.Binary;
using static Berth.Linux.NetlinkConstants;
using static Berth.Linux.RouteConstants;

namespace Berth.Linux;

/// <summary>Links, addresses and routes of the network namespace in which it was opened.</summary>
/// <remarks>rtnetlink(7). Addresses are four bytes (IPv4) or sixteen (IPv6) in network order, link addresses six.</remarks>
public sealed class RouteSocket : IDisposable
{
    /// <summary>Size of <c>struct ifinfomsg</c>.</summary>
    public const int LinkHeaderSize = 16;

    /// <summary>Where <c>ifi_index</c> is in it.</summary>
    public const int LinkIndexOffset = 4;

    /// <summary>Where <c>ifi_flags</c> is in it.</summary>
    public const int LinkFlagsOffset = 8;

    /// <summary>Size of <c>struct ifaddrmsg</c>.</summary>
    public const int AddressHeaderSize = 8;

    /// <summary>Size of <c>struct rtmsg</c>.</summary>
    public const int RouteHeaderSize = 12;

    private const byte AF_INET = 2;
    private const byte AF_INET6 = 10;
    private const byte AF_BRIDGE = 7;
    private const int CreateNew = NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
    private readonly NetlinkSocket _socket = NetlinkSocket.Open(NETLINK_ROUTE);

    /// <summary>Makes a bridge that is down, with a link address of its own, so that it does not take its first port's.</summary>
    /// <exception cref="LinuxException">EEXIST: the name is taken.</exception>
    public void AddBridge(string name, ReadOnlySpan<byte> linkAddress, int mtu) => _socket.Execute(
        new NetlinkMessages().Begin(RTM_NEWLINK, CreateNew).LinkHeader(0, 0, 0)
            .Text(IFLA_IFNAME, name).Attribute(IFLA_ADDRESS, linkAddress).Number(IFLA_MTU, mtu)
            .Nest(IFLA_LINKINFO).Text(IFLA_INFO_KIND, "bridge").EndNest(),
        name);

    /// <summary>
    /// Makes a pair: one end here, a port of a bridge and up, the other in a namespace, down. One step: no end is ever elsewhere.
    /// </summary>
    /// <exception cref="LinuxException">EEXIST: a name is taken. ENODEV: no such bridge. EXFULL: the bridge has no free port.</exception>
    public void AddVethPort(VethPort port)
    {
        NetlinkMessages messages = new NetlinkMessages().Begin(RTM_NEWLINK, CreateNew).LinkHeader(0, IFF_UP, IFF_UP)
            .Text(IFLA_IFNAME, port.Name).Number(IFLA_MASTER, port.BridgeIndex).Number(IFLA_MTU, port.Mtu)
            .Nest(IFLA_LINKINFO).Text(IFLA_INFO_KIND, "veth").Nest(IFLA_INFO_DATA).Nest(VETH_INFO_PEER)
            .LinkHeader(0, 0, 0).Text(IFLA_IFNAME, port.PeerName).Attribute(IFLA_ADDRESS, port.PeerLinkAddress)
            .Number(IFLA_MTU, port.Mtu).Number(IFLA_NET_NS_FD, port.PeerNamespace.Number)
            .EndNest().EndNest().EndNest();
        _socket.Execute(messages, port.Name);
    }

    /// <summary>Keeps a port of a bridge from talking to other isolated ports.</summary>
    public void IsolatePort(int index) => SetPort(index, IFLA_BRPORT_ISOLATED);

    /// <summary>Lets a bridge send a packet back by the port it came from.</summary>
    public void HairpinPort(int index) => SetPort(index, IFLA_BRPORT_MODE);

    private void SetPort(int index, int attribute)
    {
        NetlinkMessages messages = new NetlinkMessages().Begin(RTM_SETLINK, NLM_F_ACK);
        Span<byte> header = stackalloc byte[LinkHeaderSize];
        header[0] = AF_BRIDGE;
        BinaryPrimitives.WriteInt32LittleEndian(header[LinkIndexOffset..], index);
        messages.Raw(header).Nest(IFLA_PROTINFO).Attribute(attribute, [1]).EndNest();
        _socket.Execute(messages, $"link {index}");
    }

    /// <summary>Makes a link a port of a bridge.</summary>
    public void SetMaster(int index, int bridgeIndex) => _socket.Execute(
        new NetlinkMessages().Begin(RTM_NEWLINK, NLM_F_ACK).LinkHeader(index, 0, 0).Number(IFLA_MASTER, bridgeIndex),
        $"link {index}");

    /// <summary>Switches a link on.</summary>
    public void SetUp(int index) =>
        _socket.Execute(new NetlinkMessages().Begin(RTM_NEWLINK, NLM_F_ACK).LinkHeader(index, IFF_UP, IFF_UP), $"link {index}");

    /// <summary>Removes a link, a pair's other end with it. Takes the kernel 10 ms and more.</summary>
    /// <returns>False when there is none of that name.</returns>
    public bool TryDeleteLink(string name)
    {
        try
        {
            _socket.Execute(new NetlinkMessages().Begin(RTM_DELLINK, NLM_F_ACK).LinkHeader(0, 0, 0).Text(IFLA_IFNAME, name), name);
            return true;
        }
        catch (LinuxException exception) when (exception.Error == Errno.ENODEV)
        {
            return false;
        }
    }

    /// <summary>Finds a link by its name; null when there is none.</summary>
    public LinkInfo? FindLink(string name)
    {
        LinkInfo? found = null;
        try
        {
            NetlinkMessages request = new NetlinkMessages().Begin(RTM_GETLINK, 0).LinkHeader(0, 0, 0).Text(IFLA_IFNAME, name);
            _socket.Query(request, name, isDump: false, (_, body) => found = ReadLink(body));
        }
        catch (LinuxException exception) when (exception.Error == Errno.ENODEV)
        {
            return null;
        }
        return found;
    }

    /// <summary>All links.</summary>
    public IReadOnlyList<LinkInfo> Links()
    {
        List<LinkInfo> links = [];
        NetlinkMessages request = new NetlinkMessages().Begin(RTM_GETLINK, NLM_F_DUMP).LinkHeader(0, 0, 0);
        _socket.Query(request, "links", isDump: true, (type, body) =>
        {
            if (type == RTM_NEWLINK)
                links.Add(ReadLink(body));
        });
        return links;
    }

    /// <summary>Gives a link an address and switches it on. An IPv6 address is usable at once: nobody is asked whether he has it.</summary>
    /// <param name="index">The link.</param>
    /// <param name="address">The address.</param>
    /// <param name="prefixLength">The subnet's prefix length.</param>
    /// <param name="broadcast">The subnet's last address; empty for IPv6.</param>
    /// <exception cref="LinuxException">EEXIST: it has that address already. EACCES: IPv6 is switched off on the link.</exception>
    public void AddAddressAndSetUp(int index, ReadOnlySpan<byte> address, int prefixLength, ReadOnlySpan<byte> broadcast) =>
        _socket.Execute(WithAddressAndUp(new NetlinkMessages(), index, address, prefixLength, broadcast), $"link {index}");

    /// <summary>The same, and makes a gateway behind the link the default route, in one call.</summary>
    public void AddAddressAndDefaultRoute(
        int index, ReadOnlySpan<byte> address, int prefixLength, ReadOnlySpan<byte> broadcast, ReadOnlySpan<byte> gateway)
    {
        NetlinkMessages messages = WithAddressAndUp(new NetlinkMessages(), index, address, prefixLength, broadcast);
        _socket.Execute(WithDefaultRoute(messages, index, gateway), $"link {index}");
    }

    /// <summary>Makes a gateway behind a link the default route.</summary>
    /// <exception cref="LinuxException">EEXIST: there is one. ENETUNREACH: the link has no address of the gateway's subnet.</exception>
    public void AddDefaultRoute(int index, ReadOnlySpan<byte> gateway) =>
        _socket.Execute(WithDefaultRoute(new NetlinkMessages(), index, gateway), $"link {index}");

    /// <summary>All addresses of one family: link, address, prefix length.</summary>
    public IReadOnlyList<AddressInfo> Addresses(bool isIPv6)
    {
        List<AddressInfo> addresses = [];
        byte[] header = new byte[AddressHeaderSize];
        byte family = header[0] = isIPv6 ? AF_INET6 : AF_INET;
        NetlinkMessages request = new NetlinkMessages().Begin(RTM_GETADDR, NLM_F_DUMP).Raw(header);
        _socket.Query(request, "addresses", isDump: true, (type, body) =>
        {
            if (type != RTM_NEWADDR || body.Length < AddressHeaderSize || body[0] != family)
                return;
            // IPv6 has the former only where there is a peer.
            ReadOnlySpan<byte> local = NetlinkAttributes.Find(body[AddressHeaderSize..], IFA_LOCAL);
            if (local.IsEmpty)
                local = NetlinkAttributes.Find(body[AddressHeaderSize..], IFA_ADDRESS);
            if (local.Length == SizeOf(family))
                addresses.Add(new AddressInfo(BinaryPrimitives.ReadInt32LittleEndian(body[4..]), local.ToArray(), body[1]));
        });
        return addresses;
    }

    /// <summary>All routes of one family in the main table; a default route has prefix length 0.</summary>
    public IReadOnlyList<RouteInfo> Routes(bool isIPv6)
    {
        List<RouteInfo> routes = [];
        byte[] header = new byte[RouteHeaderSize];
        byte family = header[0] = isIPv6 ? AF_INET6 : AF_INET;
        NetlinkMessages request = new NetlinkMessages().Begin(RTM_GETROUTE, NLM_F_DUMP).Raw(header);
        _socket.Query(request, "routes", isDump: true, (type, body) =>
        {
            if (type != RTM_NEWROUTE || body.Length < RouteHeaderSize || body[0] != family || body[4] != RT_TABLE_MAIN)
                return;
            ReadOnlySpan<byte> attributes = body[RouteHeaderSize..];
            ReadOnlySpan<byte> destination = NetlinkAttributes.Find(attributes, RTA_DST);
            ReadOnlySpan<byte> link = NetlinkAttributes.Find(attributes, RTA_OIF);
            routes.Add(new RouteInfo(
                destination.Length == SizeOf(family) ? destination.ToArray() : new byte[SizeOf(family)],
                body[1],
                link.Length == 4 ? BinaryPrimitives.ReadInt32LittleEndian(link) : 0));
        });
        return routes;
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private static NetlinkMessages WithAddressAndUp(
        NetlinkMessages messages, int index, ReadOnlySpan<byte> address, int prefixLength, ReadOnlySpan<byte> broadcast)
    {
        Span<byte> header = stackalloc byte[AddressHeaderSize];
        header[0] = FamilyOf(address);
        header[1] = (byte)prefixLength;
        header[2] = header[0] == AF_INET6 ? (byte)IFA_F_NODAD : (byte)0;
        BinaryPrimitives.WriteInt32LittleEndian(header[4..], index);
        messages.Begin(RTM_NEWADDR, CreateNew).Raw(header).Attribute(IFA_LOCAL, address).Attribute(IFA_ADDRESS, address);
        if (!broadcast.IsEmpty)
            messages.Attribute(IFA_BROADCAST, broadcast);
        return messages.Begin(RTM_NEWLINK, NLM_F_ACK).LinkHeader(index, IFF_UP, IFF_UP);
    }

    private static NetlinkMessages WithDefaultRoute(NetlinkMessages messages, int index, ReadOnlySpan<byte> gateway)
    {
        ReadOnlySpan<byte> header =
            [FamilyOf(gateway), 0, 0, 0, RT_TABLE_MAIN, RTPROT_BOOT, RT_SCOPE_UNIVERSE, RTN_UNICAST, 0, 0, 0, 0];
        return messages.Begin(RTM_NEWROUTE, CreateNew).Raw(header).Attribute(RTA_GATEWAY, gateway).Number(RTA_OIF, index);
    }

    private static byte FamilyOf(ReadOnlySpan<byte> address) => address.Length == SizeOf(AF_INET6) ? AF_INET6 : AF_INET;

    private static int SizeOf(byte family) => family == AF_INET6 ? 16 : 4;

    private static LinkInfo ReadLink(ReadOnlySpan<byte> body)
    {
        string name = "";
        string kind = "";
        int master = 0;
        int mtu = 0;
        NetlinkAttributes attributes = new(body[LinkHeaderSize..]);
        while (attributes.MoveNext())
        {
            switch (attributes.Type)
            {
                case IFLA_IFNAME:
                    name = attributes.Text;
                    break;
                case IFLA_MASTER:
                    master = attributes.Number;
                    break;
                case IFLA_MTU:
                    mtu = attributes.Number;
                    break;
                case IFLA_LINKINFO:
                    kind = System.Text.Encoding.UTF8.GetString(
                        NetlinkAttributes.Find(attributes.Value, IFLA_INFO_KIND).TrimEnd((byte)0));
                    break;
            }
        }
        return new LinkInfo(BinaryPrimitives.ReadInt32LittleEndian(body[LinkIndexOffset..]), name, kind, master, mtu);
    }
}

/// <summary>What a pair needs to be made.</summary>
/// <param name="Name">The end here.</param>
/// <param name="BridgeIndex">The bridge it becomes a port of.</param>
/// <param name="PeerName">The other end.</param>
/// <param name="PeerLinkAddress">Its six-byte link address.</param>
/// <param name="PeerNamespace">Where it is made.</param>
/// <param name="Mtu">Bytes per packet, on both ends.</param>
public sealed record VethPort(
    string Name, int BridgeIndex, string PeerName, byte[] PeerLinkAddress, FileDescriptor PeerNamespace, int Mtu);

/// <summary>A link.</summary>
/// <param name="Index">Its number in its namespace.</param>
/// <param name="Name">Its name.</param>
/// <param name="Kind">Such as <c>bridge</c> or <c>veth</c>; empty for hardware and loopback.</param>
/// <param name="Master">The bridge it is a port of; 0: none.</param>
/// <param name="Mtu">Bytes per packet.</param>
public sealed record LinkInfo(int Index, string Name, string Kind, int Master, int Mtu);

/// <summary>An address of a link.</summary>
/// <param name="LinkIndex">The link.</param>
/// <param name="Address">Four or sixteen bytes.</param>
/// <param name="PrefixLength">The subnet's prefix length.</param>
public sealed record AddressInfo(int LinkIndex, byte[] Address, int PrefixLength);

/// <summary>A route of the main table.</summary>
/// <param name="Destination">Four or sixteen bytes.</param>
/// <param name="PrefixLength">0 for the default route.</param>
/// <param name="LinkIndex">Where it leads; 0: nowhere or several.</param>
public sealed record RouteInfo(byte[] Destination, int PrefixLength, int LinkIndex);
