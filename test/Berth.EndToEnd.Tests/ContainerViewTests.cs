using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Berth.Tests;

namespace Berth.EndToEnd.Tests;

/// <summary>What a container sees of itself: namespaces, mounts, limits, powers, and the program its image names.</summary>
public sealed class ContainerViewTests(EngineFixture engine)
{
    private const string Image = "busybox:e2e";

    // Type, target and the options without those that depend on the kernel's version.
    private static readonly string[] s_mounts =
    [
        "/dev tmpfs rw nosuid size=65536k mode=755",
        "/dev/mqueue mqueue rw nosuid nodev noexec",
        "/dev/pts devpts rw nosuid noexec gid=5 mode=620 ptmxmode=666",
        "/dev/shm tmpfs rw nosuid nodev noexec size=65536k",
        "/proc proc rw nosuid nodev noexec",
        "/proc/bus proc ro nosuid nodev noexec",
        "/proc/fs proc ro nosuid nodev noexec",
        "/proc/irq proc ro nosuid nodev noexec",
        "/proc/sys proc ro nosuid nodev noexec",
        "/sys sysfs ro nosuid nodev noexec",
    ];

    private static readonly string[] s_links =
    [
        "/dev/fd /proc/self/fd", "/dev/ptmx pts/ptmx", "/dev/stderr /proc/self/fd/2", "/dev/stdin /proc/self/fd/0",
        "/dev/stdout /proc/self/fd/1",
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Namespaces_AllSix_AreNotTheHosts()
    {
        string[] names = ["cgroup", "ipc", "mnt", "net", "pid", "uts"];
        string script = string.Join("; ", names.Select(static name => $"readlink /proc/self/ns/{name}"));
        string[] inside = (await OutputAsync("run", "--rm", Image, "sh", "-c", script)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(names, inside.Select(static link => link.Split(':')[0]));
        Assert.All(names.Zip(inside), static pair =>
            Assert.NotEqual(File.ResolveLinkTarget($"/proc/self/ns/{pair.First}", false)!.Name, pair.Second));
    }

    [Fact]
    public async Task MountsAndLinks_AreThoseOfTheTable()
    {
        string seen = await OutputAsync("run", "--rm", Image, "sh", "-c",
            "mount; for l in /dev/*; do [ -L $l ] && echo $l $(readlink $l); done; true");
        string[] lines = seen.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string[] mounts = [.. lines.Select(static line => line.Split(' ')).Where(static words => words is [_, "on", _, "type", ..])
            .Select(static words => $"{words[2]} {words[4]} " +
                words[5].Trim('(', ')').Replace(',', ' ').Replace(" relatime", "", StringComparison.Ordinal))];
        Assert.Equal([], s_mounts.Except(mounts).Select(missing => $"{missing}, but: {string.Join('\n', mounts)}"));
        Assert.Equal(s_links, lines.Where(static line => line.Split(' ') is [['/', ..], _]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Limits_StandInTheKernelsFiles()
    {
        Assert.SkipUnless(File.Exists("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
            "no cgroup 1 here; Berth.Unified.Tests has the files of cgroup 2");
        const string Script =
            "cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes pids/pids.max cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us";
        Assert.Equal("67108864\n33\n50000\n100000\n", await OutputAsync(
            "run", "--rm", "-m", "64m", "--pids-limit", "33", "--cpus", "0.5", Image, "sh", "-c", Script));
    }

    [Theory]
    [InlineData("00000000a80425fb")]  // Docker's 14.
    [InlineData("00000000a80435fb", "--cap-add", "NET_ADMIN")]
    [InlineData("00000000a80425fa", "--cap-drop", "chown")]
    [InlineData("0000000000000400", "--cap-drop", "ALL", "--cap-add", "CAP_NET_BIND_SERVICE")]
    public async Task Capabilities_AddedAndDropped_AreExactlyTheseAndNoMore(string expected, params string[] options)
    {
        string sets = await OutputAsync(["run", "--rm", .. options, Image, "grep", "^Cap", "/proc/self/status"]);
        const string None = "0000000000000000";
        Assert.Equal($"CapInh:\t{None}\nCapPrm:\t{expected}\nCapEff:\t{expected}\nCapBnd:\t{expected}\nCapAmb:\t{None}\n", sets);
    }

    [Fact]
    public async Task Privileged_HasWhatTheEngineHas()
    {
        string own = (await File.ReadAllLinesAsync("/proc/self/status", Cancel))
            .Single(static line => line.StartsWith("CapBnd", StringComparison.Ordinal));
        string seen = await OutputAsync(
            "run", "--rm", "--privileged", Image, "sh", "-c",
            "grep -E '^(CapBnd|Seccomp):' /proc/self/status; touch /sys/x 2>&1; ls /dev/loop-control");
        Assert.StartsWith($"{own}\nSeccomp:\t0\n", seen);
        // Not read-only: the kernel itself has no such file.
        Assert.DoesNotContain("Read-only", seen);
        Assert.EndsWith("/dev/loop-control\n", seen);
    }

    [Fact]
    public async Task ReadOnly_RootAndVolumes_RefuseToBeWritten()
    {
        string folder = Directory.CreateTempSubdirectory("berth-e2e-ro-").FullName;
        try
        {
            string seen = await OutputAsync(
                "run", "--rm", "--read-only", "--tmpfs", "/t", "-v", $"{folder}:/v", "-v", $"{folder}:/r:ro", Image,
                "sh", "-c", "for f in /f /etc/f /r/f /t/f /v/f; do touch $f 2>/dev/null && echo $f; done; true");
            Assert.Equal("/t/f\n/v/f\n", seen);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task ImageConfiguration_AndWhatIsTyped_DecideTogetherWhatRuns()
    {
        string image = $"conf{Guid.NewGuid():n}"[..12];
        foreach ((string lines, string[] typed, string expected) in new (string, string[], string)[]
        {
            ("ENTRYPOINT [\"echo\", \"e\"]\nCMD [\"c\", \"d\"]", [image], "e c d\n"),
            ("ENTRYPOINT [\"echo\", \"e\"]\nCMD [\"c\", \"d\"]", [image, "x"], "e x\n"),
            ("ENTRYPOINT [\"echo\", \"e\"]\nCMD [\"c\", \"d\"]", ["--entrypoint", "echo", image], "\n"),
            ("ENTRYPOINT [\"echo\", \"e\"]\nCMD [\"c\", \"d\"]", ["--entrypoint", "echo", image, "x"], "x\n"),
            ("ENTRYPOINT echo shell\nCMD [\"c\"]", [image, "x"], "shell\n"),
            ("CMD echo shell", [image], "shell\n"),
            ("CMD echo shell", [image, "echo", "x"], "x\n"),
            ("USER 12:34\nCMD echo $(id -u):$(id -g)", [image], "12:34\n"),
            ("USER 12:34\nCMD echo $(id -u):$(id -g)", ["-u", "56", image], "56:0\n"),
            ("WORKDIR /made/by\nWORKDIR it\nCMD pwd", [image], "/made/by/it\n"),
            ("WORKDIR /made\nCMD pwd", ["-w", "/made/at/run", image], "/made/at/run\n"),
            ("ENV A=1 B=2\nCMD echo $A$B", ["-e", "B=3", image], "13\n"),
        })
        {
            string dockerfile = $"FROM {Image}\n{lines}\n";
            Completed built = await Program.RunAsync(EngineFixture.Berth, ["build", "-t", image, "-"], engine.Address, dockerfile);
            Assert.True(built.Code == 0, dockerfile + built.Errors);
            string ran = await OutputAsync(["run", "--rm", "--network", "none", .. typed]);
            Assert.True(ran == expected, $"{lines}\n{string.Join(' ', typed)}: {ran}");
        }
        await OutputAsync("rmi", image);
    }

    [Fact]
    public async Task PublishedDatagrams_ArriveUntilTheContainerIsGone()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/python3"), "python3 is not installed");
        const string Echo = "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(('', 53))\n"
            + "while True: s.sendto(*s.recvfrom(99))";
        int port = FreePort.Next();
        using UdpClient client = new(new IPEndPoint(IPAddress.Loopback, 0));
        string name = $"u{Guid.NewGuid():n}"[..12];
        // Debian's busybox cannot serve datagrams; the host's python3 can.
        await OutputAsync(
            "run", "-d", "--name", name, "-p", $"127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}:53/udp",
            "-v", "/usr:/usr:ro", "-v", "/lib:/lib:ro", "-v", "/lib64:/lib64:ro", Image, "/usr/bin/python3", "-c", Echo);
        client.Connect(IPAddress.Loopback, port);
        // The program inside needs a moment to listen, and datagrams are not kept for it.
        await Eventually.HoldsAsync(async () => await EchoesAsync(client));
        await OutputAsync("rm", "-f", name);
        using UdpClient again = new(new IPEndPoint(IPAddress.Loopback, port));
    }

    private static async Task<bool> EchoesAsync(UdpClient client)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        patience.CancelAfter(TimeSpan.FromMilliseconds(500));
        try
        {
            await client.SendAsync("ping"u8.ToArray(), Cancel);
            return (await client.ReceiveAsync(patience.Token)).Buffer.AsSpan().SequenceEqual("ping"u8);
        }
        catch (Exception nobody) when (nobody is SocketException or OperationCanceledException)
        {
            return false;
        }
    }

    private async Task<string> OutputAsync(params string[] arguments)
    {
        Assert.SkipWhen(engine.Missing is not null, engine.Missing ?? "");
        Assert.SkipUnless(File.Exists(EngineFixture.Berth), "out/bin/berth is not built: ./dev build");
        Completed done = await Program.RunAsync(EngineFixture.Berth, arguments, engine.Address);
        Assert.True(done.Code == 0, $"{string.Join(' ', arguments)}: {done.Code}: {done.Output}{done.Errors}");
        return done.Output;
    }
}
