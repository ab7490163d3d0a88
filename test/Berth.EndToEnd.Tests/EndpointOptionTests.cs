using Berth.EndToEnd.Tests.Robustness;

namespace Berth.EndToEnd.Tests;

/// <summary>Driver options of end points (<c>network connect --driver-opt</c>, <c>--network name=…,driver-opt=…</c>) and networks whose
/// bridge has no address, by our command line and by docker's.</summary>
public sealed class EndpointOptionTests
{
    private const string Name = "com.docker.network.endpoint.ifname";
    private const string Sysctls = "com.docker.network.endpoint.sysctls";

    [Theory]
    [InlineData("berth")]
    [InlineData("/usr/bin/docker")]
    [InlineData("/usr/local/bin/docker")]
    public async Task EndPoint_HasTheNameAndParametersThatWereAsked(string client)
    {
        await using OwnDaemon daemon = await StartAsync(client);
        Clients run = new(client, daemon.Address);
        await run.OkAsync("network", "create", "front");
        const string Show = "busybox ip -o link | busybox cut -d: -f2; cat /proc/sys/net/ipv4/conf/{0}/log_martians";

        // On the default bridge and on one of the user's, at the start; an unknown option is kept and shown.
        Assert.Equal("lo\n wan@if\n1", Links(await run.OkAsync("run", "--rm", "--network",
            $"name=bridge,driver-opt={Name}=wan,"
                + $"\"driver-opt={Sysctls}=net.ipv4.conf.IFNAME.log_martians=1,net.ipv4.conf.IFNAME.forwarding=0\"",
            "bb", "busybox", "sh", "-c", string.Format(null, Show, "wan"))));
        await run.OkAsync("run", "-d", "--name", "web", "--cap-add", "NET_ADMIN", "--network",
            $"name=front,driver-opt={Name}=lan0,driver-opt=acme.speed=9,driver-opt={Sysctls}=net.ipv4.conf.IFNAME.log_martians=1",
            "bb", "busybox", "sleep", "1000");
        Assert.Equal("lo\n lan0@if\n1", Links(await run.OkAsync("exec", "web", "busybox", "sh", "-c", string.Format(null, Show, "lan0"))));
        // Docker's command line makes small letters of it all.
        string ifname = client == "berth" ? "IFNAME" : "ifname";
        Assert.Equal($"map[acme.speed:9 {Name}:lan0 {Sysctls}:net.ipv4.conf.{ifname}.log_martians=1]", await run.OkAsync(
            "inspect", "-f", "{{.NetworkSettings.Networks.front.DriverOpts}}", "web"));

        // While it runs; and again after a restart, in whichever order.
        await run.OkAsync("network", "connect", "--driver-opt", $"{Name}=eth0", "--driver-opt",
            $"{Sysctls}=net.ipv4.conf.IFNAME.log_martians=1", "bridge", "web");
        string both = "lo\n lan0@if\n eth0@if\n1";
        Assert.Equal(both, Links(await run.OkAsync("exec", "web", "busybox", "sh", "-c", string.Format(null, Show, "eth0"))));
        await run.OkAsync("restart", "-t", "0", "web");
        Assert.Equal(both, Links(await run.OkAsync("exec", "web", "busybox", "sh", "-c", string.Format(null, Show, "eth0"))));
        await daemon.KillAsync();
        await daemon.StartAsync();
        await run.OkAsync("network", "create", "side");
        await run.OkAsync("network", "connect", "side", "web");
        Assert.Equal("lo\n lan0@if\n eth0@if\n eth1@if\n1", Links(await run.OkAsync(
            "exec", "web", "busybox", "sh", "-c", string.Format(null, Show, "eth0"))));

        // What cannot be: nothing of it is left.
        await run.OkAsync("network", "create", "back");
        await run.RefusedAsync("to \"lan0\": file exists", "network", "connect", "--driver-opt", $"{Name}=lan0", "back", "web");
        await run.OkAsync("exec", "web", "busybox", "ip", "link", "add", "br9", "type", "bridge");
        await run.RefusedAsync("to \"br9\": file exists", "network", "connect", "--driver-opt", $"{Name}=br9", "back", "web");
        await run.RefusedAsync("/proc/sys/net/ipv4/conf/eth2/nope is not a sysctl file",
            "network", "connect", "--driver-opt", $"{Sysctls}=net.ipv4.conf.IFNAME.nope=1", "back", "web");
        Assert.Equal("[]", await run.OkAsync("network", "inspect", "-f", "{{range .Containers}}{{.Name}}{{end}}[]", "back"));
        await run.RefusedAsync("invalid endpoint settings:\ninvalid interface name 'a/b'",
            "network", "connect", "--driver-opt", $"{Name}=a/b", "back", "web");
        await run.RefusedAsync("invalid endpoint settings:\nunrecognised network interface sysctl 'net.ipv4.conf.eth0.log_martians=1'; "
            + "represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'",
            "create", "--network", $"name=back,driver-opt={Sysctls}=net.ipv4.conf.eth0.log_martians=1", "bb", "true");
        await run.RefusedAsync("/proc/sys/net/ipv4/conf/eth0/nope is not a sysctl file",
            "run", "--rm", "--network", $"name=back,driver-opt={Sysctls}=net.ipv4.conf.IFNAME.nope=1", "bb", "true");
    }

    [Theory]
    [InlineData("berth")]
    [InlineData("/usr/bin/docker")]
    [InlineData("/usr/local/bin/docker")]
    public async Task SysctlOfALink_IsMovedForOlderClients_AndRefusedForNewerOnes(string client)
    {
        await using OwnDaemon daemon = await StartAsync(client);
        Clients run = new(client, daemon.Address);
        string[] command =
            ["run", "--rm", "--sysctl", "net.ipv4.conf.eth0.log_martians=1", "bb", "cat", "/proc/sys/net/ipv4/conf/eth0/log_martians"];
        bool isOlder = client == "/usr/bin/docker";
        if (isOlder)
        {
            Completed done = await run.RunAsync(command);
            Assert.Equal("1\n", done.Output);
            Assert.Contains($"Migrated sysctl \"net.ipv4.conf.eth0.log_martians\" to DriverOpts{{\"{Sysctls}\":"
                + "\"net.ipv4.conf.IFNAME.log_martians=1\"}.", done.Errors);
            await run.RefusedAsync($"unable to determine network endpoint for sysctl net.ipv4.conf.eth1.log_martians, use driver option "
                + $"'{Sysctls}'", "create", "--sysctl", "net.ipv4.conf.eth1.log_martians=1", "bb", "true");
            return;
        }
        await run.RefusedAsync("interface specific sysctl setting \"net.ipv4.conf.eth0.log_martians\" must be supplied using driver option "
            + $"'{Sysctls}'", command);
    }

    [Theory]
    [InlineData("berth")]
    [InlineData("/usr/bin/docker")]
    [InlineData("/usr/local/bin/docker")]
    public async Task IsolatedNetwork_ConnectsItsContainersAndHasNoGateway(string client)
    {
        await using OwnDaemon daemon = await StartAsync(client);
        Clients run = new(client, daemon.Address);
        const string Isolated = "com.docker.network.bridge.gateway_mode_ipv4=isolated";
        await run.RefusedAsync(
            "gateway mode 'isolated' can only be used for an internal network", "network", "create", "-o", Isolated, "alone");
        await run.OkAsync("network", "create", "--internal", "-o", Isolated, "alone");
        Assert.Equal("true []", await run.OkAsync(
            "network", "inspect", "-f", "{{.Internal}} {{range .IPAM.Config}}[{{.Gateway}}]{{end}}", "alone"));
        await run.OkAsync("run", "-d", "--name", "one", "--network", "alone", "bb", "busybox", "sh", "-c",
            "echo hello >/f; exec busybox httpd -f -p 80 -h /");
        string address = await run.OkAsync("inspect", "-f", "{{.NetworkSettings.Networks.alone.IPAddress}}", "one");
        // The subnet's first, which elsewhere is the gateway's.
        Assert.Equal(await run.OkAsync("network", "inspect", "-f", "{{(index .IPAM.Config 0).Subnet}}", "alone"),
            address[..^1] + "0/26");
        // The server may need a moment.
        Assert.Equal("hello", await run.OkAsync("run", "--rm", "--network", "alone", "bb", "busybox", "sh", "-c",
            $"for i in $(busybox seq 200); do busybox wget -qO- http://{address}/f && exit; busybox sleep 0.3; done; exit 9"));
        Assert.DoesNotContain("default", await run.OkAsync("run", "--rm", "--network", "alone", "bb", "busybox", "ip", "route"));
        string bridge = "br-" + (await run.OkAsync("network", "inspect", "-f", "{{.Id}}", "alone"))[..12];
        Completed host = await Program.RunAsync("ip", ["addr", "show", bridge], daemon.Address);
        Assert.DoesNotContain("inet", host.Output);
    }

    private static async Task<OwnDaemon> StartAsync(string client)
    {
        Assert.SkipUnless(client == "berth" || File.Exists(client), $"{client} is not installed: ./dev setup");
        return await OwnDaemon.StartAsync();
    }

    // The other end's number differs each time.
    private static string Links(string output) => System.Text.RegularExpressions.Regex.Replace(output, "@if[0-9]+", "@if").Trim();

    private sealed class Clients(string client, string address)
    {
        private readonly string _program = client == "berth" ? EngineFixture.Berth : client;

        public Task<Completed> RunAsync(params string[] arguments) => Program.RunAsync(_program, arguments, address);

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
