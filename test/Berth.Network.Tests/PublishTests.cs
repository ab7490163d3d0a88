using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Berth.Faults;
using Berth.Linux;

namespace Berth.Network.Tests;

public sealed class PublishTests
{
    [Fact]
    public async Task PublishedPort_IsReachedFromEverywhere()
    {
        await using World world = await World.StartAsync();
        await using Container one = (await world.RunAsync("bridge", "one", new PortBinding { ContainerPort = 80, HostPort = 8080 })).Serve(80);
        await using Container two = await world.RunAsync("bridge", "two");
        await world.Networks.CreateAsync(new NetworkRequest { Name = "front" }, World.Cancel);
        await using Container three = await world.RunAsync("front", "three");

        // From outside the client's own address arrives.
        Assert.Equal("one from 10.77.0.2", await World.AskAsync(world.Lan, World.HostOnLan, 8080));
        Assert.Equal("one from 172.17.0.1", await World.AskAsync(world.Host, "127.0.0.1", 8080));
        Assert.StartsWith("one from", await World.AskAsync(world.Host, World.HostOnLan, 8080), StringComparison.Ordinal);
        Assert.StartsWith("one from", await World.AskAsync(world.Host, "::1", 8080), StringComparison.Ordinal);
        Assert.StartsWith("one from", await World.AskAsync(one.Namespace, "172.17.0.1", 8080), StringComparison.Ordinal);
        Assert.StartsWith("one from", await World.AskAsync(two.Namespace, World.HostOnLan, 8080), StringComparison.Ordinal);
        Assert.StartsWith("one from", await World.AskAsync(three.Namespace, World.HostOnLan, 8080), StringComparison.Ordinal);
        await one.DisposeAsync();
        await World.AssertUnreachableAsync(world.Lan, World.HostOnLan, 8080);
        await World.AssertUnreachableAsync(world.Host, "::1", 8080);
    }

    [Fact]
    public async Task Datagrams_ArePublished()
    {
        await using World world = await World.StartAsync();
        await using Container one = (await world.RunAsync(
            "bridge", "one", new PortBinding { ContainerPort = 53, HostPort = 5353, Protocol = TransportProtocol.Udp })).ServeDatagrams(53);
        Assert.Equal("one", await World.AskDatagramAsync(world.Lan, World.HostOnLan, 5353));
        Assert.Equal("one", await World.AskDatagramAsync(world.Host, "127.0.0.1", 5353));
        Assert.Equal("one", await World.AskDatagramAsync(world.Host, "::1", 5353));
    }

    /// <summary>An ordinary user's engine: bridges in a namespace of their own, ports in the machine's.</summary>
    [Fact]
    public async Task Detached_PortsAreRelayed_OfAllFamiliesAndTransports()
    {
        await using World world = await World.StartWithIPv6Async();
        await using Networks detached = World.NewEngine(world.Options with
        {
            BridgeName = "berth1", TableName = "berth1", StateDirectory = world.Options.StateDirectory + "1", IsDetached = true,
        });
        await detached.StartAsync([], World.Cancel);
        await detached.CreateAsync(new NetworkRequest { Name = "six", IPv6 = new() }, World.Cancel);
        using FileDescriptor machine = NetworkNamespace.OpenOwn();
        foreach (string network in (string[])["bridge", "six"])
        {
            ISandbox sandbox = detached.CreateSandbox(World.NewContainerId());
            Endpoint endpoint = await detached.ConnectAsync(sandbox, network, new EndpointRequest
            {
                ContainerName = "one",
                Ports = [new() { ContainerPort = 80 }, new() { ContainerPort = 53, Protocol = TransportProtocol.Udp }],
            }, World.Cancel);
            await using Container one = new Container(sandbox, endpoint).Serve(80).ServeDatagrams(53);
            Assert.Equal(4, endpoint.Ports.Count);
            foreach (PublishedPort port in endpoint.Ports)
            {
                string address = port.HostAddress.Equals(IPAddress.Any) ? "127.0.0.1" : "::1";
                Assert.StartsWith("one", port.Protocol == TransportProtocol.Tcp
                    ? await World.AskAsync(machine, address, port.HostPort)
                    : await World.AskDatagramAsync(machine, address, port.HostPort), StringComparison.Ordinal);
            }
        }
        await detached.TearDownAsync(World.Cancel);
    }

    [Fact]
    public async Task LoopbackPort_IsNotReachedFromLan()
    {
        await using World world = await World.StartAsync();
        await using Container one = (await world.RunAsync(
            "bridge", "one", new PortBinding { ContainerPort = 80, HostPort = 8080, HostAddress = IPAddress.Loopback })).Serve(80);
        Assert.StartsWith("one from", await World.AskAsync(world.Host, "127.0.0.1", 8080), StringComparison.Ordinal);
        await World.AssertUnreachableAsync(world.Lan, World.HostOnLan, 8080);
        await World.AssertUnreachableAsync(world.Lan, one.Address, 80);
        World.Run(world.Lan, "ip addr del 127.0.0.1/8 dev lo; ip route add 127.0.0.1 via 10.77.0.1;"
            + "echo 1 >/proc/sys/net/ipv4/conf/eth0/route_localnet; true");
        await World.AssertUnreachableAsync(world.Lan, "127.0.0.1", 8080);
    }

    [Fact]
    public async Task RandomPorts_AreFreeAndDifferent()
    {
        await using World world = await World.StartAsync();
        await using Container one = (await world.RunAsync("bridge", "one", new PortBinding { ContainerPort = 80 })).Serve(80);
        await using Container two = await world.RunAsync("bridge", "two", new PortBinding { ContainerPort = 80 });
        PublishedPort port = one.Endpoint.Ports[0];
        Assert.Equal([IPAddress.Any, IPAddress.IPv6Any], one.Endpoint.Ports.Select(published => published.HostAddress));
        Assert.Equal(port.HostPort, one.Endpoint.Ports[1].HostPort);
        Assert.NotEqual(port.HostPort, two.Endpoint.Ports[0].HostPort);
        Assert.Equal("one from 10.77.0.2", await World.AskAsync(world.Lan, World.HostOnLan, port.HostPort));
    }

    [Fact]
    public async Task TakenPort_IsRefusedWithDockersTextAndLeavesNothing()
    {
        await using World world = await World.StartAsync();
        PortBinding binding = new() { ContainerPort = 80, HostPort = 8080 };
        await using Container one = await world.RunAsync("bridge", "one", binding);
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => world.RunAsync("bridge", "two", binding));
        Assert.Equal(FaultKind.Internal, fault.Kind);
        Assert.Matches(@"^driver failed programming external connectivity on endpoint two \([0-9a-f]{64}\): "
            + @"Bind for 0\.0\.0\.0:8080 failed: port is already allocated$", fault.Message);

        using Socket foreign = NetworkNamespace.Run(world.Host, () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        foreign.Bind(new IPEndPoint(IPAddress.Any, 9090));
        foreign.Listen();
        fault = await Assert.ThrowsAsync<FaultException>(() => world.RunAsync("bridge", "two", binding with { HostPort = 9090 }));
        Assert.EndsWith("listen tcp4 0.0.0.0:9090: bind: address already in use", fault.Message, StringComparison.Ordinal);
        Assert.Single(world.Networks.Endpoints("bridge"));

        await using Container three = await world.RunAsync("bridge", "three", binding with { HostPortMax = 8085 });
        Assert.Equal(8081, three.Endpoint.Ports[0].HostPort);
    }

    /// <summary>A process between fork and exec holds a copy of every descriptor, also of the sockets that are meant to close on exec.</summary>
    [Fact]
    public async Task ReleasedPort_IsFreeWhileAnotherProcessHoldsACopy()
    {
        // Where nobody else takes a port of the kernel's choice meanwhile.
        await using World world = await World.StartAsync();
        Socket New() => NetworkNamespace.Run(world.Host, () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        using Socket held = New();
        held.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        held.Listen();
        EndPoint address = held.LocalEndPoint!;
        using SafeSocketHandle duplicate = new(Duplicate((int)held.Handle), ownsHandle: true);
        PortHolder.Close(held);
        using Socket next = New();
        next.Bind(address);
        next.Listen();
    }

    [DllImport("libc", EntryPoint = "dup")]
    private static extern int Duplicate(int descriptor);

    [Fact]
    public async Task HeldPort_CannotBeTakenByAnotherProcess()
    {
        await using World world = await World.StartAsync();
        await using Container one = await world.RunAsync("bridge", "one", new PortBinding { ContainerPort = 80, HostPort = 8080 });
        using Socket foreign = NetworkNamespace.Run(world.Host, () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        Assert.Throws<SocketException>(() =>
        {
            foreign.Bind(new IPEndPoint(IPAddress.Any, 8080));
            foreign.Listen();
        });
    }
}
