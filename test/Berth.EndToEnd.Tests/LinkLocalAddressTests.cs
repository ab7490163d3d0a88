using Berth.EndToEnd.Tests.Robustness;

namespace Berth.EndToEnd.Tests;

/// <summary><c>--link-local-ip</c>, several subnets, and addresses that are refused: by our command line and by docker's.</summary>
public sealed class LinkLocalAddressTests
{
    private const string Older = "/usr/bin/docker";

    [Theory]
    [InlineData("berth")]
    [InlineData(Older)]
    [InlineData("/usr/local/bin/docker")]
    public async Task LinkLocalAddresses_AreReachedByNeighbours_AndOutliveContainerAndEngine(string client)
    {
        Run run = await Run.StartAsync(client);
        await using OwnDaemon daemon = run.Daemon;
        await run.OkAsync("network", "create", "front");
        await run.OkAsync("run", "-d", "--name", "one", "--network", "front", "--link-local-ip", "169.254.7.7",
            "--link-local-ip", "fe80::254:77", "bb", "busybox", "sleep", "1000");
        await run.OkAsync("run", "-d", "--name", "two", "bb", "busybox", "sleep", "1000");
        await run.OkAsync("network", "connect", "--link-local-ip", "169.254.9.9", "front", "two");
        if (client != Older)
        {
            await run.OkAsync("run", "-d", "--name", "three", "--network", "name=front,link-local-ip=169.254.10.10", "bb",
                "busybox", "sleep", "1000");
            // The older one does not say it of the default network.
            Assert.Contains("169.254.1.1/16",
                await run.OkAsync("run", "--rm", "--link-local-ip", "169.254.1.1", "bb", "busybox", "ip", "addr", "show", "eth0"));
        }
        // One that does not run is given them when it does.
        await run.OkAsync("create", "--name", "four", "bb", "busybox", "sleep", "1000");
        await run.OkAsync("network", "connect", "--link-local-ip", "169.254.11.11", "front", "four");
        await run.OkAsync("start", "four");

        await AssertReachedAsync();
        Assert.Equal("""{"LinkLocalIPs":["169.254.7.7","fe80::254:77"]}""",
            await run.OkAsync("inspect", "-f", "{{json .NetworkSettings.Networks.front.IPAMConfig}}", "one"));
        Assert.Equal("""{"LinkLocalIPs":["169.254.9.9"]}""",
            await run.OkAsync("inspect", "-f", "{{json .NetworkSettings.Networks.front.IPAMConfig}}", "two"));

        await run.OkAsync("restart", "-t", "0", "one", "two");
        await AssertReachedAsync();
        await daemon.KillAsync();
        await daemon.StartAsync();
        await AssertReachedAsync();
        await run.OkAsync("restart", "-t", "0", "one");
        await AssertReachedAsync();

        async Task AssertReachedAsync()
        {
            string addresses = await run.OkAsync("exec", "one", "busybox", "ip", "addr", "show", "eth0");
            Assert.Contains("169.254.7.7/16", addresses);
            Assert.Contains("fe80::254:77/64", addresses);
            List<string> others = ["169.254.9.9", "169.254.11.11"];
            if (client != Older)
                others.Add("169.254.10.10");
            foreach (string other in others)
                Assert.Contains(" 0% packet loss", await run.OkAsync("exec", "one", "busybox", "ping", "-c", "1", other));
        }
    }

    [Theory]
    [InlineData("berth")]
    [InlineData(Older)]
    [InlineData("/usr/local/bin/docker")]
    public async Task AddressesThatCannotBe_AreRefusedInDockersWords(string client)
    {
        Run run = await Run.StartAsync(client);
        await using OwnDaemon daemon = run.Daemon;
        // Beside those of FreeNetworks, which other tests have.
        string net = $"10.{Random.Shared.Next(224, 250)}";
        await run.OkAsync("network", "create", "near");
        Completed foreign = await run.RunAsync("run", "--name", "far", "--network", "near", "--link-local-ip", "169.253.5.5", "bb", "true");
        Assert.Equal(125, foreign.Code);
        Assert.Contains("invalid link local IP address: 169.253.5.5", foreign.Errors);
        await run.OkAsync("rm", "-f", "far");
        await run.OkAsync("network", "rm", "near");

        // A bridge of Docker's has one subnet of a family, and so has ours.
        await run.RefusedAsync("Error response from daemon: bridge driver doesn't support multiple subnets",
            "network", "create", "--subnet", $"{net}.0.0/24", "--subnet", $"{net}.1.0/24", "x");
        await run.RefusedAsync("Error response from daemon: bridge driver doesn't support multiple subnets", "network", "create", "--ipv6",
            "--subnet", $"{net}.0.0/24", "--subnet", "fd00:aa:1::/64", "--subnet", "fd00:aa:2::/64", "x");
        // Clients see it first, each in its words.
        await run.RefusedAsync("overlap", "network", "create", "--subnet", $"{net}.0.0/16", "--subnet", $"{net}.1.0/24", "x");
        Assert.Equal("", await run.OkAsync("network", "ls", "-q", "--filter", "type=custom"));

        await run.OkAsync("network", "create", "--subnet", $"{net}.0.0/24", "fixed");
        await run.RefusedAsync("Error response from daemon: invalid config for network fixed: invalid endpoint settings:\n"
            + $"no configured subnet or ip-range contain the IP address {net}.7.7",
            "create", "--network", "fixed", "--ip", $"{net}.7.7", "bb", "true");
        await run.OkAsync("create", "--name", "yes", "bb", "true");
        // Newer clients read it themselves.
        await run.RefusedAsync("link-local IP address", "create", "--network", "fixed", "--link-local-ip", "nonsense", "bb", "true");
        await run.RefusedAsync("Error response from daemon: invalid endpoint settings:\n"
            + $"* no configured subnet or ip-range contain the IP address {net}.7.7\n* user specified IP address is supported only when ",
            "network", "connect", "--ip", $"{net}.7.7", "--ip6", "fd00::7", "fixed", "yes");
    }

    // Kept short: the client, and the engine of the test's own.
    private sealed class Run(string program, OwnDaemon daemon)
    {
        public OwnDaemon Daemon => daemon;

        public static async Task<Run> StartAsync(string client)
        {
            Assert.SkipUnless(client == "berth" || File.Exists(client), $"{client} is not installed: ./dev setup");
            return new Run(client == "berth" ? EngineFixture.Berth : client, await OwnDaemon.StartAsync());
        }

        public Task<Completed> RunAsync(params string[] arguments) => Program.RunAsync(program, arguments, daemon.Address);

        public async Task<string> OkAsync(params string[] arguments)
        {
            Completed done = await RunAsync(arguments);
            Assert.True(done.Code == 0, $"{string.Join(' ', arguments)}: {done.Errors}");
            return done.Output.TrimEnd();
        }

        public async Task RefusedAsync(string part, params string[] arguments)
        {
            Completed done = await RunAsync(arguments);
            Assert.NotEqual(0, done.Code);
            Assert.Contains(part, done.Errors, StringComparison.Ordinal);
        }
    }
}
