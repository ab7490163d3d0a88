using System.Net.Http;
using System.Text.RegularExpressions;
using Berth.EndToEnd.Tests.Robustness;

namespace Berth.EndToEnd.Tests.Rootless;

/// <summary>The whole engine as an ordinary user: nothing of it, and nothing in its containers, is root on the machine.</summary>
public sealed partial class RootlessTests : IAsyncLifetime
{
    private static readonly HttpClient s_http = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero });
    private RootlessDaemon _daemon = null!;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipWhen(RootlessDaemon.Missing is not null, RootlessDaemon.Missing ?? "");
        _daemon = await RootlessDaemon.StartAsync();
        try
        {
            await PrepareAsync();
        }
        catch
        {
            await _daemon.DisposeAsync();
            throw;
        }
    }

    private async Task PrepareAsync()
    {
        string tar = Path.Combine(_daemon.Root, "bb.tar");
        await File.WriteAllBytesAsync(tar, Busybox.Tar);
        await _daemon.DoAsync("import", tar, "bb:1");
        await BuildAsync("app:1", "FROM bb:1\nRUN /bin/busybox --install -s /bin\nWORKDIR /w\nRUN echo hello > index.html\n");
    }

    public ValueTask DisposeAsync() => _daemon?.DisposeAsync() ?? ValueTask.CompletedTask;

    [Fact]
    public async Task Container_IsRootInsideAndTheUserOutside()
    {
        string id = (await _daemon.DoAsync("run", "-d", "app:1", "sleep", "1000")).Trim();
        Assert.Equal("uid=0 gid=0 groups=0\n", await _daemon.DoAsync("exec", id, "id"));
        string pid = (await _daemon.DoAsync("inspect", "-f", "{{.State.Pid}}", id)).Trim();
        Assert.Contains($"Uid:\t{_daemon.Id}\t", await File.ReadAllTextAsync($"/proc/{pid}/status", TestContext.Current.CancellationToken));
        Assert.Contains("sleep 1000", await _daemon.DoAsync("top", id));
        Assert.Contains("name=rootless", await _daemon.DoAsync("info", "-f", "{{.SecurityOptions}}"));
        // Who writes as root into a directory of the machine writes as the user.
        await _daemon.DoAsync("run", "--rm", "-v", $"{_daemon.Root}/data:/h", "app:1", "sh", "-c", "echo mine > /h/file");
        Completed owner = await Program.RunAsync("stat", ["-c", "%u", $"{_daemon.Root}/data/file"], "");
        Assert.Equal($"{_daemon.Id}\n", owner.Output);
        Completed refused = await _daemon.BerthAsync("run", "--rm", "-v", "/etc:/h", "app:1", "sh", "-c", "echo x > /h/berth-was-here");
        Assert.Contains("ermission denied", refused.Errors);
    }

    /// <summary>What nobody handed over is said where clients print it, not in the engine's log alone.</summary>
    [Fact]
    public async Task LimitsWithoutACgroup_AreWarningsOfCreate()
    {
        string driver = await _daemon.DoAsync("info", "-f", "{{.CgroupDriver}}");
        Assert.SkipWhen(driver != "none\n", "this engine was handed a cgroup");
        Completed run = await _daemon.BerthAsync("run", "--rm", "-m", "50m", "--cpus", "1", "--pids-limit", "10", "app:1", "echo", "up");
        Assert.Equal("up\n", run.Output);
        Assert.Contains("Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded.",
            run.Errors);
        Assert.Contains("NanoCPUs can not be set", run.Errors);
        Assert.Contains("PIDs limit discarded.", run.Errors);
        Completed plain = await _daemon.BerthAsync("run", "--rm", "app:1", "true");
        Assert.Equal("", plain.Errors);
    }

    /// <summary>Runtimes of others, which find themselves root of a user namespace, with the cgroups of a machine that is not theirs.</summary>
    [Theory]
    [InlineData("other")]
    [InlineData("runc")]
    public async Task OtherRuntimes_RunAndEnterContainers(string runtime)
    {
        Assert.SkipWhen(runtime == "runc" && !File.Exists("/usr/sbin/runc"), "runc is not installed");
        Assert.Equal("0\n", await _daemon.DoAsync("run", "--rm", "--runtime", runtime, "app:1", "id", "-u"));
        string id = (await _daemon.DoAsync("run", "-d", "--runtime", runtime, "app:1", "sleep", "1000")).Trim();
        Assert.Equal("0\n", await _daemon.DoAsync("exec", id, "id", "-u"));
        Assert.Equal("1000\n", await _daemon.DoAsync("exec", "-u", "1000", id, "id", "-u"));
        Assert.Equal("/dev/pts/0\r\n", await _daemon.DoAsync("exec", "-t", id, "tty"));
        Assert.Equal("/dev/pts/0\r\n", await _daemon.DoAsync("run", "--rm", "-t", "--runtime", runtime, "app:1", "tty"));
        Assert.Equal("0\n", await _daemon.DoAsync("run", "--rm", "--network", "host", "--runtime", runtime, "app:1", "id", "-u"));
        await _daemon.DoAsync("rm", "-f", id);
    }

    [Fact]
    public async Task Build_RemovesAndReplacesWhatIsBelow()
    {
        await BuildAsync("layers:1", """
            FROM bb:1
            RUN mkdir -p /d/x && echo one > /d/x/f && echo two > /d/g && chown 5:6 /d/g && echo gone > /gone
            RUN rm -r /d /gone && mkdir /d && echo new > /d/n
            USER 1000:1000
            CMD ["sh", "-c", "id; ls /d /gone"]
            """);
        Completed run = await _daemon.BerthAsync("run", "--rm", "layers:1");
        Assert.Equal("uid=1000 gid=1000 groups=1000\n/d:\nn\n", run.Output);
        // As saved, any engine reads it: marks of overlayfs are whiteouts in the archive.
        string archive = Path.Combine(_daemon.Root, "layers.tar");
        await _daemon.DoAsync("save", "-o", archive, "layers:1");
        await _daemon.DoAsync("rmi", "-f", "layers:1");
        await _daemon.DoAsync("load", "-q", "-i", archive);
        Assert.Equal("uid=1000 gid=1000 groups=1000\n/d:\nn\n", (await _daemon.BerthAsync("run", "--rm", "layers:1")).Output);
    }

    [Fact]
    public async Task PublishedPorts_AreTheMachines_AndNamesAreFound()
    {
        await _daemon.DoAsync("network", "create", "sea");
        await _daemon.DoAsync("run", "-d", "--name", "web", "--network", "sea", "-p", "80", "-p", "127.0.0.1::80", "app:1",
            "httpd", "-f", "-p", "80", "-h", "/w");
        string[] ports = [.. Port().Matches(await _daemon.DoAsync("port", "web")).Select(match => match.Value).Distinct()];
        Assert.NotEmpty(ports);
        foreach (string port in ports)
            Assert.Equal("hello\n", await GetAsync(port));
        Assert.Equal("hello\n", await _daemon.DoAsync("run", "--rm", "--network", "sea", "app:1", "wget", "-qO-", "http://web/index.html"));
        Completed low = await _daemon.BerthAsync("run", "--rm", "-p", "1:80", "app:1", "true");
        Assert.Contains("listen tcp4 0.0.0.0:1: bind: permission denied", low.Errors);
        Completed taken = await _daemon.BerthAsync("run", "--rm", "-p", $"{ports[0]}:80", "app:1", "true");
        Assert.Contains("port is already allocated", taken.Errors);
    }

    [Fact]
    public async Task MachinesOwnNamespaces_AreShownAsTheyAre()
    {
        Assert.Contains("LOOPBACK", await _daemon.DoAsync("run", "--rm", "--network", "host", "app:1", "ip", "link"));
        string own = _daemon.Pid.ToString(null as IFormatProvider);
        Assert.Equal("berthd\n", await _daemon.DoAsync("run", "--rm", "--pid", "host", "app:1", "cat", $"/proc/{own}/comm"));
        Assert.Equal("1\n", await _daemon.DoAsync("run", "--rm", "--sysctl", "net.ipv4.ip_forward=1", "app:1", "cat", "/proc/sys/net/ipv4/ip_forward"));
        Assert.Contains("null", await _daemon.DoAsync("run", "--rm", "--privileged", "app:1", "sh", "-c", "mount -t tmpfs x /mnt || mount -t tmpfs x /tmp; ls /dev"));
    }

    [Fact]
    public async Task KilledDaemon_ContainersAndPortsAreFoundByTheNext()
    {
        await _daemon.DoAsync("run", "-d", "--name", "web", "-p", "80", "app:1", "httpd", "-f", "-p", "80", "-h", "/w");
        string port = Port().Match(await _daemon.DoAsync("port", "web")).Value;
        string pid = await _daemon.DoAsync("inspect", "-f", "{{.State.Pid}}", "web");
        await _daemon.KillAsync();
        Assert.True(Directory.Exists($"/proc/{pid.Trim()}"), "the container ended with the daemon");
        await _daemon.RestartAsync();
        Assert.Equal(pid, await _daemon.DoAsync("inspect", "-f", "{{.State.Pid}}", "web"));
        Assert.Equal("hello\n", await GetAsync(port));
        Assert.Equal("hello\n", await _daemon.DoAsync("exec", "web", "cat", "/w/index.html"));
        await _daemon.DoAsync("rm", "-f", "web");
        await _daemon.StopAsync();
        await Eventually.HoldsAsync(() => Task.FromResult(_daemon.Processes().Count == 0));
    }

    [Fact]
    public async Task UserWithoutIds_IsToldHowToGetThem()
    {
        await using RootlessDaemon poor = await RootlessDaemon.StartAsync(hasIds: false);
        Assert.Equal(1, await poor.EndAsync());
        Assert.Contains("has no range of IDs in /etc/subuid", poor.Errors);
        Assert.Contains("usermod --add-subuids", poor.Errors);
        await Eventually.HoldsAsync(() => Task.FromResult(poor.Processes().Count == 0));
    }

    private async Task BuildAsync(string tag, string dockerfile)
    {
        string context = Directory.CreateDirectory(Path.Combine(_daemon.Root, "context" + Guid.NewGuid().ToString("n")[..6])).FullName;
        await File.WriteAllTextAsync(Path.Combine(context, "Dockerfile"), dockerfile);
        await _daemon.DoAsync("build", "-q", "-t", tag, context);
    }

    // The server takes a moment to listen.
    private static async Task<string> GetAsync(string port)
    {
        string text = "";
        await Eventually.HoldsAsync(async () =>
        {
            try
            {
                text = await s_http.GetStringAsync($"http://127.0.0.1:{port}/index.html", TestContext.Current.CancellationToken);
                return true;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        });
        return text;
    }

    [GeneratedRegex("(?<=:)[0-9]+$", RegexOptions.Multiline)]
    private static partial Regex Port();
}
