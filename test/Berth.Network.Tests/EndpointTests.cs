using Berth.Faults;

namespace Berth.Network.Tests;

/// <summary>What an end point asks of its link: a name and kernel parameters; and bridges without an address.</summary>
public sealed class EndpointTests
{
    private const string ModeIPv4 = "com.docker.network.bridge.gateway_mode_ipv4";
    private const string ModeIPv6 = "com.docker.network.bridge.gateway_mode_ipv6";

    [Fact]
    public async Task Link_HasTheNameAndTheParametersThatWereAsked()
    {
        await using World world = await World.StartAsync();
        await world.Networks.CreateAsync(new NetworkRequest { Name = "front" }, World.Cancel);
        await using Container one = await world.RunAsync("bridge", new EndpointRequest
        {
            ContainerName = "one",
            ReservedInterfaceNames = ["eth0"],
            Parameters = LinkParameter.ParseList("net.ipv4.conf.IFNAME.log_martians=1,net.ipv4.neigh.ifname.gc_stale_time=7"),
        });
        Endpoint front = await world.Networks.ConnectAsync(one.Sandbox, "front", new EndpointRequest
        {
            ContainerName = "one",
            InterfaceName = "eth0",
            Parameters = LinkParameter.ParseList("net.ipv4.conf.IFNAME.forwarding=0"),
        }, World.Cancel);
        Assert.Equal("eth0", front.InterfaceName);
        Assert.Equal("1 7 0 1", World.Run(one.Namespace, "cd /proc/sys/net/ipv4; echo $(cat conf/eth1/log_martians "
            + "neigh/eth1/gc_stale_time conf/eth0/forwarding conf/lo/forwarding)").Trim());
        Assert.Contains("172.18.0.2/16", World.Run(one.Namespace, "ip -4 addr show eth0"), StringComparison.Ordinal);

        // The name is free again once its link is gone.
        await world.Networks.DisconnectAsync(one.Sandbox, "front", World.Cancel);
        Endpoint again = await world.Networks.ConnectAsync(
            one.Sandbox, "front", new EndpointRequest { ContainerName = "one", InterfaceName = "eth0" }, World.Cancel);
        Assert.Equal("eth0", again.InterfaceName);
    }

    [Theory]
    [InlineData("eth0", null, "to \"eth0\": file exists")]
    [InlineData("lo", null, "to \"lo\": file exists")]
    [InlineData("own", null, "to \"own\": file exists")]
    [InlineData("", "net.ipv4.conf.IFNAME.nothing=1", "/proc/sys/net/ipv4/conf/eth1/nothing is not a sysctl file")]
    [InlineData("", "net.ipv4.neigh.IFNAME.gc_stale_time=often",
        "unable to write to '/proc/sys/net/ipv4/neigh/eth1/gc_stale_time': write /proc/sys/net/ipv4/neigh/eth1/gc_stale_time: "
        + "invalid argument")]
    public async Task Link_ThatCannotBeAsAsked_IsRefusedAndLeavesNothing(string name, string? parameters, string message)
    {
        await using World world = await World.StartAsync();
        await world.Networks.CreateAsync(new NetworkRequest { Name = "front" }, World.Cancel);
        await using Container one = await world.RunAsync("bridge", "one");
        World.Run(one.Namespace, "ip link add own type bridge");
        // Numbers, names and peers; whether a bridge has a carrier, the kernel works out in its own time.
        const string Links = "ip -o link | cut -d: -f1,2";
        string before = World.Run(world.Host, Links) + World.Run(one.Namespace, Links);
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => world.Networks.ConnectAsync(one.Sandbox, "front",
            new EndpointRequest
            {
                ContainerName = "one", InterfaceName = name, Parameters = parameters is null ? [] : LinkParameter.ParseList(parameters),
            }, World.Cancel));
        Assert.Matches("^failed to add interface veth[0-9a-f]+ to sandbox: ", fault.Message);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
        Assert.Equal(before, World.Run(world.Host, Links) + World.Run(one.Namespace, Links));
        Assert.Empty(world.Networks.Endpoints("front"));
        await world.Networks.ConnectAsync(one.Sandbox, "front", new EndpointRequest { ContainerName = "one" }, World.Cancel);
        Assert.Contains("172.18.0.3/16", World.Run(one.Namespace, "ip -4 addr show eth1"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("net.ipv4.conf.eth0.log_martians=1")]
    [InlineData("net.core.conf.IFNAME.log_martians=1")]
    [InlineData("kernel.ipv4.conf.IFNAME.log_martians=1")]
    [InlineData("net.ipv4.conf.IFNAME.log_martians=1,")]
    public void Parameters_OfNoLink_AreRefusedInDockersWords(string text)
    {
        FaultException fault = Assert.Throws<FaultException>(() => LinkParameter.ParseList(text));
        Assert.Equal(FaultKind.InvalidArgument, fault.Kind);
        Assert.Contains("; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'", fault.Message);
    }

    [Theory]
    [InlineData("net.ipv4.conf.IFNAME.log_martians", "expected sysctl 'net.ipv4.conf.IFNAME.log_martians' to have format name=value")]
    [InlineData("net.ipv4.conf.IFNAME.a.b=1", "expected sysctl 'net.ipv4.conf.IFNAME.a.b=1' to have format net.X.Y.IFNAME.Z")]
    [InlineData("net.ipv4.conf.IFNAME./../../../../kernel/hostname=1", "to have format net.X.Y.IFNAME.Z")]
    [InlineData("net.ipv4./.IFNAME.x=1", "to have format net.X.Y.IFNAME.Z")]
    public void Parameters_ThatAreIncomplete_AreRefused(string text, string message)
    {
        Assert.Contains(message, Assert.Throws<FaultException>(() => LinkParameter.ParseList(text)).Message);
    }

    [Fact]
    public async Task Link_WithoutIPv6_HasNoAddressOfIt()
    {
        await using World world = await World.StartWithIPv6Async();
        await world.Networks.CreateAsync(new NetworkRequest
        {
            Name = "six", IPv6 = new AddressRequest { Subnet = InternetSubnet.Parse("fd00:6::/64") },
        }, World.Cancel);
        await using Container one = await world.RunAsync("six", new EndpointRequest
        {
            ContainerName = "one", Parameters = LinkParameter.ParseList("net.ipv6.conf.IFNAME.disable_ipv6=1"),
        });
        Assert.DoesNotContain("inet6", World.Run(one.Namespace, "ip addr show eth0"), StringComparison.Ordinal);
        Assert.Null(Assert.Single(one.Sandbox.Endpoints).IPv6Address);
        await using Container two = await world.RunAsync("six", new EndpointRequest
        {
            ContainerName = "two", Parameters = LinkParameter.ParseList("net.ipv6.conf.IFNAME.accept_ra=2"),
        });
        Assert.Equal("2", World.Run(two.Namespace, "cat /proc/sys/net/ipv6/conf/eth0/accept_ra").Trim());
        Assert.Contains("fd00:6::2", World.Run(two.Namespace, "ip -6 addr show eth0"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task IsolatedNetwork_ConnectsItsContainersAndNobodyElse()
    {
        await using World world = await World.StartWithIPv6Async();
        Network network = await world.Networks.CreateAsync(Isolated(), World.Cancel);
        Assert.Null(network.IPv4!.Gateway);
        // Another engine on this host may take the same subnet: there is no route that says that it is taken.
        World.Run(world.Host, "ip addr add 10.55.0.1/32 dev lan0");
        await using Container one = (await world.RunAsync("alone", "one")).Serve(80);
        await using Container two = await world.RunAsync("alone", "two");
        // The address that is the bridge's elsewhere is a container's.
        Assert.Equal("10.55.0.1", one.Address);
        Assert.Equal("one from 10.55.0.2", await World.AskAsync(two.Namespace, one.Address, 80));
        Assert.DoesNotContain("inet", World.Run(world.Host, $"ip addr show {network.BridgeName}"), StringComparison.Ordinal);
        Assert.Equal("1", World.Run(world.Host, $"cat /proc/sys/net/ipv6/conf/{network.BridgeName}/disable_ipv6").Trim());
        World.Run(world.Host, "ip addr del 10.55.0.1/32 dev lan0");
        await World.AssertUnreachableAsync(world.Host, one.Address, 80);

        // An engine that takes it over gives it none either.
        Networks next = await world.CrashAsync();
        await next.StartAsync([], World.Cancel);
        Assert.DoesNotContain("inet", World.Run(world.Host, $"ip addr show {network.BridgeName}"), StringComparison.Ordinal);
        FaultException fault = await Assert.ThrowsAsync<FaultException>(
            () => next.CreateAsync(Isolated() with { Name = "x", Internal = false }, World.Cancel));
        Assert.Equal((FaultKind.InvalidArgument, "gateway mode 'isolated' can only be used for an internal network"),
            (fault.Kind, fault.Message));
    }

    private static NetworkRequest Isolated() => new()
    {
        Name = "alone",
        Internal = true,
        IPv4 = new AddressRequest { Subnet = InternetSubnet.Parse("10.55.0.0/24") },
        IPv6 = new AddressRequest { Subnet = InternetSubnet.Parse("fd00:55::/64") },
        Options = new Dictionary<string, string> { [ModeIPv4] = "isolated", [ModeIPv6] = "isolated" },
    };
}
