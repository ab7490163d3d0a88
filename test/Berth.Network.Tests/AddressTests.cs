using System.Net;
using System.Text.Json;
using Berth.Faults;

namespace Berth.Network.Tests;

public sealed class AddressTests
{
    [Theory]
    [InlineData("10.0.0.1", "10.0.0.1")]
    [InlineData("fd00:0:0:0::1", "fd00::1")]
    [InlineData("FD00::AB", "fd00::ab")]
    [InlineData("::", "::")]
    [InlineData("010.0.0.1", null)]
    [InlineData("10.1", null)]
    [InlineData("1", null)]
    [InlineData("", null)]
    [InlineData("[fd00::1]", null)]
    [InlineData("fd00::1%eth0", null)]
    [InlineData("::ffff:10.0.0.1", null)]
    [InlineData("fd00::1::2", null)]
    [InlineData("fd00::12345", null)]
    public void Address_IsReadAndWritten(string text, string? expected)
    {
        Assert.Equal(expected is not null, InternetAddress.TryParse(text, out InternetAddress address));
        if (expected is not null)
        {
            Assert.Equal(expected, address.ToString());
            Assert.Equal(address, JsonSerializer.Deserialize<InternetAddress>(JsonSerializer.Serialize(address)));
        }
    }

    /// <summary>What .NET reads as another address than the text says is none.</summary>
    [Theory]
    [InlineData("10.0.0.1", true)]
    [InlineData("fd00::1", true)]
    [InlineData("fe80::1%1", true)]
    [InlineData("::ffff:10.0.0.1", true)]
    [InlineData("1.2", false)]
    [InlineData("010.0.0.1", false)]
    [InlineData("0x7f.0.0.1", false)]
    [InlineData("2130706433", false)]
    [InlineData("::ffff:1.2", false)]
    [InlineData("::ffff:010.0.0.1", false)]
    [InlineData("[::1]:80", false)]
    [InlineData("[::1]", false)]
    [InlineData(" ::1", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void AddressText_IsTakenByTheLetter(string? text, bool isAddress)
    {
        Assert.Equal(isAddress, AddressText.TryParse(text, out IPAddress? address));
        Assert.Equal(isAddress ? text : null, address?.ToString());
    }

    [Theory]
    [InlineData("10.1.2.3/8", "10.0.0.0/8", "10.255.255.255")]
    [InlineData("0.0.0.0/0", "0.0.0.0/0", "255.255.255.255")]
    [InlineData("10.1.2.3/32", "10.1.2.3/32", "10.1.2.3")]
    [InlineData("fd00::1:2/64", "fd00::/64", "fd00::ffff:ffff:ffff:ffff")]
    [InlineData("::/0", "::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]
    [InlineData("fd00::5/128", "fd00::5/128", "fd00::5")]
    [InlineData("10.0.0.0/33", null, null)]
    [InlineData("fd00::/129", null, null)]
    [InlineData("fd00::/-1", null, null)]
    [InlineData("fd00::/", null, null)]
    [InlineData("fd00::", null, null)]
    [InlineData("fd00::/9999999999", null, null)]
    public void Subnet_IsReadAndHasEnds(string text, string? expected, string? last)
    {
        Assert.Equal(expected is not null, InternetSubnet.TryParse(text, out InternetSubnet subnet));
        if (expected is not null)
            Assert.Equal((expected, last), (subnet.ToString(), subnet.Last.ToString()));
    }

    [Fact]
    public void Subnets_OfDifferentFamilies_ShareNothing()
    {
        Assert.False(InternetSubnet.Parse("::/0").Overlaps(InternetSubnet.Parse("0.0.0.0/0")));
        Assert.False(InternetSubnet.Parse("::/0").Contains(InternetAddress.Parse("0.0.0.1")));
        Assert.True(InternetSubnet.Parse("fd00::/8").Overlaps(InternetSubnet.Parse("fd12::/64")));
    }

    [Fact]
    public void Allocator_IPv6_StartsBehindTheRoutersAddress_AndGivesTheLastOne()
    {
        AddressAllocator allocator = Allocator("fd00::/126", "fd00::1");
        Assert.Equal(["fd00::2", "fd00::3"], [allocator.Next().ToString(), allocator.Next().ToString()]);
        FaultException fault = Assert.Throws<FaultException>(() => allocator.Next());
        Assert.Equal("no available IPv6 addresses on this network's address pools: net (id)", fault.Message);
        allocator.Release(InternetAddress.Parse("fd00::3"));
        Assert.Equal("fd00::3", allocator.Next().ToString());
    }

    [Fact]
    public void Allocator_OfAWideSubnet_RangeAndReservations()
    {
        AddressAllocator allocator = Allocator("fd00::/64", "fd00::1", "fd00::aa00/120", ("printer", "fd00::aa00"));
        Assert.Equal("fd00::aa01", allocator.Next().ToString());
        allocator.Restore(InternetAddress.Parse("fd00::aaff"));
        Assert.Equal("fd00::aa02", allocator.Next().ToString());
        allocator.Reserve(InternetAddress.Parse("fd00::dead"));
        Assert.Equal("Address already in use",
            Assert.Throws<FaultException>(() => allocator.Reserve(InternetAddress.Parse("fd00::dead"))).Message);
        Assert.Throws<FaultException>(() => allocator.Reserve(InternetAddress.Parse("fd00::")));
        Assert.Throws<FaultException>(() => allocator.Reserve(InternetAddress.Parse("fd01::5")));
    }

    [Fact]
    public void UniqueLocalPool_IsStableByHost_AndDocker28s()
    {
        AddressPool pool = AddressPool.UniqueLocal("host");
        Assert.Equal(pool, AddressPool.UniqueLocal("host"));
        Assert.NotEqual(pool, AddressPool.UniqueLocal("other"));
        Assert.Equal((48, 64), (pool.Range.PrefixLength, pool.PrefixLength));
        Assert.StartsWith("fd", pool.Range.ToString(), StringComparison.Ordinal);
        // The lowest 40 bits of the first eight bytes of SHA-256, behind fd.
        byte[] digest = System.Security.Cryptography.SHA256.HashData("host"u8);
        Assert.Equal([0xFD, .. digest[3..8]], pool.Range.Address.ToBytes()[..6]);
    }

    [Fact]
    public void LinkAddress_OfIPv6Neighbours_Differs()
    {
        Assert.Equal("02:42:ac:11:00:02", MacAddress.For(InternetAddress.Parse("172.17.0.2")).ToString());
        string[] addresses = ["fd00::2", "fd00::3", "fd00::1:0:0:2", "fd00:0:0:1::2"];
        Assert.Equal(addresses.Length, addresses.Select(text => MacAddress.For(InternetAddress.Parse(text))).Distinct().Count());
    }

    [Fact]
    public void StoredNetwork_FromBeforeIPv6_IsRead()
    {
        Network network = NetworkFiles.Read("""
            {
              "Id": "ab", "Name": "front", "Driver": "bridge", "Created": "2026-11-01T00:00:00+00:00", "BridgeName": "br-ab",
              "Subnet": "10.5.0.0/24", "Gateway": "10.5.0.1", "IPRange": "10.5.0.128/25", "AuxiliaryAddresses": {"printer": "10.5.0.9"},
              "Internal": true, "Attachable": false, "Mtu": 1400, "InterContainer": false, "Masquerade": false, "HostBinding": null,
              "Options": {}, "Labels": {"a": "b"}, "SubnetRequested": true, "IsPredefined": false, "HasNames": true
            }
            """u8.ToArray());
        AddressPlan plan = network.IPv4!;
        Assert.Equal(("10.5.0.0/24", "10.5.0.1", "10.5.0.128/25", "10.5.0.9", true, GatewayMode.Nat), (plan.Subnet.ToString(),
            plan.Gateway.ToString(), plan.IPRange.ToString(), plan.AuxiliaryAddresses["printer"].ToString(), plan.IsRequested, plan.Mode));
        Assert.Null(network.IPv6);
        Assert.Equal((true, 1400, false, false), (network.Internal, network.Mtu, network.InterContainer, network.Masquerade));
        Network none = NetworkFiles.Read("""
            {"Id": "cd", "Name": "none", "Driver": "null", "Created": "2026-11-01T00:00:00+00:00", "BridgeName": "", "Subnet": null,
             "Gateway": null, "IPRange": null, "AuxiliaryAddresses": {}, "SubnetRequested": false, "IsPredefined": true}
            """u8.ToArray());
        Assert.Empty(none.Plans);
    }

    private static AddressAllocator Allocator(
        string subnet, string gateway, string? range = null, params (string Name, string Address)[] auxiliary) => new("net (id)", new AddressPlan
        {
            Subnet = InternetSubnet.Parse(subnet),
            Gateway = InternetAddress.Parse(gateway),
            IPRange = range is null ? null : InternetSubnet.Parse(range),
            AuxiliaryAddresses = auxiliary.ToDictionary(pair => pair.Name, pair => InternetAddress.Parse(pair.Address)),
        });
}
