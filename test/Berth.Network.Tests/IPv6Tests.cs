using System.Diagnostics;
using System.Net;
using Berth.Faults;

namespace Berth.Network.Tests;

/// <summary>Networks with IPv6 addresses, in a real kernel.</summary>
public sealed class IPv6Tests
{
    private const string Mode = "com.docker.network.bridge.gateway_mode_ipv6";

    [Fact]
    public async Task DualStack_ReachesNeighboursHostAndLan_AndOutsideAppearsAsTheHost()
    {
        await using World world = await World.StartWithIPv6Async();
        await CreateAsync(world, "six", "fd00:6::/64");
        await using Container one = (await world.RunAsync("six", "one")).Serve(80);
        await using Container two = await world.RunAsync("six", "two");
        one.Serve(world.Host, 7000);
        one.Serve(world.Lan, 7001);

        Assert.Equal(("fd00:6::2", 64, "fd00:6::1"), (one.AddressIPv6, one.Endpoint.IPv6PrefixLength, one.Endpoint.IPv6Gateway.ToString()));
        Assert.Equal("172.18.0.2", one.Address);
        // At once: no address waits for the answer that nobody else has it.
        Assert.Equal("one from fd00:6::3", await World.AskAsync(two.Namespace, one.AddressIPv6, 80));
        Assert.Equal("one from 172.18.0.3", await World.AskAsync(two.Namespace, one.Address, 80));
        Assert.Equal("one from fd00:6::1", await World.AskAsync(world.Host, one.AddressIPv6, 80));
        Assert.Equal("one from fd00:6::3", await World.AskAsync(two.Namespace, "fd00:6::1", 7000));
        Assert.Equal("one from fd77::1", await World.AskAsync(two.Namespace, "fd77::2", 7001));
        Assert.Equal("one from ::1", await World.AskAsync(one.Namespace, "::1", 80));
        Assert.Contains("default via fd00:6::1 dev eth0", World.Run(one.Namespace, "ip -6 route"), StringComparison.Ordinal);
        // What says it is a router is believed by neither side (CVE-2020-13401).
        Assert.Equal("0", World.Run(one.Namespace, "cat /proc/sys/net/ipv6/conf/eth0/accept_ra").Trim());
        string bridge = world.Networks.Find("six")!.BridgeName;
        Assert.Equal("0", World.Run(world.Host, $"cat /proc/sys/net/ipv6/conf/{bridge}/accept_ra").Trim());
    }

    [Fact]
    public async Task ContainerAddress_FromLanAndFromOtherNetworks_IsUnreachable()
    {
        await using World world = await World.StartWithIPv6Async();
        await CreateAsync(world, "six", "fd00:6::/64");
        await CreateAsync(world, "seven", "fd00:7::/64");
        await using Container one = (await world.RunAsync("six", "one")).Serve(80);
        await using Container two = await world.RunAsync("seven", "two");
        await World.AssertUnreachableAsync(world.Lan, one.AddressIPv6, 80);
        await World.AssertUnreachableAsync(two.Namespace, one.AddressIPv6, 80);
        await world.Networks.ConnectAsync(two.Sandbox, "six", new EndpointRequest { ContainerName = "two" }, World.Cancel);
        Assert.Equal("one from fd00:6::3", await World.AskAsync(two.Namespace, one.AddressIPv6, 80));
        await world.Networks.DisconnectAsync(two.Sandbox, "seven", World.Cancel);
        Assert.Contains("default via fd00:6::1 dev eth1", World.Run(two.Namespace, "ip -6 route"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PublishedPort_IsReachedFromEverywhere_AndTheClientsAddressArrives()
    {
        await using World world = await World.StartWithIPv6Async();
        await CreateAsync(world, "six", "fd00:6::/64");
        await CreateAsync(world, "seven", "fd00:7::/64");
        PortBinding port = new() { ContainerPort = 80, HostPort = 8080 };
        await using Container one = (await world.RunAsync("six", "one", port)).Serve(80);
        await using Container two = await world.RunAsync("six", "two");
        await using Container three = await world.RunAsync("seven", "three");

        Assert.Equal("one from fd77::2", await World.AskAsync(world.Lan, World.HostOnLanIPv6, 8080));
        Assert.Equal("one from 10.77.0.2", await World.AskAsync(world.Lan, World.HostOnLan, 8080));
        Assert.Equal("one from fd77::1", await World.AskAsync(world.Host, World.HostOnLanIPv6, 8080));
        Assert.Equal("one from fd00:6::1", await World.AskAsync(world.Host, "::1", 8080));
        Assert.Equal("one from fd00:6::1", await World.AskAsync(one.Namespace, "fd00:6::1", 8080));
        Assert.StartsWith("one from", await World.AskAsync(two.Namespace, World.HostOnLanIPv6, 8080), StringComparison.Ordinal);
        Assert.StartsWith("one from", await World.AskAsync(three.Namespace, World.HostOnLanIPv6, 8080), StringComparison.Ordinal);
        string linkLocal = World.Run(world.Host, "ip -6 -o addr show dev lan0 scope link | awk '{print $4}' | cut -d/ -f1").Trim();
        string scope = World.Run(world.Lan, "ip -o link show eth0 | cut -d: -f1").Trim();
        Assert.Equal("one from fd00:6::1", await World.AskAsync(world.Lan, $"{linkLocal}%{scope}", 8080));
        await one.DisposeAsync();
        await World.AssertUnreachableAsync(world.Lan, World.HostOnLanIPv6, 8080);
        await World.AssertUnreachableAsync(world.Host, "::1", 8080);
        Assert.DoesNotContain("8080", World.Run(world.Host, "nft list ruleset"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PublishedPort_OfOneHostAddress_AndOfDatagrams()
    {
        await using World world = await World.StartWithIPv6Async();
        World.Run(world.Host, "ip addr add fd77::9/64 dev lan0 nodad");
        await CreateAsync(world, "six", "fd00:6::/64");
        await using Container one = (await world.RunAsync("six", "one",
            new PortBinding { ContainerPort = 80, HostPort = 8080, HostAddress = IPAddress.Parse("fd77::9") },
            new PortBinding { ContainerPort = 80, HostPort = 8081, HostAddress = IPAddress.IPv6Loopback },
            new PortBinding { ContainerPort = 53, HostPort = 5353, Protocol = TransportProtocol.Udp })).Serve(80).ServeDatagrams(53);
        Assert.Equal("one from fd77::2", await World.AskAsync(world.Lan, "fd77::9", 8080));
        await World.AssertUnreachableAsync(world.Lan, World.HostOnLanIPv6, 8080);
        Assert.Equal("one from fd00:6::1", await World.AskAsync(world.Host, "::1", 8081));
        await World.AssertUnreachableAsync(world.Lan, World.HostOnLanIPv6, 8081);
        Assert.Equal("one", await World.AskDatagramAsync(world.Lan, World.HostOnLanIPv6, 5353));
        Assert.Equal("one", await World.AskDatagramAsync(world.Host, "::1", 5353));
    }

    [Fact]
    public async Task NetworkWithoutIPv6_KeepsItsRelay_AndMakesNoTable()
    {
        await using World world = await World.StartWithIPv6Async();
        await using Container one = (await world.RunAsync("bridge", "one", new PortBinding { ContainerPort = 80, HostPort = 8080 })).Serve(80);
        Assert.Equal("one from 172.17.0.1", await World.AskAsync(world.Lan, World.HostOnLanIPv6, 8080));
        Assert.Null(one.Endpoint.IPv6Address);
        Assert.Equal("", World.Run(one.Namespace, "ip -6 addr show dev eth0"));
        Assert.DoesNotContain("ip6", World.Run(world.Host, "nft list tables"), StringComparison.Ordinal);
        Assert.Equal("0", World.Run(world.Host, "cat /proc/sys/net/ipv6/conf/all/forwarding").Trim());
        await CreateAsync(world, "six", "fd00:6::/64");
        Assert.Contains("table ip6 berth\n", World.Run(world.Host, "nft list tables"), StringComparison.Ordinal);
        await world.Networks.RemoveAsync("six", World.Cancel);
        Assert.DoesNotContain("ip6", World.Run(world.Host, "nft list tables"), StringComparison.Ordinal);
        await CreateAsync(world, "six", "fd00:6::/64");
        await world.Networks.TearDownAsync(World.Cancel);
        Assert.DoesNotContain("berth", World.Run(world.Host, "nft list ruleset; ip link"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RoutedMode_ContainersHaveTheirOwnAddressOutside_AndOnlyPublishedPortsAreOpen()
    {
        await using World world = await World.StartWithIPv6Async();
        await CreateAsync(world, "six", "fd00:6::/64", (Mode, "routed"));
        await CreateAsync(world, "seven", "fd00:7::/64");
        PortBinding port = new() { ContainerPort = 80, HostPort = 8080 };
        await using Container one = (await world.RunAsync("six", "one", port, port with { HostPort = 8081 })).Serve(80).Serve(81);
        await using Container two = await world.RunAsync("seven", "two");
        one.Serve(world.Lan, 7001);
        Assert.Equal(["0.0.0.0:8080", ":::0", "0.0.0.0:8081"], one.Endpoint.Ports.Select(each => $"{each.HostAddress}:{each.HostPort}"));
        Assert.Equal("one from fd00:6::2", await World.AskAsync(one.Namespace, "fd77::2", 7001));
        Assert.Equal("one from fd77::2", await World.AskAsync(world.Lan, one.AddressIPv6, 80));
        Assert.StartsWith("one from", await World.AskAsync(two.Namespace, one.AddressIPv6, 80), StringComparison.Ordinal);
        Assert.Equal("one from 10.77.0.2", await World.AskAsync(world.Lan, World.HostOnLan, 8080));
        await World.AssertUnreachableAsync(world.Lan, one.AddressIPv6, 81);
        await World.AssertUnreachableAsync(two.Namespace, one.AddressIPv6, 81);
        await World.AssertUnreachableAsync(world.Lan, World.HostOnLanIPv6, 8080);
        World.Run(world.Lan, $"! command -v busybox || busybox ping -6 -c 1 -W 2 {one.AddressIPv6}");
        await one.DisposeAsync();
        Assert.DoesNotContain("fd00:6::2", World.Run(world.Host, "nft list ruleset"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task UnprotectedMode_OpensAllPortsToWhoeverHasARoute()
    {
        await using World world = await World.StartWithIPv6Async();
        await CreateAsync(world, "six", "fd00:6::/64", (Mode, "nat-unprotected"));
        await using Container one = (await world.RunAsync("six", "one")).Serve(81);
        one.Serve(world.Lan, 7001);
        Assert.Equal("one from fd77::2", await World.AskAsync(world.Lan, one.AddressIPv6, 81));
        Assert.Equal("one from fd77::1", await World.AskAsync(one.Namespace, "fd77::2", 7001));
    }

    [Fact]
    public async Task WithoutMasquerade_TheContainersAddressGoesOut()
    {
        await using World world = await World.StartWithIPv6Async();
        await CreateAsync(world, "six", "fd00:6::/64", ("com.docker.network.bridge.enable_ip_masquerade", "false"));
        await using Container one = await world.RunAsync("six", "one");
        one.Serve(world.Lan, 7001);
        Assert.Equal("one from fd00:6::2", await World.AskAsync(one.Namespace, "fd77::2", 7001));
    }

    [Fact]
    public async Task InternalNetwork_HasNoWayOutAndNoneIn()
    {
        await using World world = await World.StartWithIPv6Async();
        await world.Networks.CreateAsync(Request("inside", "fd00:6::/64") with { Internal = true }, World.Cancel);
        await using Container one = (await world.RunAsync("inside", "one", new PortBinding { ContainerPort = 80, HostPort = 8080 })).Serve(80);
        await using Container two = await world.RunAsync("inside", "two");
        one.Serve(world.Lan, 7001);
        Assert.Null(one.Endpoint.IPv6Gateway);
        Assert.DoesNotContain("default", World.Run(one.Namespace, "ip -6 route"), StringComparison.Ordinal);
        Assert.Equal("one from fd00:6::3", await World.AskAsync(two.Namespace, one.AddressIPv6, 80));
        World.Run(two.Namespace, "ip route add default via fd00:6::1");
        await World.AssertUnreachableAsync(two.Namespace, "fd77::2", 7001);
        await World.AssertUnreachableAsync(world.Lan, World.HostOnLanIPv6, 8080);
    }

    [Fact]
    public async Task InterContainerOff_OnlyPublishedPortsConnect()
    {
        await using World world = await World.StartWithIPv6Async();
        World.Run(world.Host, "cd /proc/sys/net/bridge 2>/dev/null && echo 0 >bridge-nf-call-ip6tables; true");
        await CreateAsync(world, "apart", "fd00:6::/64", ("com.docker.network.bridge.enable_icc", "false"));
        await using Container one = (await world.RunAsync("apart", "one", new PortBinding { ContainerPort = 80, HostPort = 8080 })).Serve(80);
        await using Container two = await world.RunAsync("apart", "two");
        await World.AssertUnreachableAsync(two.Namespace, one.AddressIPv6, 80);
        Assert.StartsWith("one from", await World.AskAsync(two.Namespace, "fd00:6::1", 8080), StringComparison.Ordinal);
        World.Run(two.Namespace, $"ip route add {one.AddressIPv6}/128 via fd00:6::1");
        await World.AssertUnreachableAsync(two.Namespace, one.AddressIPv6, 80);
    }

    [Fact]
    public async Task NetworkOfIPv6Alone_HasNamesAndPorts()
    {
        await using World world = await World.StartWithIPv6Async();
        await world.Networks.CreateAsync(Request("only", "fd00:6::/64") with { IPv4 = null }, World.Cancel);
        await using Container one = (await world.RunAsync("only", "one", new PortBinding { ContainerPort = 80, HostPort = 8080 })).Serve(80);
        await using Container two = await world.RunAsync("only", "two");
        Assert.Equal((null, "fd00:6::2"), (one.Endpoint.Address, one.AddressIPv6));
        Assert.Equal("", World.Run(one.Namespace, "ip -4 addr show dev eth0"));
        Assert.Equal("one from fd00:6::3", await World.AskAsync(two.Namespace, one.AddressIPv6, 80));
        Assert.Equal(IPAddress.Parse("fd00:6::2").GetAddressBytes(), (await NameTests.AskAsync(two, "one", DnsQuery.TypeAaaa))[^16..]);
        Assert.Equal("one from fd77::2", await World.AskAsync(world.Lan, World.HostOnLanIPv6, 8080));
        // From the other family, by a relay.
        Assert.Equal("one from fd00:6::1", await World.AskAsync(world.Lan, World.HostOnLan, 8080));
        Assert.Equal("one from fd00:6::1", await World.AskAsync(world.Host, "127.0.0.1", 8080));
    }

    [Fact]
    public async Task Names_HaveBothFamilies_AndAreFoundByAddress()
    {
        await using World world = await World.StartWithIPv6Async();
        await CreateAsync(world, "six", "fd00:6::/64");
        await using Container web = await world.RunAsync("six", new EndpointRequest { ContainerName = "web", Aliases = ["www"] });
        await using Container client = await world.RunAsync("six", new EndpointRequest
        {
            ContainerName = "client", Links = new Dictionary<string, string> { ["db"] = "web" },
        });
        byte[] address = IPAddress.Parse(web.AddressIPv6).GetAddressBytes();
        foreach (string name in (string[])["web", "www", "web.six", "db"])
        {
            Assert.Equal(address, (await NameTests.AskAsync(client, name, DnsQuery.TypeAaaa))[^16..]);
            Assert.Equal([172, 18, 0, 2], (await NameTests.AskAsync(client, name, DnsQuery.TypeA))[^4..]);
        }
        string reverse = string.Join('.', Convert.ToHexStringLower(address).Reverse()) + ".ip6.arpa";
        byte[] answer = await NameTests.AskAsync(client, reverse, DnsQuery.TypePtr);
        Assert.Contains("\u0003web\u0003six\0", System.Text.Encoding.Latin1.GetString(answer), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pools_AreUniqueLocalByHost_OrTheUsersOwn()
    {
        await using World world = await World.StartWithIPv6Async();
        Network first = await world.Networks.CreateAsync(new NetworkRequest { Name = "first", IPv6 = new() }, World.Cancel);
        Network second = await world.Networks.CreateAsync(new NetworkRequest { Name = "second", IPv6 = new() }, World.Cancel);
        InternetSubnet all = AddressPool.UniqueLocal(world.Options.HostId).Range;
        Assert.Equal(new InternetSubnet(all.Address, 64), first.IPv6!.Subnet);
        Assert.True(all.Contains(second.IPv6!.Subnet.Address));
        Assert.Equal(first.IPv6.Subnet.Last.Next, second.IPv6.Subnet.Address);

        await using Networks other = World.NewEngine(world.Options with
        {
            BridgeName = "berth1", TableName = "berth1", StateDirectory = world.Options.StateDirectory + "1",
            AddressPools = [.. AddressPool.Defaults, new AddressPool(InternetSubnet.Parse("fd77::/62"), 64)],
        });
        await other.StartAsync([], World.Cancel);
        // The first piece is the LAN's.
        for (int piece = 1; piece < 4; piece++)
        {
            Network own = await other.CreateAsync(new NetworkRequest { Name = $"own{piece}", IPv6 = new() }, World.Cancel);
            Assert.Equal($"fd77:0:0:{piece}::/64", own.IPv6!.Subnet.ToString());
        }
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() =>
            other.CreateAsync(new NetworkRequest { Name = "more", IPv6 = new() }, World.Cancel));
        Assert.Equal("all predefined address pools have been fully subnetted", fault.Message);
        await other.TearDownAsync(World.Cancel);
    }

    [Fact]
    public async Task DefaultBridge_HasIPv6WhenAsked_AndIsMadeAnewWithoutIt()
    {
        await using World world = await World.StartWithIPv6Async();
        await world.Networks.TearDownAsync(World.Cancel);
        await world.Networks.DisposeAsync();
        NetworkOptions options = world.Options with
        {
            BridgeHasIPv6 = true, BridgeAddressIPv6 = "fd00:b::5/64", FixedCidrIPv6 = InternetSubnet.Parse("fd00:b::100/120"),
        };
        string id;
        await using (Networks six = World.NewEngine(options))
        {
            await six.StartAsync([], World.Cancel);
            id = six.Find("bridge")!.Id;
            await using ISandbox sandbox = six.CreateSandbox(World.NewContainerId());
            Endpoint endpoint = await six.ConnectAsync(sandbox, "bridge", new EndpointRequest { ContainerName = "one" }, World.Cancel);
            Assert.Equal(("fd00:b::100", "fd00:b::5"), (endpoint.IPv6Address.ToString(), endpoint.IPv6Gateway.ToString()));
        }
        await using (Networks again = World.NewEngine(options))
        {
            await again.StartAsync([], World.Cancel);
            Assert.Equal(id, again.Find("bridge")!.Id);
        }
        await using (Networks range = World.NewEngine(world.Options with { BridgeHasIPv6 = true, FixedCidrIPv6 = InternetSubnet.Parse("fd00:c::/80") }))
        {
            await range.StartAsync([], World.Cancel);
            AddressPlan plan = range.Find("bridge")!.IPv6!;
            Assert.Equal(("fd00:c::/80", "fd00:c::1"), (plan.Subnet.ToString(), plan.Gateway.ToString()));
        }
        await using Networks four = World.NewEngine(world.Options);
        await four.StartAsync([], World.Cancel);
        Assert.Null(four.Find("bridge")!.IPv6);
        Assert.Equal("", World.Run(world.Host, "ip -6 addr show dev berth0"));
        Assert.DoesNotContain("ip6", World.Run(world.Host, "nft list tables"), StringComparison.Ordinal);
        await four.TearDownAsync(World.Cancel);
    }

    [Fact]
    public async Task NextEngine_TakesOverLiveContainers()
    {
        await using World world = await World.StartWithIPv6Async();
        await CreateAsync(world, "six", "fd00:6::/64");
        Container live = await world.RunAsync("six", "live", new PortBinding { ContainerPort = 80, HostPort = 8080 });
        using Process process = World.Sleeper(live.Namespace);
        try
        {
            Networks next = await world.CrashAsync();
            IReadOnlyDictionary<string, ISandbox> sandboxes = await next.StartAsync(
                [new LiveContainer(live.Sandbox.ContainerId, process.Id, [live.Endpoint])], World.Cancel);
            await using ISandbox sandbox = Assert.Single(sandboxes).Value;
            await using Container again = new Container(sandbox, sandbox.Endpoints[0]).Serve(80);
            Assert.Equal("live from fd77::2", await World.AskAsync(world.Lan, World.HostOnLanIPv6, 8080));
            Assert.Equal("live from fd00:6::1", await World.AskAsync(world.Host, "::1", 8080));
            await using Container other = await world.RunAsync("six", "other");
            Assert.Equal("fd00:6::3", other.AddressIPv6);
            FaultException fault = await Assert.ThrowsAsync<FaultException>(() => world.RunAsync("six",
                new EndpointRequest { ContainerName = "third", IPv6Address = InternetAddress.Parse("fd00:6::2") }));
            Assert.Equal("Address already in use", fault.Message);
            Assert.Equal(2, next.Endpoints("six").Count);
        }
        finally
        {
            process.Kill();
        }
    }

    [Fact]
    public async Task ForeignPolicyDrop_IsOpenedForOurBridgesAndClosedAgain()
    {
        await using World world = await World.StartWithIPv6Async();
        World.Run(world.Host, "nft 'add table ip6 filter; add chain ip6 filter FORWARD { type filter hook forward priority 0; policy drop; }'");
        await CreateAsync(world, "six", "fd00:6::/64");
        await using Container one = await world.RunAsync("six", "one");
        one.Serve(world.Lan, 7001);
        Assert.Equal("one from fd77::1", await World.AskAsync(one.Namespace, "fd77::2", 7001));
        // The default bridge has no IPv6: nothing of it is there.
        Assert.DoesNotContain("berth0", World.Run(world.Host, "nft list table ip6 filter"), StringComparison.Ordinal);
        await world.Networks.TearDownAsync(World.Cancel);
        Assert.DoesNotContain("berth", World.Run(world.Host, "nft list ruleset; ip link"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task HostThatListensToRouters_GoesOnWhenItForwards()
    {
        await using World world = await World.StartWithIPv6Async();
        World.Run(world.Host, "echo 1 >/proc/sys/net/ipv6/conf/lan0/accept_ra");
        await CreateAsync(world, "six", "fd00:6::/64");
        Assert.Equal("2", World.Run(world.Host, "cat /proc/sys/net/ipv6/conf/lan0/accept_ra").Trim());
        Assert.Equal("1", World.Run(world.Host, "cat /proc/sys/net/ipv6/conf/all/forwarding").Trim());
    }

    [Fact]
    public async Task Requests_ThatCannotBeMet_AreRefused()
    {
        await using World world = await World.StartWithIPv6Async();
        Networks networks = world.Networks;
        await CreateAsync(world, "six", "fd00:6::/64");
        Task Create(NetworkRequest request) => networks.CreateAsync(request, World.Cancel);
        await RefusedAsync(() => Create(Request("x", "fd00:6::/80")), FaultKind.Forbidden,
            "invalid pool request: Pool overlaps with other one on this address space");
        await RefusedAsync(() => Create(Request("x", "fd77::/64")), FaultKind.Forbidden,
            "invalid pool request: Pool overlaps with other one on this address space");
        await RefusedAsync(() => Create(Request("x", "fe80:1::/64")), FaultKind.InvalidArgument,
            "invalid subnet fe80:1::/64: addresses of fe80::/10 cannot be a network's own");
        await RefusedAsync(() => Create(Request("x", "10.9.0.0/24")), FaultKind.InvalidArgument,
            "invalid subnet 10.9.0.0/24: it is an IPv4 subnet");
        await RefusedAsync(() => Create(Request("x", "fd00:9::/127")), FaultKind.InvalidArgument,
            "invalid subnet fd00:9::/127: the prefix length must be 8 to 126");
        await RefusedAsync(() => Create(Request("x", "fd00:9::/64", (Mode, "isolated"))), FaultKind.InvalidArgument,
            "gateway mode 'isolated' can only be used for an internal network");
        await RefusedAsync(() => Create(Request("x", "fd00:9::/64", ("com.docker.network.driver.mtu", "1000"))), FaultKind.InvalidArgument,
            "invalid option com.docker.network.driver.mtu: 1000: IPv6 needs at least 1280");
        await RefusedAsync(() => Create(Request("x", "fd00:9::/64", (Mode, "fast"))), FaultKind.InvalidArgument, "unknown gateway mode fast");
        await RefusedAsync(() => Create(new NetworkRequest { Name = "x", IPv4 = null }), FaultKind.InvalidArgument,
            "IPv4 or IPv6 must be enabled");
        EndpointRequest wanted = new() { ContainerName = "one", IPv6Address = InternetAddress.Parse("fd00:7::9") };
        await RefusedAsync(() => world.RunAsync("six", wanted), FaultKind.InvalidArgument,
            "invalid address fd00:7::9: It does not belong to any of this network's subnets");
        await RefusedAsync(() => world.RunAsync("bridge", wanted), FaultKind.InvalidArgument,
            "user specified IP address is supported on user defined networks only");
        await networks.CreateAsync(new NetworkRequest { Name = "four" }, World.Cancel);
        await RefusedAsync(() => world.RunAsync("four", wanted), FaultKind.InvalidArgument,
            "user specified IP address is supported only when connecting to networks with user configured subnets");
        // Nothing of the refused ones is left: the IPv4 address that was taken first is given back.
        await using Container one = await world.RunAsync("six", wanted with { IPv6Address = InternetAddress.Parse("fd00:6::9") });
        Assert.Equal("fd00:6::9", one.AddressIPv6);
        Assert.Single(networks.Endpoints("six"));
    }

    private static NetworkRequest Request(string name, string subnet, params (string Name, string Value)[] options) => new()
    {
        Name = name,
        IPv6 = new AddressRequest { Subnet = InternetSubnet.Parse(subnet) },
        Options = options.ToDictionary(option => option.Name, option => option.Value),
    };

    private static Task CreateAsync(World world, string name, string subnet, params (string Name, string Value)[] options) =>
        world.Networks.CreateAsync(Request(name, subnet, options), World.Cancel);

    private static async Task RefusedAsync(Func<Task> action, FaultKind kind, string message)
    {
        FaultException fault = await Assert.ThrowsAsync<FaultException>(action);
        Assert.Equal((kind, message), (fault.Kind, fault.Message));
    }
}
