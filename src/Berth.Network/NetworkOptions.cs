using System.Net;
using Berth.Linux;

namespace Berth.Network;

/// <summary>How one engine's networks are made. Engines with different bridge and table names run side by side.</summary>
public sealed record NetworkOptions
{
    /// <summary>The default bridge's link name, at most 15 bytes; <c>none</c> means no default bridge (as <c>dockerd
    /// --bridge none</c>).</summary>
    public string BridgeName { get; init; } = "berth0";

    /// <summary>The nftables tables (of family ip, and of ip6 once a network has IPv6) that this engine alone owns and rebuilds at
    /// start.</summary>
    public string TableName { get; init; } = "berth";

    /// <summary>Where user-defined networks are kept, one file each.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>Where subnets come from when a network asks for none: the first that no route of the host touches.</summary>
    public IReadOnlyList<AddressPool> AddressPools { get; init; } = AddressPool.Defaults;

    /// <summary>The default bridge's own address and subnet, as <c>--bip 172.30.0.1/24</c>; null: from the pools.</summary>
    public string? BridgeAddress { get; init; }

    /// <summary>The part of the default bridge's subnet that containers get, as <c>--fixed-cidr</c>; null: all of it.</summary>
    public InternetSubnet? FixedCidr { get; init; }

    /// <summary>Whether the default bridge has IPv6 (<c>--ipv6</c>).</summary>
    public bool BridgeHasIPv6 { get; init; }

    /// <summary>The default bridge's own IPv6 address and subnet, as <c>--bip6 fd00::1/64</c>; null: from <see cref="FixedCidrIPv6"/>,
    /// else from the pools.</summary>
    public string? BridgeAddressIPv6 { get; init; }

    /// <summary>The IPv6 addresses that containers on the default bridge get, as <c>--fixed-cidr-v6</c>: all of the subnet where
    /// <see cref="BridgeAddressIPv6"/> is not given.</summary>
    public InternetSubnet? FixedCidrIPv6 { get; init; }

    /// <summary>What this engine's IPv6 pool is derived from where <see cref="AddressPools"/> holds none: stable, and different on
    /// different machines, so that two of them can be joined.</summary>
    public string HostId { get; init; } = "";

    /// <summary>Bytes per packet on new bridges; 0: that of the link with the default route, at most 1500.</summary>
    public int Mtu { get; init; }

    /// <summary>Whether containers on the default bridge may talk to each other (<c>--icc</c>).</summary>
    public bool InterContainer { get; init; } = true;

    /// <summary>Resolvers given to containers instead of the host's (<c>--dns</c>).</summary>
    public IReadOnlyList<IPAddress> Dns { get; init; } = [];

    /// <summary>The host's resolver file, read when a name is forwarded.</summary>
    public string HostResolvConf { get; init; } = "/etc/resolv.conf";

    /// <summary>The network namespace that counts as the host; null: the process's own. Owned by the caller.</summary>
    public FileDescriptor? HostNamespace { get; init; }

    /// <summary><see cref="HostNamespace"/> is not where the machine's own addresses are, as with an ordinary user's engine: published
    /// ports are taken in the process's own namespace and carried over by relays, and its resolvers are asked from there.</summary>
    public bool IsDetached { get; init; }

    /// <summary>How many empty network namespaces are kept ready for the next containers.</summary>
    public int ReadyNamespaces { get; init; } = 3;
}

/// <summary>A range cut into subnets of one size.</summary>
/// <param name="Range">All of it.</param>
/// <param name="PrefixLength">The size of the pieces.</param>
public sealed record AddressPool(InternetSubnet Range, int PrefixLength)
{
    /// <summary>Docker's: 172.17.0.0/16 to 172.31.0.0/16, then 192.168.0.0/16 in pieces of /20.</summary>
    public static IReadOnlyList<AddressPool> Defaults { get; } =
    [
        .. Enumerable.Range(17, 15).Select(second => new AddressPool(InternetSubnet.Parse($"172.{second}.0.0/16"), 16)),
        new AddressPool(InternetSubnet.Parse("192.168.0.0/16"), 20),
    ];

    /// <summary>A unique local prefix for one engine, in pieces of /64: fd and 40 bits of a digest of its ID, as Docker 27 derives
    /// them.</summary>
    /// <remarks>RFC 4193 section 3.2, whose random bits need only be different, and here must stay the same.</remarks>
    public static AddressPool UniqueLocal(string hostId)
    {
        const int GlobalIdBits = 40, PrefixBits = 48, PieceBits = 64;
        byte[] digest = System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(hostId));
        ulong globalId = System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(digest) & ((1UL << GlobalIdBits) - 1);
        InternetAddress first = InternetAddress.Parse("fd00::");
        return new AddressPool(
            new InternetSubnet(first with { Value = first.Value | ((UInt128)globalId << (128 - PrefixBits)) }, PrefixBits), PieceBits);
    }
}
