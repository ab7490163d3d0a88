using Berth.Faults;

namespace Berth.Network.Tests;

/// <summary>Addresses that hold on the link alone (<c>--link-local-ip</c>), in a real kernel.</summary>
public sealed class LinkLocalTests
{
    [Fact]
    public async Task Addresses_AreBesideTheOthers_AndTheWayOutStaysWhatItWas()
    {
        await using World world = await World.StartAsync();
        await world.Networks.CreateAsync(new NetworkRequest { Name = "front" }, World.Cancel);
        await using Container one = (await world.RunAsync("front", Asking("one", "169.254.7.7"))).Serve(80);
        // The same twice is once, as with ip address replace.
        await using Container two = await world.RunAsync("front", Asking("two", "169.254.8.8", "169.254.8.8"));
        one.Serve(world.Lan, 7001);
        Assert.Equal("one from 169.254.8.8", await World.AskAsync(two.Namespace, "169.254.7.7", 80));
        Assert.Equal("one from 172.18.0.3", await World.AskAsync(two.Namespace, one.Address, 80));
        Assert.Equal("one from 10.77.0.1", await World.AskAsync(two.Namespace, "10.77.0.2", 7001));
        Assert.Contains("169.254.8.8/16 brd 169.254.255.255", World.Run(two.Namespace, "ip addr show dev eth0"), StringComparison.Ordinal);
        Assert.Contains("default via 172.18.0.1 dev eth0", World.Run(two.Namespace, "ip route"), StringComparison.Ordinal);

        // A second network that has nothing of the kind, and the end of the first.
        await world.Networks.ConnectAsync(two.Sandbox, "bridge", new EndpointRequest { ContainerName = "two" }, World.Cancel);
        await world.Networks.DisconnectAsync(two.Sandbox, "front", World.Cancel);
        Assert.DoesNotContain("169.254", World.Run(two.Namespace, "ip addr"), StringComparison.Ordinal);
        Assert.Equal("one from 10.77.0.1", await World.AskAsync(two.Namespace, "10.77.0.2", 7001));
    }

    [Fact]
    public async Task IPv6Address_IsThere_AlsoOnANetworkThatHasNone()
    {
        await using World world = await World.StartWithIPv6Async();
        await world.Networks.CreateAsync(new NetworkRequest { Name = "front" }, World.Cancel);
        await using Container one = (await world.RunAsync("front", Asking("one", "fe80::7:7"))).Serve(80);
        await using Container two = await world.RunAsync("front", Asking("two", "fe80::8:8"));
        string scope = World.Run(two.Namespace, "ip -o link show eth0 | cut -d: -f1").Trim();
        Assert.Contains("inet6 fe80::8:8/64", World.Run(two.Namespace, "ip -6 addr show dev eth0"), StringComparison.Ordinal);
        Assert.StartsWith("one from fe80:", await World.AskAsync(two.Namespace, $"fe80::7:7%{scope}", 80), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("169.253.5.5")]
    [InlineData("2001:db8::89")]
    [InlineData("fec0::1")]
    public async Task OtherAddress_IsRefusedInDockersWords_AndNothingIsLeft(string address)
    {
        await using World world = await World.StartAsync();
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => world.RunAsync("bridge", Asking("one", address)));
        Assert.Equal((FaultKind.InvalidArgument, $"invalid link local IP address: {address}"), (fault.Kind, fault.Message));
        Assert.Empty(world.Networks.Endpoints("bridge"));
    }

    private static EndpointRequest Asking(string name, params string[] addresses) => new()
    {
        ContainerName = name, LinkLocalAddresses = [.. addresses.Select(InternetAddress.Parse)],
    };
}
