using System.Diagnostics;
using System.Globalization;

namespace Berth.EndToEnd.Tests;

/// <summary>A daemon whose containers are all in a user namespace (<c>userns-remap</c>), with Docker's own clients; and what is kept of ids
/// when a daemon is killed.</summary>
public sealed class UserNamespaceDaemonTests(EngineFixture engine) : IAsyncLifetime
{
    private const string Image = "busybox:e2e";
    private const uint RemapFirst = 0x40000000 - 65536;
    private readonly string _root = Directory.CreateTempSubdirectory("berth-remap-").FullName;
    private readonly string _subnet = FreeNetworks.Take();
    private Process? _daemon;

    private string Address => $"unix://{_root}/b.sock";

    private string Bridge => $"br{Environment.ProcessId:x}";

    public ValueTask InitializeAsync()
    {
        Assert.SkipUnless(engine.Missing is null, engine.Missing ?? "");
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        if (_daemon is not null)
        {
            string[] left = (await DockerAsync("ps", "-aq")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            if (left.Length > 0)
                await DockerAsync(["rm", "-f", "-v", .. left]);
            await SignalAsync("TERM");
            await Program.RunAsync("ip", ["link", "del", Bridge], Address);
        }
        await Eventually.GoneAsync(_root);
    }

    [Fact]
    public async Task Remap_HoldsForContainersAndBuildSteps_AndHostAsksOut()
    {
        await StartAsync("--userns-remap", "default");
        Assert.Contains("name=userns", (await DoAsync("info", "-f", "{{json .SecurityOptions}}")));
        string[] map = [Image, "sh", "-c", "set -- $(cat /proc/self/uid_map); echo $*"];
        string expected = $"0 {await FirstAsync()} 65536\n";
        Assert.Equal(expected, await DoAsync(["run", "--rm", .. map]));
        Assert.Equal("0 0 4294967295\n", await DoAsync(["run", "--rm", "--userns=host", .. map]));
        Assert.Equal(0, (await DockerAsync("run", "--rm", "--userns=host", "--privileged", Image, "true")).Code);
        Completed refused = await DockerAsync("run", "--rm", "--privileged", Image, "true");
        Assert.Equal(125, refused.Code);
        Assert.Contains("privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when "
            + "running privileged mode", refused.Errors);
        // As Compose and pods share a network: by Docker's words alone.
        string first = (await DoAsync("run", "-d", "--name", "first", Image, "httpd", "-f", "-p", "80", "-h", "/etc")).Trim();
        Assert.Equal("root", (await DoAsync("run", "--rm", "--network", "container:first", "--pid", "container:first", "--cap-add", "NET_ADMIN",
            Image, "sh", "-c", "ip link set lo down && ip link set lo up && until wget -qO /p http://127.0.0.1/passwd; do sleep 0.1; done "
                + "&& cut -c-4 /p")).Trim());
        await DoAsync("rm", "-f", first);
        Completed missing = await DockerAsync("run", "--rm", "--network", "container:nosuch", Image, "true");
        Assert.Contains("No such container: nosuch", missing.Errors);
        Assert.DoesNotContain("Unable to find image", missing.Errors);
        // Docker's: the setting's ids are everybody's; private ones are nobody else's.
        Completed own = await Program.RunAsync(EngineFixture.Berth, ["run", "--rm", "--userns=private", .. map], Address);
        Assert.NotEqual(expected, own.Output);
        Assert.EndsWith(" 65536\n", own.Output);

        Directory.CreateDirectory($"{_root}/context");
        await File.WriteAllTextAsync($"{_root}/context/Dockerfile", $"FROM {Image}\nRUN set -- $(cat /proc/self/uid_map); echo $* > /map; "
            + "touch /f; chown 33:34 /f\nRUN echo to > /dev/stdout\n", TestContext.Current.CancellationToken);
        await DoAsync("build", "-t", "remapped:1", $"{_root}/context");
        Assert.Equal(expected + "33:34\n", await DoAsync("run", "--rm", "--userns=host", "remapped:1", "sh", "-c",
            "cat /map; stat -c %u:%g /f"));
    }

    [Fact]
    public async Task Ids_AreKeptOverKillAndRestart_AndFreedWithTheContainer()
    {
        await StartAsync();
        async Task<string> RunAsync() => (await Program.RunAsync(
            EngineFixture.Berth, ["run", "-d", "--userns=private", Image, "sleep", "1000"], Address)).Output.Trim();
        string first = await RunAsync();
        uint user = await RootOutsideAsync(first);
        await SignalAsync("KILL");
        await StartAsync();
        Assert.Equal(user, await RootOutsideAsync(first));
        Assert.Equal("0\n", await DoAsync("exec", first, "id", "-u"));
        string second = await RunAsync();
        Assert.True(Math.Abs((long)user - await RootOutsideAsync(second)) >= 65536);
        await DoAsync("restart", "-t", "0", first);
        Assert.Equal(user, await RootOutsideAsync(first));
        await SignalAsync("TERM");
        await StartAsync();
        await DoAsync("restart", "-t", "0", first);
        Assert.Equal(user, await RootOutsideAsync(first));
        await DoAsync("rm", "-f", first, second);
    }

    private async Task<uint> FirstAsync()
    {
        Completed known = await Program.RunAsync("sh", ["-c", "cat /etc/subuid | grep -E '^(berth|dockremap):' | sort | head -n 1"], Address);
        return known.Output.Length == 0 ? RemapFirst : uint.Parse(known.Output.Split(':')[1], CultureInfo.InvariantCulture);
    }

    private async Task<uint> RootOutsideAsync(string id)
    {
        string pid = (await DoAsync("inspect", "-f", "{{.State.Pid}}", id)).Trim();
        return uint.Parse((await File.ReadAllLinesAsync($"/proc/{pid}/status", TestContext.Current.CancellationToken))
            .First(static line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[1], CultureInfo.InvariantCulture);
    }

    private async Task StartAsync(params string[] options)
    {
        _daemon = Process.Start(new ProcessStartInfo(Path.Combine(EngineFixture.Repository, "out/bin/berthd"),
        [
            "--data-root", $"{_root}/lib", "--exec-root", $"{_root}/run", "-H", Address, "--bridge", Bridge, "--bip", $"{_subnet}.1/24",
            "--cgroup-parent", $"/berth-remap-{Environment.ProcessId:x}", .. options,
        ]) { RedirectStandardError = true })!;
        string? line;
        do
            line = await _daemon.StandardError.ReadLineAsync(TestContext.Current.CancellationToken)
                ?? throw new InvalidOperationException("berthd ended at once");
        while (!line.Contains("API listen on", StringComparison.Ordinal));
        _ = _daemon.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        if ((await DockerAsync("image", "inspect", Image)).Code != 0)
            await DoAsync("import", engine.BusyboxArchive, Image);
    }

    private async Task SignalAsync(string signal)
    {
        await Program.RunAsync("kill", [$"-{signal}", _daemon!.Id.ToString(CultureInfo.InvariantCulture)], Address);
        await _daemon.WaitForExitAsync();
        _daemon.Dispose();
    }

    private Task<Completed> DockerAsync(params IEnumerable<string> arguments) => Program.RunAsync("docker", arguments, Address);

    private async Task<string> DoAsync(params IEnumerable<string> arguments)
    {
        Completed done = await DockerAsync(arguments);
        Assert.True(done.Code == 0, done.Errors + done.Output);
        return done.Output;
    }
}
