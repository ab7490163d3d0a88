using Berth.EndToEnd.Tests.Robustness;

namespace Berth.EndToEnd.Tests;

/// <summary><c>network create --config-only</c> and <c>--config-from</c>, by our command line and by docker's.</summary>
public sealed class ConfigurationNetworkTests
{
    [Theory]
    [InlineData("berth")]
    [InlineData("/usr/bin/docker")]
    [InlineData("/usr/local/bin/docker")]
    public async Task Configuration_IsTakenByOtherNetworks_AndOutlivesTheEngine(string client)
    {
        Assert.SkipUnless(client == "berth" || File.Exists(client), $"{client} is not there");
        string program = client == "berth" ? EngineFixture.Berth : client;
        await using OwnDaemon daemon = await OwnDaemon.StartAsync();
        string subnet = FreeNetworks.Take();
        Task<Completed> RunAsync(params string[] arguments) => Program.RunAsync(program, arguments, daemon.Address);
        async Task<string> OkAsync(params string[] arguments)
        {
            Completed done = await RunAsync(arguments);
            Assert.True(done.Code == 0, $"{string.Join(' ', arguments)}: {done.Errors}");
            return done.Output.TrimEnd();
        }
        async Task RefusedAsync(string part, params string[] arguments)
        {
            Completed done = await RunAsync(arguments);
            Assert.NotEqual(0, done.Code);
            Assert.Contains(part, done.Errors, StringComparison.Ordinal);
        }

        await OkAsync("network", "create", "--config-only", "--subnet", $"{subnet}.0/24", "--gateway", $"{subnet}.9", "--label", "lab=1",
            "-o", "com.docker.network.driver.mtu=1400", "plan");
        Assert.Equal($"null true [] {subnet}.0/24 {subnet}.9", await OkAsync("network", "inspect", "--format",
            "{{.Driver}} {{.ConfigOnly}} [{{.ConfigFrom.Network}}] {{with index .IPAM.Config 0}}{{.Subnet}} {{.Gateway}}{{end}}", "plan"));
        await RefusedAsync("configuration", "run", "--rm", "--network", "plan", "bb", "true");
        await RefusedAsync("user specified configurations are not supported",
            "network", "create", "--config-from", "plan", "--subnet", "10.1.0.0/24", "x");
        await RefusedAsync("Network operator fields", "network", "create", "--config-only", "--internal", "x");
        await RefusedAsync("cannot depend on another", "network", "create", "--config-only", "--config-from", "plan", "x");
        await RefusedAsync("configuration network \"nothing\" does not exist", "network", "create", "--config-from", "nothing", "x");

        await OkAsync("network", "create", "--config-from", "plan", "real");
        Assert.Equal($"bridge false [plan] {subnet}.0/24 {subnet}.9 1 1400", await OkAsync("network", "inspect", "--format",
            "{{.Driver}} {{.ConfigOnly}} [{{.ConfigFrom.Network}}] {{with index .IPAM.Config 0}}{{.Subnet}} {{.Gateway}}{{end}} "
            + "{{.Labels.lab}} {{index .Options \"com.docker.network.driver.mtu\"}}", "real"));
        Assert.Contains($"default via {subnet}.9", await OkAsync("run", "--rm", "--network", "real", "bb", "busybox", "ip", "route"));
        Assert.Contains("mtu 1400", await OkAsync("run", "--rm", "--network", "real", "bb", "busybox", "ip", "link", "show", "eth0"));

        await daemon.KillAsync();
        await daemon.StartAsync();
        await RefusedAsync("configuration network \"plan\" is in use", "network", "rm", "plan");
        Assert.Contains($"default via {subnet}.9", await OkAsync("run", "--rm", "--network", "real", "bb", "busybox", "ip", "route"));
        await OkAsync("network", "prune", "-f");
        // A configuration is nobody's rubbish.
        Assert.Equal("plan", await OkAsync("network", "ls", "--filter", "type=custom", "--format", "{{.Name}}"));
        await OkAsync("network", "rm", "plan");
    }
}
