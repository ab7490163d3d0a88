using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Berth.EndToEnd.Tests.Robustness;
using Berth.Tests;

namespace Berth.EndToEnd.Tests;

/// <summary>Networks with IPv6 as users make them: our command line, Debian's docker 20.10 and a newer one, one engine of its own.</summary>
public sealed class IPv6NetworkTests
{
    private const string Debian = "/usr/bin/docker";
    private const string Server = "echo hello >/f; httpd -f -p 80 -h /";

    // Of this run: other runs' networks may be on this machine.
    private readonly string _prefix = $"fd{Random.Shared.Next(256):x2}:{Random.Shared.Next(1, 65536):x}:{Random.Shared.Next(1, 65536):x}";

    public static TheoryData<string> Clients => ["berth", "docker 20.10", "docker, newer"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task DualStack_AddressesNamesAndPorts(string client)
    {
        SkipWithoutIPv6();
        string program = await ProgramOfAsync(client);
        await using OwnDaemon daemon = await OwnDaemon.StartAsync();
        await using Outside outside = await Outside.StartAsync(_prefix);
        async Task<string> RunAsync(params string[] arguments) => await OutputAsync(program, daemon, arguments);
        async Task<string> FromAsync(string container, string script) => await RunAsync("exec", container, "sh", "-c", script);

        await RunAsync("network", "create", "--ipv6", "--subnet", $"{_prefix}:6::/64", "--ip-range", $"{_prefix}:6::a0/124",
            "--gateway", $"{_prefix}:6::f", "--aux-address", $"printer={_prefix}:6::a0", "six");
        Assert.Equal($"true {_prefix}:6::/64 {_prefix}:6::f {_prefix}:6::a0/124", (await RunAsync("network", "inspect", "six", "--format",
            "{{.EnableIPv6}} {{with index .IPAM.Config 1}}{{.Subnet}} {{.Gateway}} {{.IPRange}}{{end}}")).Trim());
        int port = FreePort.Next();
        await RunAsync("run", "-d", "--name", "web", "--network", "six", "--ip6", $"{_prefix}:6::77", "--network-alias", "www",
            "-p", $"{port}:80", "bb", "sh", "-c", Server);
        await ListensAsync(daemon, "web");
        await RunAsync("run", "-d", "--name", "client", "--network", "six", "--link", "web:db", "bb", "busybox", "sleep", "1000");

        Assert.Equal($"{_prefix}:6::77 64 {_prefix}:6::f", (await RunAsync("inspect", "web", "--format",
            "{{with .NetworkSettings.Networks.six}}{{.GlobalIPv6Address}} {{.GlobalIPv6PrefixLen}} {{.IPv6Gateway}}{{end}}")).Trim());
        Assert.Contains($"{_prefix}:6::77/64", await RunAsync("network", "inspect", "six", "--format", "{{json .Containers}}"),
            StringComparison.Ordinal);
        Assert.Equal($"{_prefix}:6::a1", (await RunAsync("inspect", "client", "--format",
            "{{.NetworkSettings.Networks.six.GlobalIPv6Address}}")).Trim());
        string web = $"{_prefix}:6::77";
        Assert.Contains($"{web}\t", await FromAsync("web", "cat /etc/hosts"), StringComparison.Ordinal);
        Assert.Contains($"default via {_prefix}:6::f", await FromAsync("web", "ip -6 route"), StringComparison.Ordinal);
        foreach (string name in (string[])["web", "www", "db"])
        {
            Assert.Contains(web, await FromAsync("client", $"nslookup -type=aaaa {name}"), StringComparison.Ordinal);
            Assert.Equal("hello\n", await FromAsync("client", $"wget -qO- http://{name}/f"));
        }
        Assert.Contains(" 0% packet loss", await FromAsync("client", "ping -6 -c 1 web"), StringComparison.Ordinal);
        Assert.Equal("hello\n", await FromAsync("client", $"wget -qO- http://[{web}]/f"));

        // From the host by ::1, which a relay serves, and by an address that the kernel translates.
        Assert.Equal("hello\n", await GetAsync("[::1]", port));
        Assert.Equal("hello\n", await GetAsync($"[{outside.HostAddress}]", port));
        Assert.Equal("hello\n", await GetAsync("127.0.0.1", port));
        Assert.Equal("hello\n", await outside.GetAsync($"http://[{outside.HostAddress}]:{port}/f"));
        // Outside there is no way back to the container's own address: the answer comes because it is the host's.
        Assert.Equal("hello\n", await FromAsync("client", $"wget -qO- http://[{outside.Address}]:7001/f"));
        await AssertNoWayAsync(outside, $"http://[{web}]/f");
        await RunAsync("rm", "-f", "web", "client");
        await RunAsync("network", "rm", "six");
    }

    [Fact]
    public async Task ConnectedWhileRunning_SurvivesTheEnginesDeath()
    {
        SkipWithoutIPv6();
        await using OwnDaemon daemon = await OwnDaemon.StartAsync();
        async Task<string> RunAsync(params string[] arguments) => await OutputAsync(EngineFixture.Berth, daemon, arguments);
        await RunAsync("network", "create", "--ipv6", "--subnet", $"{_prefix}:6::/64", "six");
        await RunAsync("network", "create", "--ipv6", "--subnet", $"{_prefix}:7::/64", "seven");
        int port = FreePort.Next();
        await RunAsync("run", "-d", "--name", "web", "--network", "six", "-p", $"{port}:80", "bb", "sh", "-c", Server);
        await RunAsync("run", "-d", "--name", "client", "--network", "six", "bb", "busybox", "sleep", "1000");
        await RunAsync("network", "connect", "--ip6", $"{_prefix}:7::77", "seven", "web");
        await RunAsync("network", "connect", "seven", "client");
        Task<string> InspectAsync() =>
            OutputAsync(Debian, daemon, "network", "inspect", "six", "seven", "--format", "{{json .Containers}} {{json .IPAM}}");
        string before = await InspectAsync();

        await daemon.KillAsync();
        await daemon.StartAsync();
        Assert.Equal(before, await InspectAsync());
        Assert.Equal("hello\n", await GetAsync("[::1]", port));
        Assert.Equal("hello\n", await RunAsync("exec", "client", "busybox", "wget", "-qO-", $"http://[{_prefix}:7::77]/f"));
        await RunAsync("network", "disconnect", "six", "client");
        Assert.Contains($"default via {_prefix}:7::1", await RunAsync("exec", "client", "busybox", "ip", "-6", "route"), StringComparison.Ordinal);
        Assert.Contains($"{_prefix}:7::77", await RunAsync("exec", "client", "busybox", "nslookup", "-type=aaaa", "web"), StringComparison.Ordinal);
        // A stopped and started one asks for its fixed address again.
        await RunAsync("restart", "-t", "0", "web");
        Assert.Equal($"{_prefix}:7::77", (await RunAsync("inspect", "web", "--format",
            "{{.NetworkSettings.Networks.seven.GlobalIPv6Address}}")).Trim());
    }

    [Fact]
    public async Task WithoutSubnet_AndWithoutIPv4_AndWhatIsRefused()
    {
        SkipWithoutIPv6();
        string docker = await ProgramOfAsync("docker, newer");
        await using OwnDaemon daemon = await OwnDaemon.StartAsync();
        async Task<string> RunAsync(params string[] arguments) => await OutputAsync(docker, daemon, arguments);
        async Task RefusedAsync(string message, params string[] arguments)
        {
            Completed failed = await Program.RunAsync(docker, arguments, daemon.Address);
            Assert.NotEqual(0, failed.Code);
            Assert.Contains(message, failed.Errors, StringComparison.Ordinal);
        }

        await RunAsync("network", "create", "--ipv6", "own");
        Assert.Matches("^fd[0-9a-f:]+::/64$", (await RunAsync("network", "inspect", "own", "--format",
            "{{(index .IPAM.Config 1).Subnet}}")).Trim());
        await RunAsync("network", "create", "--ipv4=false", "--ipv6", "only");
        Assert.Equal("false true 1", (await RunAsync("network", "inspect", "only", "--format",
            "{{.EnableIPv4}} {{.EnableIPv6}} {{len .IPAM.Config}}")).Trim());
        await RunAsync("run", "-d", "--name", "web", "--network", "only", "bb", "sh", "-c", Server);
        await ListensAsync(daemon, "web");
        Assert.Equal("hello\n", await RunAsync("run", "--rm", "--network", "only", "bb", "busybox", "wget", "-qO-", "http://web/f"));
        Assert.Equal("", await RunAsync("run", "--rm", "--network", "own", "--sysctl", "net.ipv6.conf.all.disable_ipv6=1",
            "bb", "busybox", "ip", "-6", "addr", "show", "dev", "eth0"));

        await RefusedAsync("IPv4 or IPv6 must be enabled", "network", "create", "--ipv4=false", "none6");
        RefusedException refused = await Assert.ThrowsAsync<RefusedException>(() => daemon.PostAsync("/networks/create", new
        {
            Name = "x",
            EnableIPv6 = true,
            IPAM = new { Config = new[] { new { Subnet = "fd00:2::/64", IPRange = "fd00:2::/48", Gateway = "fd00:3::1" } } },
        }));
        Assert.Contains(@"invalid network config:\n* invalid ip-range fd00:2::/48: CIDR block is bigger than its parent subnet fd00:2::/64\n"
            + "* invalid gateway fd00:3::1: parent subnet fd00:2::/64 doesn't contain this address",
            refused.Message.Replace("\\u0027", "'", StringComparison.Ordinal), StringComparison.Ordinal);
        await RefusedAsync("invalid subnet fd00:2::5/64: it should be fd00:2::/64",
            "network", "create", "--ipv6", "--subnet", "fd00:2::5/64", "x");
        await RunAsync("network", "create", "--ipv6", "--subnet", $"{_prefix}:6::/64", "six");
        await RefusedAsync("Pool overlaps with other one on this address space",
            "network", "create", "--ipv6", "--subnet", $"{_prefix}:6::/80", "x");
        await RefusedAsync("no configured subnet or ip-range contain the IP address fd00:9::5",
            "run", "--rm", "--network", "six", "--ip6", "fd00:9::5", "bb", "busybox", "true");
        await RefusedAsync("user specified IP address is supported only when connecting to networks with user configured subnets",
            "run", "--rm", "--network", "own", "--ip6", "fd00:9::5", "bb", "busybox", "true");
        await RefusedAsync("invalid IPv6 address: 10.0.0.1", "run", "--rm", "--network", "six", "--ip6", "10.0.0.1", "bb", "busybox", "true");
        await RunAsync("run", "-d", "--name", "one", "--network", "six", "--ip6", $"{_prefix}:6::5", "bb", "busybox", "sleep", "1000");
        await RefusedAsync("Address already in use", "run", "--rm", "--network", "six", "--ip6", $"{_prefix}:6::5", "bb", "busybox", "true");
        // Docker makes such a network without it; here that is said.
        JsonElement made = await daemon.PostAsync("/networks/create",
            new { Name = "four", IPAM = new { Config = new[] { new { Subnet = $"{_prefix}:8::/64" } } } });
        Assert.Equal($"subnet {_prefix}:8::/64 is not used: the network was created without IPv6 (--ipv6)",
            made.GetProperty("Warning").GetString());
    }

    [Fact]
    public async Task DefaultBridge_ByTheConfigurationFile()
    {
        SkipWithoutIPv6();
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, $$"""
                {"ipv6": true, "fixed-cidr-v6": "{{_prefix}}:b::/64", "ip6tables": true,
                 "default-network-opts": {"bridge": {"com.docker.network.enable_ipv6": "true", "com.docker.network.driver.mtu": "1400"} },
                 "default-address-pools": [{"base": "{{FreeNetworks.Take()}}.0/24", "size": 28}, {"base": "{{_prefix}}::/56", "size": 64}]}
                """, Cancel);
            await using OwnDaemon daemon = await OwnDaemon.StartAsync(null, "--config-file", file);
            async Task<string> RunAsync(params string[] arguments) => await OutputAsync(Debian, daemon, arguments);
            await RunAsync("run", "-d", "--name", "web", "bb", "sh", "-c", Server);
            await ListensAsync(daemon, "web");
            Assert.Equal($"{_prefix}:b::2 64 {_prefix}:b::1", (await RunAsync("inspect", "web", "--format",
                "{{with .NetworkSettings}}{{.GlobalIPv6Address}} {{.GlobalIPv6PrefixLen}} {{.IPv6Gateway}}{{end}}")).Trim());
            Assert.Equal("hello\n", await RunAsync("run", "--rm", "--link", "web:db", "bb", "busybox", "wget", "-qO-", $"http://[{_prefix}:b::2]/f"));
            Assert.Contains($"{_prefix}:b::2\tdb", await RunAsync("run", "--rm", "--link", "web:db", "bb", "busybox", "cat", "/etc/hosts"),
                StringComparison.Ordinal);
            // Debian's client says "no" to IPv6 when nobody asked it.
            await OutputAsync(EngineFixture.Berth, daemon, "network", "create", "plain");
            Assert.Equal($"true {_prefix}::/64 1400", (await RunAsync("network", "inspect", "plain", "--format",
                "{{.EnableIPv6}} {{(index .IPAM.Config 1).Subnet}} {{index .Options \"com.docker.network.driver.mtu\"}}")).Trim());
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Compose_EnableIPv6_MakesADualStackNetwork()
    {
        SkipWithoutIPv6();
        const string Compose = "/usr/bin/docker-compose";
        Assert.SkipUnless(File.Exists(Compose), "docker-compose is not installed");
        await using OwnDaemon daemon = await OwnDaemon.StartAsync();
        string directory = Directory.CreateTempSubdirectory("berth-compose6-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(directory, "docker-compose.yml"), $$"""
                version: "2.4"
                services:
                  web:
                    image: bb
                    command: ["sh", "-c", "{{Server}}"]
                    networks: {six: {ipv6_address: "{{_prefix}}:6::77"} }
                networks:
                  six:
                    enable_ipv6: true
                    ipam: {config: [{subnet: "{{_prefix}}:6::/64"}] }
                """, Cancel);
            string[] compose = ["-f", Path.Combine(directory, "docker-compose.yml"), "-p", "six"];
            Completed up = await Program.RunAsync(Compose, [.. compose, "up", "-d"], daemon.Address);
            Assert.True(up.Code == 0, up.Errors);
            await ListensAsync(daemon, "six_web_1");
            Assert.Equal("hello\n", await OutputAsync(
                Debian, daemon, "run", "--rm", "--network", "six_six", "bb", "busybox", "wget", "-qO-", $"http://[{_prefix}:6::77]/f"));
            Completed down = await Program.RunAsync(Compose, [.. compose, "down", "-t", "0"], daemon.Address);
            Assert.True(down.Code == 0, down.Errors);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static void SkipWithoutIPv6()
    {
        Assert.SkipUnless(OwnDaemon.Missing is null, OwnDaemon.Missing ?? "");
        Assert.SkipUnless(Socket.OSSupportsIPv6 && File.Exists("/proc/sys/net/ipv6/conf/all/forwarding"), "this kernel has no IPv6");
        using Process probe = Process.Start("unshare", ["-n", "nft",
            "add table ip6 t; add chain ip6 t c { type nat hook postrouting priority 100; }; add rule ip6 t c masquerade"]);
        probe.WaitForExit();
        Assert.SkipUnless(probe.ExitCode == 0, "this kernel's nftables do not translate IPv6");
    }

    private static async Task<string> ProgramOfAsync(string client) => client switch
    {
        "berth" => EngineFixture.Berth,
        "docker 20.10" => Debian,
        _ => await MountAndDeviceTests.NewerClientAsync(),
    };

    private static async Task<string> OutputAsync(string program, OwnDaemon daemon, params string[] arguments)
    {
        Completed completed = await Program.RunAsync(program, arguments, daemon.Address);
        Assert.True(completed.Code == 0, $"{string.Join(' ', arguments)}: {completed.Errors}");
        return completed.Output;
    }

    // The server may need a moment to listen; who asks once must not be early.
    private static async Task ListensAsync(OwnDaemon daemon, string container) => await Eventually.HoldsAsync(async () =>
        (await daemon.BerthAsync("exec", container, "busybox", "wget", "-qO-", "http://127.0.0.1/f")).Output == "hello\n");

    // The same from here.
    private static async Task<string> GetAsync(string host, int port)
    {
        using HttpClient client = new() { Timeout = TimeSpan.FromSeconds(5) };
        string answer = "";
        await Eventually.HoldsAsync(async () =>
        {
            try
            {
                answer = await client.GetStringAsync(new Uri($"http://{host}:{port}/f"), Cancel);
                return true;
            }
            catch (Exception refused) when (refused is HttpRequestException or TaskCanceledException)
            {
                return false;
            }
        });
        return answer;
    }

    private static async Task AssertNoWayAsync(Outside outside, string address) =>
        await Assert.ThrowsAnyAsync<Exception>(() => outside.GetAsync(address, seconds: 2));

    /// <summary>A machine beside this one: a network namespace at a link of its own, that knows no way to containers.</summary>
    private sealed class Outside(Process holder, string link, string prefix) : IAsyncDisposable
    {
        public string HostAddress => $"{prefix}:77::1";

        public string Address => $"{prefix}:77::2";

        public static async Task<Outside> StartAsync(string prefix)
        {
            Process holder = Process.Start("unshare", ["-n", "busybox", "sh", "-c",
                "mkdir -p /tmp/berth-outside && echo hello >/tmp/berth-outside/f && exec busybox httpd -f -p 7001 -h /tmp/berth-outside"]);
            string link = $"o6{holder.Id:x}";
            Outside outside = new(holder, link, prefix);
            // It has left our namespace when it has one of its own.
            string ours = NamespaceOf("self");
            await Eventually.HoldsAsync(() => Task.FromResult(NamespaceOf($"{holder.Id}") != ours));
            await ShellAsync($"ip link add {link} type veth peer name eth0 netns {holder.Id} && ip addr add {prefix}:77::1/64 dev {link} nodad"
                + $" && echo 0 >/proc/sys/net/ipv6/conf/{link}/accept_dad && ip link set {link} up");
            await ShellAsync($"nsenter -t {holder.Id} -n sh -c 'echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad; ip link set lo up"
                + $" && ip addr add {prefix}:77::2/64 dev eth0 nodad && ip link set eth0 up'");
            await Eventually.HoldsAsync(async () => (await Program.RunAsync(
                "nsenter", ["-t", $"{holder.Id}", "-n", "busybox", "wget", "-qO-", "http://127.0.0.1:7001/f"], "")).Code == 0);
            return outside;
        }

        private static string NamespaceOf(string process) => new FileInfo($"/proc/{process}/ns/net").LinkTarget ?? "";

        public async Task<string> GetAsync(string address, int seconds = 30) =>
            await ShellAsync($"nsenter -t {holder.Id} -n curl -sS -g -m {seconds} '{address}'");

        public async ValueTask DisposeAsync()
        {
            holder.Kill(entireProcessTree: true);
            await holder.WaitForExitAsync();
            holder.Dispose();
            await Program.RunAsync("ip", ["link", "del", link], "");
        }

        private static async Task<string> ShellAsync(string script)
        {
            Completed completed = await Program.RunAsync("sh", ["-c", script], "");
            return completed.Code == 0 ? completed.Output : throw new InvalidOperationException($"{script}: {completed.Errors}");
        }
    }
}
