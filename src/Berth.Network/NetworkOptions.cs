using System.Net;
using Berth.Linux;

namespace Berth.Network;

/// <summary>How one engine's networks are made. Engines with different bridge and table names run side by side.</summary>
public sealed record NetworkOptions
{
    /// <summary>The default bridge's link name, at most 15 bytes; <c>none</c> means no default bridge (as <c>dockerd
    /// --bridge none</c>).</summary>
    public string BridgeName { get; init; } = "berth0";

    /// <summary>The nftables table (family ip) that this engine alone owns and rebuilds at start.</summary>
    public string TableName { get; init; } = "berth";

    /// <summary>Where user-defined networks are kept, one file each.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>Where subnets come from when a network asks for none: the first that no route of the host touches.</summary>
    public IReadOnlyList<AddressPool> AddressPools { get; init; } = AddressPool.Defaults;

    /// <summary>The default bridge's own address and subnet, as <c>--bip 172.30.0.1/24</c>; null: from the pools.</summary>
    public string? BridgeAddress { get; init; }

    /// <summary>The part of the default bridge's subnet that containers get, as <c>--fixed-cidr</c>; null: all of it.</summary>
    public IPv4Subnet? FixedCidr { get; init; }

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
public sealed record AddressPool(IPv4Subnet Range, int PrefixLength)
{
    /// <summary>Docker's: 172.17.0.0/16 to 172.31.0.0/16, then 192.168.0.0/16 in pieces of /20.</summary>
    public static IReadOnlyList<AddressPool> Defaults { get; } =
    [
        .. Enumerable.Range(17, 15).Select(second => new AddressPool(IPv4Subnet.Parse($"172.{second}.0.0/16"), 16)),
        new AddressPool(IPv4Subnet.Parse("192.168.0.0/16"), 20),
    ];
}
