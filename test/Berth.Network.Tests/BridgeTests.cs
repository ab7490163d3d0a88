using System.Diagnostics;
using Berth.Faults;

namespace Berth.Network.Tests;

public sealed class BridgeTests
{
    [Fact]
    public async Task Containers_OnDefaultBridge_ReachEachOtherHostAndLan()
    {
        await using World world = await World.StartAsync();
        await using Container one = (await world.RunAsync("bridge", "one")).Serve(80);
        await using Container two = await world.RunAsync("bridge", "two");
        one.Serve(world.Host, 7000);
        one.Serve(world.Lan, 7001);

        Assert.Equal("172.17.0.2", one.Address);
        Assert.Equal("172.17.0.3", two.Address);
        Assert.Equal("02:42:ac:11:00:02", one.Endpoint.Mac.ToString());
        Assert.Equal("one from 172.17.0.3", await World.AskAsync(two.Namespace, one.Address, 80));
        Assert.Equal("one from 172.17.0.1", await World.AskAsync(world.Host, one.Address, 80));
        Assert.Equal("one from 172.17.0.3", await World.AskAsync(two.Namespace, "172.17.0.1", 7000));
        // Outside, containers appear as the host.
        Assert.Equal("one from 10.77.0.1", await World.AskAsync(two.Namespace, "10.77.0.2", 7001));
    }

    [Fact]
    public async Task ContainerAddress_FromLan_IsUnreachable()
    {
        await using World world = await World.StartAsync();
        await using Container one = (await world.RunAsync("bridge", "one")).Serve(80);
        await World.AssertUnreachableAsync(world.Lan, one.Address, 80);
    }

    [Fact]
    public async Task HostLoopback_FromContainer_IsUnreachable()
    {
        await using World world = await World.StartAsync();
        await using Container one = await world.RunAsync("bridge", "one");
        one.Serve(world.Host, 7000);
        World.Run(one.Namespace, "ip addr del 127.0.0.1/8 dev lo; ip route add 127.0.0.1 via 172.17.0.1;"
            + "echo 1 >/proc/sys/net/ipv4/conf/eth0/route_localnet; true");
        await World.AssertUnreachableAsync(one.Namespace, "127.0.0.1", 7000);
    }

    [Fact]
    public async Task Networks_OfOneEngine_AreIsolated()
    {
        await using World world = await World.StartAsync();
        Network front = await world.Networks.CreateAsync(new NetworkRequest { Name = "front" }, World.Cancel);
        Assert.Equal("172.18.0.0/16", front.IPv4!.Subnet.ToString());
        await using Container one = (await world.RunAsync("bridge", "one")).Serve(80);
        await using Container two = await world.RunAsync("front", "two");
        await World.AssertUnreachableAsync(two.Namespace, one.Address, 80);
        await world.Networks.ConnectAsync(two.Sandbox, "bridge", new EndpointRequest { ContainerName = "two" }, World.Cancel);
        Assert.Equal("one from 172.17.0.3", await World.AskAsync(two.Namespace, one.Address, 80));
        await world.Networks.DisconnectAsync(two.Sandbox, "bridge", World.Cancel);
        await World.AssertUnreachableAsync(two.Namespace, one.Address, 80);
    }

    [Fact]
    public async Task Disconnect_OfDefaultRoute_MovesIt()
    {
        await using World world = await World.StartAsync();
        await world.Networks.CreateAsync(new NetworkRequest { Name = "front" }, World.Cancel);
        await using Container one = await world.RunAsync("bridge", "one");
        one.Serve(world.Lan, 7001);
        await world.Networks.ConnectAsync(one.Sandbox, "front", new EndpointRequest { ContainerName = "one" }, World.Cancel);
        await world.Networks.DisconnectAsync(one.Sandbox, "bridge", World.Cancel);
        Assert.Contains("default via 172.18.0.1 dev eth1", World.Run(one.Namespace, "ip route"), StringComparison.Ordinal);
        Assert.Equal("one from 10.77.0.1", await World.AskAsync(one.Namespace, "10.77.0.2", 7001));
    }

    [Fact]
    public async Task InternalNetwork_HasNoWayOutAndNoneIn()
    {
        await using World world = await World.StartAsync();
        await world.Networks.CreateAsync(new NetworkRequest { Name = "inside", Internal = true }, World.Cancel);
        await using Container one = (await world.RunAsync("inside", "one", new PortBinding { ContainerPort = 80, HostPort = 8080 })).Serve(80);
        await using Container two = await world.RunAsync("inside", "two");
        one.Serve(world.Lan, 7001);
        Assert.Equal("one from 172.18.0.3", await World.AskAsync(two.Namespace, one.Address, 80));
        World.Run(two.Namespace, "ip route add default via 172.18.0.1");
        await World.AssertUnreachableAsync(two.Namespace, "10.77.0.2", 7001);
        await World.AssertUnreachableAsync(world.Lan, World.HostOnLan, 8080);
    }

    [Fact]
    public async Task InterContainerOff_OnlyPublishedPortsConnect()
    {
        await using World world = await World.StartAsync();
        // Where br_netfilter is loaded and switched on, a bridge translates itself and its isolated ports stay apart (README).
        World.Run(world.Host, "cd /proc/sys/net/bridge 2>/dev/null && echo 0 >bridge-nf-call-iptables; true");
        NetworkRequest request = new()
        {
            Name = "apart",
            Options = new Dictionary<string, string> { ["com.docker.network.bridge.enable_icc"] = "false" },
        };
        await world.Networks.CreateAsync(request, World.Cancel);
        await using Container one = (await world.RunAsync("apart", "one", new PortBinding { ContainerPort = 80, HostPort = 8080 })).Serve(80);
        await using Container two = await world.RunAsync("apart", "two");
        await World.AssertUnreachableAsync(two.Namespace, one.Address, 80);
        Assert.StartsWith("one from", await World.AskAsync(two.Namespace, "172.18.0.1", 8080), StringComparison.Ordinal);
        // Nor do they by way of the gateway.
        World.Run(two.Namespace, $"ip route add {one.Address}/32 via 172.18.0.1");
        await World.AssertUnreachableAsync(two.Namespace, one.Address, 80);
    }

    /// <summary>The answer comes to the container's own address: no other sign tells it from a stranger's packet than its connection.</summary>
    [Fact]
    public async Task WithoutMasquerade_AnswersComeBack_AndStrangersDoNot()
    {
        await using World world = await World.StartAsync();
        NetworkRequest request = new()
        {
            Name = "plain",
            Options = new Dictionary<string, string> { ["com.docker.network.bridge.enable_ip_masquerade"] = "false" },
        };
        await world.Networks.CreateAsync(request, World.Cancel);
        await using Container one = (await world.RunAsync("plain", "one")).Serve(80);
        one.Serve(world.Lan, 7001);
        Assert.Equal("one from 172.18.0.2", await World.AskAsync(one.Namespace, "10.77.0.2", 7001));
        await World.AssertUnreachableAsync(world.Lan, one.Address, 80);
    }

    [Fact]
    public async Task Sandbox_HasLoopbackAndNoIPv6OnLinks()
    {
        await using World world = await World.StartAsync();
        await using Container one = (await world.RunAsync("bridge", "one")).Serve(80);
        Assert.Equal("one from 127.0.0.1", await World.AskAsync(one.Namespace, "127.0.0.1", 80));
        Assert.Equal("", World.Run(one.Namespace, "ip -6 addr show dev eth0"));
    }

    [Fact]
    public async Task ForeignPolicyDrop_IsOpenedForOurBridgesAndClosedAgain()
    {
        await using World world = await World.StartAsync();
        World.Run(world.Host, "nft 'add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }'");
        await world.Networks.StartAsync([], World.Cancel);
        await using Container one = await world.RunAsync("bridge", "one");
        one.Serve(world.Lan, 7001);
        Assert.Equal("one from 10.77.0.1", await World.AskAsync(one.Namespace, "10.77.0.2", 7001));
        Assert.Contains("iifname \"berth0\" accept comment \"berth berth\"",
            World.Run(world.Host, "nft list table ip filter"), StringComparison.Ordinal);
        await world.Networks.TearDownAsync(World.Cancel);
        Assert.DoesNotContain("berth", World.Run(world.Host, "nft list ruleset; ip link"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TwoHundredContainers_LeaveNothing()
    {
        await using World world = await World.StartAsync();
        string rulesBefore = World.Run(world.Host, "nft list ruleset");
        List<double> milliseconds = [];
        for (int i = 0; i < 200; i++)
        {
            ISandbox sandbox = world.Networks.CreateSandbox(World.NewContainerId());
            EndpointRequest request = new() { ContainerName = "c", Ports = [new PortBinding { ContainerPort = 80, HostPort = 8080 }] };
            long start = Stopwatch.GetTimestamp();
            await world.Networks.ConnectAsync(sandbox, "bridge", request, World.Cancel);
            milliseconds.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            await sandbox.DisposeAsync();
        }
        milliseconds.Sort();
        TestContext.Current.TestOutputHelper?.WriteLine($"connect with one port: median {milliseconds[100]:F2} ms, p90 {milliseconds[180]:F2}");
        TestContext.Current.AddAttachment("connect-ms", $"{milliseconds[0]:F2} {milliseconds[100]:F2} {milliseconds[180]:F2}");
        Assert.Equal(rulesBefore, World.Run(world.Host, "nft list ruleset"));
        Assert.Empty(world.Networks.Endpoints("bridge"));
        // The kernel takes namespaces down in the background: wait for it.
        string links;
        Stopwatch waited = Stopwatch.StartNew();
        do
            links = World.Run(world.Host, "ip -o link show master berth0");
        while (links.Length > 0 && waited.Elapsed < TimeSpan.FromSeconds(20));
        Assert.Equal("", links);
    }

    [Fact]
    public async Task Addresses_AreNotReusedAtOnce()
    {
        await using World world = await World.StartAsync();
        await using (Container one = await world.RunAsync("bridge", "one"))
            Assert.Equal("172.17.0.2", one.Address);
        await using Container two = await world.RunAsync("bridge", "two");
        Assert.Equal("172.17.0.3", two.Address);
    }

    [Fact]
    public async Task Requests_ThatCannotBeMet_AreRefusedWithDockersText()
    {
        await using World world = await World.StartAsync();
        Networks networks = world.Networks;
        NetworkRequest fixedSubnet = new() { Name = "front", IPv4 = new AddressRequest { Subnet = InternetSubnet.Parse("10.5.0.0/29") } };
        Network front = await networks.CreateAsync(fixedSubnet, World.Cancel);
        await using Container one = await world.RunAsync(
            "front", new EndpointRequest { ContainerName = "one", Address = InternetAddress.Parse("10.5.0.4") });
        Assert.Equal("10.5.0.4", one.Address);

        await RefusedAsync(() => networks.CreateAsync(fixedSubnet, World.Cancel), FaultKind.Conflict, "network with name front already exists");
        await RefusedAsync(() => networks.CreateAsync(fixedSubnet with { Name = "other" }, World.Cancel), FaultKind.Forbidden,
            "invalid pool request: Pool overlaps with other one on this address space");
        await RefusedAsync(() => networks.CreateAsync(new NetworkRequest { Name = "x", Driver = "fast" }, World.Cancel), FaultKind.NotFound,
            "plugin \"fast\" not found");
        await RefusedAsync(() => networks.RemoveAsync("front", World.Cancel), FaultKind.Forbidden,
            $"error while removing network: network front id {front.Id} has active endpoints");
        await RefusedAsync(() => networks.RemoveAsync("bridge", World.Cancel), FaultKind.Forbidden,
            "bridge is a pre-defined network and cannot be removed");
        await RefusedAsync(() => networks.RemoveAsync("gone", World.Cancel), FaultKind.NotFound, "network gone not found");
        await RefusedAsync(() => world.RunAsync("front", new EndpointRequest { ContainerName = "two", Address = one.Endpoint.Address }),
            FaultKind.Conflict, "Address already in use");
        await RefusedAsync(() => world.RunAsync("bridge", new EndpointRequest { ContainerName = "two", Address = one.Endpoint.Address }),
            FaultKind.InvalidArgument, "user specified IP address is supported on user defined networks only");

        await one.DisposeAsync();
        await networks.RemoveAsync(front.Id[..6], World.Cancel);
        Assert.Null(networks.Find("front"));
        Assert.DoesNotContain(front.BridgeName, World.Run(world.Host, "ip link"), StringComparison.Ordinal);
    }

    private static async Task RefusedAsync(Func<Task> action, FaultKind kind, string message)
    {
        FaultException fault = await Assert.ThrowsAsync<FaultException>(action);
        Assert.Equal((kind, message), (fault.Kind, fault.Message));
    }
}
