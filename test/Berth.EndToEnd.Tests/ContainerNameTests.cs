namespace Berth.EndToEnd.Tests;

/// <summary>By which names containers find each other, and what stays when a name changes.</summary>
public sealed class ContainerNameTests(EngineFixture engine)
{
    private const string Image = "busybox:e2e";
    private readonly string _mark = $"cn{Guid.NewGuid():n}"[..10];

    [Fact]
    public async Task HostName_OnANetworkOfItsOwn_IsAnsweredByTheNameServer()
    {
        Assert.SkipUnless(engine.Missing is null, engine.Missing ?? "");
        await DoAsync("network", "create", "--ipam-opt", "a=b", _mark);
        Assert.Equal("{\"a\":\"b\"}\n", await DoAsync("network", "inspect", "-f", "{{json .IPAM.Options}}", _mark));
        string one = $"{_mark}-1";
        string id = (await DoAsync("run", "-d", "--name", one, "--hostname", "chosen", "--network", _mark, "--network-alias", "other",
            Image, "sleep", "1000")).Trim();
        Assert.Equal($"[\"{one}\",\"{id[..12]}\",\"other\",\"chosen\"]\n",
            await DoAsync("inspect", "-f", $"{{{{json (index .NetworkSettings.Networks \"{_mark}\").DNSNames}}}}", id));
        await DoAsync("run", "--rm", "--network", _mark, Image, "ping", "-c", "1", "-w", "30", "chosen");
        await DoAsync("rm", "-f", one);
        await DoAsync("network", "rm", _mark);
    }

    [Fact]
    public async Task Joined_OtherIsRenamed_StartsAgain()
    {
        Assert.SkipUnless(engine.Missing is null, engine.Missing ?? "");
        string one = $"{_mark}-1", two = $"{_mark}-2", joined = $"{_mark}-j";
        string id = (await DoAsync("run", "-d", "--name", one, "--ipc", "shareable", Image, "sleep", "1000")).Trim();
        await DoAsync("run", "-d", "--name", joined, "--network", $"container:{one}", "--pid", $"container:{one}", "--ipc",
            $"container:{one}", Image, "sleep", "1000");
        Assert.Equal($"container:{id} container:{id} container:{id}\n", await DoAsync(
            "inspect", "-f", "{{.HostConfig.NetworkMode}} {{.HostConfig.PidMode}} {{.HostConfig.IpcMode}}", joined));
        await DoAsync("rename", one, two);
        await DoAsync("restart", "-t", "0", joined);
        Assert.Equal("true\n", await DoAsync("inspect", "-f", "{{.State.Running}}", joined));
        await DoAsync("rm", "-f", joined, two);
    }

    private async Task<string> DoAsync(params string[] arguments)
    {
        Completed done = await Program.RunAsync("/usr/local/bin/docker", arguments, engine.Address);
        Assert.True(done.Code == 0, $"{string.Join(' ', arguments)}: {done.Errors}");
        return done.Output;
    }
}
