using System.Diagnostics;
using System.Net;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Network.Tests;

public sealed class RestartTests
{
    [Fact]
    public async Task NextEngine_TakesOverLiveContainers_AndCleansTheRest()
    {
        await using World world = await World.StartAsync();
        await world.Networks.CreateAsync(new NetworkRequest { Name = "front" }, World.Cancel);
        string frontId = world.Networks.Find("front")!.Id;
        Container live = await world.RunAsync("front", "live", new PortBinding { ContainerPort = 80, HostPort = 8080 });
        Container dead = await world.RunAsync("bridge", "dead", new PortBinding { ContainerPort = 80, HostPort = 9090 });
        using Process liveProcess = World.Sleeper(live.Namespace);
        using Process deadProcess = World.Sleeper(dead.Namespace);
        try
        {
            Networks next = await world.CrashAsync();
            IReadOnlyDictionary<string, ISandbox> sandboxes = await next.StartAsync(
                [new LiveContainer(live.Sandbox.ContainerId, liveProcess.Id, [live.Endpoint])], World.Cancel);
            await using ISandbox sandbox = Assert.Single(sandboxes).Value;
            await using Container again = new Container(sandbox, sandbox.Endpoints[0]).Serve(80);

            Assert.Equal(frontId, next.Find("front")!.Id);
            Assert.Equal("live from 10.77.0.2", await World.AskAsync(world.Lan, World.HostOnLan, 8080));
            string state = World.Run(world.Host, "ip -o link; nft list ruleset");
            Assert.Contains(live.Endpoint.HostInterfaceName, state, StringComparison.Ordinal);
            Assert.DoesNotContain(dead.Endpoint.HostInterfaceName, state, StringComparison.Ordinal);
            // As a word: the random names of links may have these digits.
            Assert.DoesNotMatch(@"\b9090\b", state);
            await using Container other = await world.RunAsync("front", "other");
            Assert.Equal("172.18.0.3", other.Address);
        }
        finally
        {
            liveProcess.Kill();
            deadProcess.Kill();
        }
    }

    [Fact]
    public async Task EnginesThatStartTogether_HaveSubnetsOfTheirOwn()
    {
        await using World world = await World.StartAsync();
        const int Count = 5;
        Networks[] engines = [.. Enumerable.Range(1, Count).Select(i => World.NewEngine(world.Options with
        {
            BridgeName = $"berth{i}", TableName = $"berth{i}", StateDirectory = $"{world.Options.StateDirectory}{i}",
        }))];
        try
        {
            await Task.WhenAll(engines.Select(engine => OnOwnThread(async () =>
            {
                await engine.StartAsync([], World.Cancel);
                await engine.CreateAsync(new NetworkRequest { Name = "front" }, World.Cancel);
            })));
            string[] subnets = [.. engines.Append(world.Networks).SelectMany(engine => engine.List())
                .Select(network => network.IPv4?.Subnet.ToString()).OfType<string>()];
            Assert.Equal((2 * Count) + 1, subnets.Length);
            Assert.Equal(subnets.Order(StringComparer.Ordinal), subnets.Distinct().Order(StringComparer.Ordinal));
        }
        finally
        {
            foreach (Networks engine in engines)
                await engine.DisposeAsync();
        }

        static Task OnOwnThread(Func<Task> work) => Task.Factory.StartNew(
            work, World.Cancel, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap();
    }

    // The name of a namespace's lock is its file: whoever is in it can hold it, which must not keep an engine from its work.
    [Fact]
    public async Task SubnetsLockedForGood_OnlyCostPatience()
    {
        await using World world = await World.StartAsync();
        using FileDescriptor held = NetworkNamespace.Run(world.Host, NetworkNamespace.OpenOwn);
        Assert.Equal(0, FileCalls.TryLock(held, FileCalls.LOCK_EX | FileCalls.LOCK_NB));
        Network made = await world.Networks.CreateAsync(new NetworkRequest { Name = "front" }, World.Cancel);
        Assert.NotNull(made.IPv4);
    }

    [Fact]
    public async Task TableOfADeadEngine_WithTheSameSubnet_LeavesOurNeighboursAlone()
    {
        await using World world = await World.StartAsync();
        World.Run(world.Host, "cd /proc/sys/net/bridge 2>/dev/null && echo 1 >bridge-nf-call-iptables; true");
        await using (Networks dead = World.NewEngine(world.Options with
        {
            BridgeName = "berth1", TableName = "berth1", StateDirectory = world.Options.StateDirectory + "1",
        }))
        {
            await dead.StartAsync([], World.Cancel);
        }
        World.Run(world.Host, "ip link del berth1");
        await world.Networks.CreateAsync(new NetworkRequest { Name = "front" }, World.Cancel);
        await using Container one = (await world.RunAsync("front", "one")).Serve(80);
        await using Container two = await world.RunAsync("front", "two");
        Assert.Contains("ip daddr 172.18.0.0/16", World.Run(world.Host, "nft list table ip berth1"), StringComparison.Ordinal);
        Assert.Equal("172.18.0.2", one.Address);
        Assert.Equal($"one from {two.Address}", await World.AskAsync(two.Namespace, one.Address, 80));
    }

    [Fact]
    public async Task TwoEngines_SideBySide_DoNotTouchEachOther()
    {
        await using World world = await World.StartAsync();
        await using Networks other = World.NewEngine(world.Options with
        {
            BridgeName = "berth1", TableName = "berth1", StateDirectory = world.Options.StateDirectory + "1",
        });
        await other.StartAsync([], World.Cancel);
        await using Container one = (await world.RunAsync("bridge", "one", new PortBinding { ContainerPort = 80, HostPort = 8080 })).Serve(80);
        await using ISandbox sandbox = other.CreateSandbox(World.NewContainerId());
        Endpoint two = await other.ConnectAsync(sandbox, "bridge", new EndpointRequest { ContainerName = "two" }, World.Cancel);
        Assert.Equal("172.18.0.2", two.Address.ToString());
        await World.AssertUnreachableAsync(sandbox.Namespace, one.Address, 80);
        await other.StartAsync([], World.Cancel);
        await other.TearDownAsync(World.Cancel);
        Assert.Equal("one from 10.77.0.2", await World.AskAsync(world.Lan, World.HostOnLan, 8080));
    }

    [Fact]
    public async Task Endpoint_WrittenAndReadAsJson_IsTheSame()
    {
        await using World world = await World.StartAsync();
        await using Container one = await world.RunAsync("bridge", new EndpointRequest
        {
            ContainerName = "one", Ports = [new PortBinding { ContainerPort = 80 }], Dns = [IPAddress.Parse("1.2.3.4")],
        });
        string text = System.Text.Json.JsonSerializer.Serialize(one.Endpoint);
        Endpoint read = System.Text.Json.JsonSerializer.Deserialize<Endpoint>(text)!;
        Assert.Equal(one.Endpoint.Ports, read.Ports);
        Assert.Equal(text, System.Text.Json.JsonSerializer.Serialize(read));
    }
}
