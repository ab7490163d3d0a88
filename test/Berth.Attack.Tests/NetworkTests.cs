using System.Net;
using System.Net.Sockets;

namespace Berth.Attack.Tests;

/// <summary>3.2: neighbours, the host and the engine, as a container reaches them over the network.</summary>
public sealed class NetworkTests(AttackEngine engine)
{
    [Fact]
    public async Task B11_SocketsOfTheEngine_AreNotReachedFromTheHostsNetwork() // CVE-2020-15257
    {
        engine.Skip();
        string stay = await engine.StayAsync("sleep 1000");
        int monitor = ParentOf(int.Parse(await engine.DoAsync("inspect", "-f", "{{.State.Pid}}", stay)));
        string[] own = [.. SocketsOf(engine.Daemon.Id).Concat(SocketsOf(monitor)).Distinct()];
        Assert.NotEmpty(own);
        Assert.All(own, static path => Assert.False(path.StartsWith('@'), $"{path} is abstract: whoever shares the network reaches it"));
        Completed run = await engine.BerthAsync("run", "--rm", "--network", "host", "-u", "1000", AttackEngine.Image, "/attacker", "abstract");
        Assert.DoesNotContain("berth", run.Output);
        foreach (string path in own.Where(File.Exists))
            Assert.Equal((UnixFileMode)0, File.GetUnixFileMode(path) & (UnixFileMode)7);
        await engine.RemoveAsync(stay);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task B13_RouterAdvertisementOfANeighbour_ChangesNobodysRoutes(bool hasIPv6) // CVE-2020-13401
    {
        engine.Skip();
        string network = engine.NewName($"n{Environment.ProcessId:x}");
        await engine.DoAsync(["network", "create", .. hasIPv6 ? new[] { "--ipv6" } : [], network]);
        (string victim, string attacker) = (engine.NewName("stay"), engine.NewName("stay"));
        await engine.DoAsync("run", "-d", "--network", network, "--name", victim, AttackEngine.Image, "sleep", "1000");
        await engine.DoAsync("run", "-d", "--network", network, "--name", attacker, AttackEngine.Image, "sleep", "1000");
        // Addresses that are still tried for doubles come to routes of their own later.
        await Shell.UntilAsync(async () => !(await engine.DoAsync("exec", victim, "ip", "-6", "address"))
            .Contains("tentative", StringComparison.Ordinal), "the victim's addresses are settled");
        string before = await engine.DoAsync("exec", victim, "ip", "-6", "route");
        Assert.Equal(hasIPv6, before.Contains("default via", StringComparison.Ordinal));
        Assert.Equal("sent\n", await engine.DoAsync("exec", attacker, "/attacker", "advertise", "eth0"));
        // What the kernel does with it is done before the next packet is answered.
        Completed ping = await engine.BerthAsync("exec", attacker, "ping", "-c", "3", victim);
        Assert.True(ping.Code == 0, ping.All + (await Shell.RunAsync("sh", ["-c",
            "nft list ruleset; ip -d link; ip route; ip neigh; head /proc/sys/net/netfilter/nf_conntrack_*"])).Output);
        Assert.Equal(before, await engine.DoAsync("exec", victim, "ip", "-6", "route"));
        Assert.DoesNotContain("2001:db8:66:", await engine.DoAsync("exec", victim, "ip", "-6", "address"));
        Assert.DoesNotContain("2001:db8:66:", (await Shell.RunAsync("ip", ["-6", "route"])).Output);
        if (hasIPv6)
            await BelieveAsync(network, attacker);
        await engine.RemoveAsync(victim, attacker);
        await engine.DoAsync("network", "rm", network);
    }

    // The advertisement is one that a container believes that was told to: its refusal by others says something.
    private async Task BelieveAsync(string network, string attacker)
    {
        string gullible = engine.NewName("stay");
        await engine.DoAsync("run", "-d", "--name", gullible, "--network",
            $"name={network},driver-opt=com.docker.network.endpoint.sysctls=net.ipv6.conf.IFNAME.accept_ra=2", AttackEngine.Image, "sleep", "1000");
        await Shell.UntilAsync(async () =>
        {
            await engine.DoAsync("exec", attacker, "/attacker", "advertise", "eth0");
            return (await engine.DoAsync("exec", gullible, "ip", "-6", "route")).Contains("2001:db8:66:", StringComparison.Ordinal);
        }, "a container that believes advertisements has the route");
        await engine.RemoveAsync(gullible);
    }

    [Fact]
    public async Task B15_TheEnginesApi_IsOnNoAddressAContainerReaches() // CVE-2025-9074
    {
        engine.Skip();
        // Every port that the daemon listens on, tried from a container by all addresses of the host.
        HashSet<string> sockets = [.. Directory.GetFiles($"/proc/{engine.Daemon.Id}/fd")
            .Select(static file => new FileInfo(file).LinkTarget ?? "").Where(static target => target.StartsWith("socket:", StringComparison.Ordinal))
            .Select(static target => target[8..^1])];
        int[] ports = [.. new[] { "/proc/net/tcp", "/proc/net/tcp6" }.SelectMany(File.ReadLines)
            .Select(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(fields => fields.Length > 9 && fields[3] == "0A" && sockets.Contains(fields[9]))
            .Select(static fields => Convert.ToInt32(fields[1].Split(':')[1], 16)), 2375, 2376];
        string[] addresses = [AttackEngine.Gateway, .. (await Shell.RunAsync("hostname", ["-I"])).Output.Split(
            ' ', StringSplitOptions.RemoveEmptyEntries).Where(static a => IPAddress.TryParse(a, out IPAddress? ip)
                && ip.AddressFamily == AddressFamily.InterNetwork)];
        string script = string.Concat(from address in addresses.Distinct() from port in ports.Distinct()
            select $"printf 'GET /version HTTP/1.0\\r\\n\\r\\n' | nc -w 1 {address} {port} 2>/dev/null | grep -i api\n");
        Completed run = await engine.BerthAsync("run", "--rm", AttackEngine.Image, "sh", "-c", script + "ls /var/run/*.sock /run/*.sock 2>/dev/null; true");
        Assert.Equal("", run.Output);
    }

    [Fact]
    public async Task B16_InternalNetwork_AsksNobodyOutside() // CVE-2024-29018
    {
        engine.Skip();
        // A name server on an address of the host: asked by an ordinary network, never for an internal one, over UDP and TCP.
        IPEndPoint address = new(IPAddress.Parse(AttackEngine.Gateway), 53);
        using UdpClient server = new(address);
        using TcpListener listener = new(address);
        listener.Start();
        List<int> asked = [];
        using CancellationTokenSource stop = new();
        Task serving = Task.WhenAll(ServeAsync(server, asked, stop.Token), AcceptAsync(listener, asked, stop.Token));
        string network = engine.NewName($"n{Environment.ProcessId:x}");
        await engine.DoAsync("network", "create", "--internal", network);
        foreach (string name in new[] { "exfiltrated.example", "a.b.c" })
        {
            await AskAsync(network, $"timeout 3 nslookup {name}");
            await AskAsync(network, OverTcp(name));
        }
        lock (asked)
            Assert.Empty(asked);
        string open = engine.NewName($"n{Environment.ProcessId:x}");
        await engine.DoAsync("network", "create", open);
        foreach (string question in new[] { "timeout 3 nslookup asked.example", OverTcp("asked.example") })
        {
            lock (asked)
                asked.Clear();
            await Shell.UntilAsync(async () =>
            {
                await AskAsync(open, question);
                lock (asked)
                    return asked.Count > 0;
            }, $"an ordinary network's question arrives: {question}");
        }
        await stop.CancelAsync();
        await serving;
        await engine.DoAsync("network", "rm", network, open);
    }

    private Task AskAsync(string network, string question) => engine.BerthAsync("run", "--rm", "--network", network,
        "--dns", AttackEngine.Gateway, AttackEngine.Image, "sh", "-c", question);

    // A question for an address, as DNS puts it on a stream: its length first. RFC 1035, 4.2.2.
    private static string OverTcp(string name)
    {
        string labels = string.Concat(name.Split('.').Select(static label => $"\\x{label.Length:x2}{label}"));
        return $"printf '\\x00\\x{name.Length + 18:x2}\\x12\\x34\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00{labels}\\x00\\x00\\x01\\x00\\x01' "
            + "| nc -w 3 127.0.0.11 53 > /dev/null";
    }

    private static async Task AcceptAsync(TcpListener listener, List<int> asked, CancellationToken stop)
    {
        try
        {
            while (true)
            {
                using TcpClient client = await listener.AcceptTcpClientAsync(stop);
                lock (asked)
                    asked.Add(0);
            }
        }
        catch (OperationCanceledException)
        {
            // The test has seen enough.
        }
    }

    private static async Task ServeAsync(UdpClient server, List<int> asked, CancellationToken stop)
    {
        try
        {
            while (true)
            {
                int length = (await server.ReceiveAsync(stop)).Buffer.Length;
                lock (asked)
                    asked.Add(length);
            }
        }
        catch (OperationCanceledException)
        {
            // The test has seen enough.
        }
    }

    [Fact]
    public async Task B17_WithoutIPv6_ThereIsNone() // CVE-2024-32473
    {
        engine.Skip();
        string network = engine.NewName($"n{Environment.ProcessId:x}");
        await engine.DoAsync("network", "create", network);
        Completed run = await engine.BerthAsync("run", "--rm", "--network", network, AttackEngine.Image, "sh", "-c",
            "cat /proc/sys/net/ipv6/conf/eth0/disable_ipv6; ip -6 address show dev eth0");
        Assert.Equal("1\n", run.Output);
        await engine.DoAsync("network", "rm", network);
    }

    [Fact]
    public async Task B18_LoopbackOfTheHost_IsNotReachedByRouting() // CVE-2020-8558, Moby 28's hardening
    {
        engine.Skip();
        using TcpListener own = new(IPAddress.Loopback, 0);
        own.Start();
        int port = ((IPEndPoint)own.LocalEndpoint).Port;
        string published = engine.NewName("stay");
        await engine.DoAsync("run", "-d", "-p", "127.0.0.1::80", "--name", published, AttackEngine.Image, "sh", "-c",
            "mkdir /w; echo page > /w/index.html; httpd -f -p 80 -h /w");
        string other = (await engine.DoAsync("port", published, "80")).Trim().Split(':')[1];
        Completed run = await engine.BerthAsync("run", "--rm", "--cap-add", "NET_ADMIN", "--security-opt", "systempaths=unconfined",
            AttackEngine.Image, "sh", "-c",
            "echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet; echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet; "
            + "ip address del 127.0.0.1/8 dev lo; ip route flush table local; ip route add local $(hostname -i)/32 dev eth0 table local; "
            + $"ip route add 127.0.0.1/32 via {AttackEngine.Gateway}; ip route get 127.0.0.1; "
            + $"for p in {port} {other}; do nc -w 2 127.0.0.1 $p < /dev/null && echo reached $p; "
            + $"nc -w 2 {AttackEngine.Gateway} $p < /dev/null && echo reached $p; done; true");
        Assert.Contains(AttackEngine.Gateway, run.Output);
        Assert.DoesNotContain("reached", run.Output);
        Assert.False(own.Pending());
        await engine.RemoveAsync(published);
    }

    private static IEnumerable<string> SocketsOf(int pid)
    {
        HashSet<string> inodes = [.. Directory.GetFiles($"/proc/{pid}/fd").Select(static file => new FileInfo(file).LinkTarget ?? "")
            .Where(static target => target.StartsWith("socket:", StringComparison.Ordinal)).Select(static target => target[8..^1])];
        return File.ReadLines($"/proc/{pid}/net/unix").Skip(1).Select(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(fields => fields.Length > 7 && inodes.Contains(fields[6])).Select(static fields => fields[7]);
    }

    private static int ParentOf(int pid) => int.Parse(File.ReadLines($"/proc/{pid}/status")
        .First(static line => line.StartsWith("PPid:", StringComparison.Ordinal))[5..]);
}
