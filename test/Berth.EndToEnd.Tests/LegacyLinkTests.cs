using Berth.EndToEnd.Tests.Robustness;

namespace Berth.EndToEnd.Tests;

/// <summary>Links between containers on the default bridge: names of their own, which <c>rm --link</c> removes.</summary>
public sealed class LegacyLinkTests
{
    [Theory]
    [InlineData("berth")]
    [InlineData("/usr/bin/docker")]
    [InlineData("/usr/local/bin/docker")]
    public async Task Link_IsANameThatCanBeRemoved(string client)
    {
        Assert.SkipUnless(client == "berth" || File.Exists(client), $"{client} is not installed: ./dev setup");
        string program = client == "berth" ? EngineFixture.Berth : client;
        await using OwnDaemon daemon = await OwnDaemon.StartAsync();
        async Task<string> OkAsync(params string[] arguments)
        {
            Completed done = await Program.RunAsync(program, arguments, daemon.Address);
            Assert.True(done.Code == 0, $"{string.Join(' ', arguments)}: {done.Errors}");
            return done.Output.TrimEnd();
        }
        async Task RefusedAsync(string part, params string[] arguments)
        {
            Completed done = await Program.RunAsync(program, arguments, daemon.Address);
            Assert.NotEqual(0, done.Code);
            Assert.Contains(part, done.Errors, StringComparison.Ordinal);
        }

        await OkAsync("run", "-d", "--name", "one", "-e", "PASS=word", "-e", "HOME=/x", "--expose", "5432", "--expose", "53/udp", "bb",
            "busybox", "sleep", "1000");
        await OkAsync("run", "-d", "--name", "two", "bb", "busybox", "sleep", "1000");
        await OkAsync("run", "-d", "--name", "web", "--link", "one:db", "--link", "two", "bb", "busybox", "sleep", "1000");
        Assert.Equal("[/one:/web/db /two:/web/two]", await OkAsync("inspect", "-f", "{{.HostConfig.Links}}", "web"));
        Assert.Equal(await OkAsync("inspect", "-f", "{{.Id}}", "one"), await OkAsync("inspect", "-f", "{{.Id}}", "web/db"));
        Assert.Contains("web/db", await OkAsync("ps", "--no-trunc", "--format", "{{.Names}}", "--filter", "name=one"));
        Assert.Equal("one", await OkAsync("ps", "--format", "{{.Names}}", "--filter", "name=one"));
        Assert.Contains("\tdb ", await OkAsync("exec", "web", "busybox", "grep", "db", "/etc/hosts"));

        // The variables that programs knew others by before there were names on networks; in execs too. Its own win.
        string address = await OkAsync("inspect", "-f", "{{.NetworkSettings.Networks.bridge.IPAddress}}", "one");
        string[] expected =
        [
            $"DB_1_PORT=udp://{address}:53", $"DB_1_PORT_53_UDP=udp://{address}:53", $"DB_1_PORT_53_UDP_ADDR={address}",
            "DB_1_PORT_53_UDP_PORT=53", "DB_1_PORT_53_UDP_PROTO=udp", $"DB_1_PORT_5432_TCP=tcp://{address}:5432",
            $"DB_1_PORT_5432_TCP_ADDR={address}", "DB_1_PORT_5432_TCP_PORT=5432", "DB_1_PORT_5432_TCP_PROTO=tcp", "DB_1_ENV_PASS=word",
            "DB_1_NAME=mine",
        ];
        Assert.Equal(expected, Linked(await OkAsync(
            "run", "--rm", "--link", "one:db-1", "-e", "DB_1_NAME=mine", "bb", "busybox", "env"), "DB_1_"));
        Assert.Contains("DB_NAME=/web/db", Linked(await OkAsync("exec", "web", "busybox", "env"), "DB_"));

        // By whichever name it has now, and after the engine's end.
        await OkAsync("rename", "one", "uno");
        await daemon.KillAsync();
        await daemon.StartAsync();
        Assert.Equal("[/uno:/web/db /two:/web/two]", await OkAsync("inspect", "-f", "{{.HostConfig.Links}}", "web"));
        await OkAsync("restart", "-t", "0", "web");

        await RefusedAsync("cannot remove the default link name of the container", "rm", "--link", "web");
        await RefusedAsync("No such container: web/nothing", "rm", "--link", "web/nothing");
        Assert.Equal("web/db", await OkAsync("rm", "--link", "web/db"));
        Assert.Equal("[/two:/web/two]", await OkAsync("inspect", "-f", "{{.HostConfig.Links}}", "web"));
        Assert.Equal("two", await OkAsync("exec", "web", "busybox", "sh", "-c",
            "busybox awk '$2==\"db\"||$2==\"two\"{print $2}' /etc/hosts"));
        Assert.Equal("true true", await OkAsync("inspect", "-f", "{{.State.Running}}", "uno") + " "
            + await OkAsync("inspect", "-f", "{{.State.Running}}", "web"));
        await RefusedAsync("No such container: web/db", "rm", "--link", "web/db");
        await OkAsync("rm", "-f", "uno");
        await OkAsync("restart", "-t", "0", "web");

        static string[] Linked(string environment, string prefix) =>
            [.. environment.Split('\n').Where(line => line.StartsWith(prefix, StringComparison.Ordinal))];
    }
}
