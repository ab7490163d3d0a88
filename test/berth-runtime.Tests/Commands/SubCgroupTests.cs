using Berth.Linux.Processes;
using Berth.Linux.Sockets;

namespace Berth.RuntimeProgram.Tests.Commands;

/// <summary><c>exec --cgroup</c> on version 1's trees; version 2's is tested in the emulated machine. And <c>--pidfd-socket</c>.</summary>
public sealed class SubCgroupTests(BundleFixture bundles) : IClassFixture<BundleFixture>
{
    private const string Trees = "/sys/fs/cgroup";

    private static void Need() => Assert.SkipUnless(
        Command.Missing is null && Directory.Exists(Path.Join(Trees, "memory")) && Directory.Exists(Path.Join(Trees, "pids")),
        Command.Missing ?? "no version 1 trees");

    private async Task<string> StartAsync(params string[] made)
    {
        (string id, _) = await bundles.CreateAsync("exec sleep 1000");
        await bundles.RunAsync("start", id);
        foreach (string controller in made)
        {
            string group = Directory.CreateDirectory($"{Trees}/{controller}{bundles.Cgroup}/{id}/sub/deep").FullName;
            if (controller != "cpuset")
                continue;
            foreach (string directory in new[] { Path.GetDirectoryName(group)!, group })
                foreach (string file in new[] { "cpuset.cpus", "cpuset.mems" })
                    await File.WriteAllTextAsync(Path.Join(directory, file), await File.ReadAllTextAsync(Path.Join(directory, "..", file)));
        }
        return id;
    }

    // Where the process is, below the container's own group, by controller.
    private async Task<Dictionary<string, string>> PlacesAsync(string id, params string[] options)
    {
        Completed run = await bundles.RunAsync(["exec", .. options, id, "sh", "-c", "cat /proc/self/cgroup"]);
        Assert.True(run.Code == 0, run.ToString());
        return run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => line.Split(':', 3))
            .ToDictionary(static parts => parts[1], static parts => parts[2]);
    }

    [Theory]
    [InlineData("memory:sub", "/sub", "/")]
    [InlineData("memory:/sub/../sub/./deep/", "/sub/deep", "/")]
    [InlineData("memory,pids:sub", "/sub", "/sub")]
    [InlineData("/", "/", "/")]
    public async Task Cgroup_IsJoinedBelowTheContainers(string word, string memory, string pids)
    {
        Need();
        string id = await StartAsync("memory", "pids");
        Dictionary<string, string> places = await PlacesAsync(id, "--cgroup", word);
        Assert.Equal((memory, pids), (places["memory"], places["pids"]));
    }

    [Fact]
    public async Task Cgroup_OfEveryTree_IsJoinedInAll()
    {
        Need();
        string[] controllers = [.. Directory.GetDirectories(Trees).Select(Path.GetFileName).Where(static name => name is not ("systemd" or "unified"))!];
        string id = await StartAsync(controllers);
        Dictionary<string, string> places = await PlacesAsync(id, "--cgroup", "sub");
        Assert.All(controllers, controller => Assert.Equal("/sub", places[controller]));
    }

    [Theory]
    [InlineData("memory:nope", "/nope/cgroup.procs: no such file or directory")]
    [InlineData("nope", "/nope/cgroup.procs: no such file or directory")]
    // What runc takes for one of its meanings, we do not guess.
    [InlineData(":sub", "(empty <controller> prefix)")]
    [InlineData("memory,:sub", "(empty <controller> prefix)")]
    [InlineData("memory,memory:sub", "controller memory specified multiple times")]
    [InlineData("../other", "is not a sub cgroup path")]
    [InlineData("memory:sub/../../other", "is not a sub cgroup path")]
    public async Task Cgroup_ThatIsNoneBelow_IsRefused(string word, string refusal)
    {
        Need();
        string id = await StartAsync("memory");
        Directory.CreateDirectory($"{Trees}/memory{bundles.Cgroup}/other");
        Completed run = await bundles.RunAsync("exec", "--cgroup", word, id, "true");
        Assert.Equal(255, run.Code);
        Assert.Contains(refusal, run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ProcessSocket_GetsAHandleOfTheProcess()
    {
        Need();
        string socket = Path.Join(bundles.Directory, "pidfd.sock");
        using System.Net.Sockets.Socket listener = new(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, 0);
        listener.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(socket));
        listener.Listen(2);
        (string id, _) = await bundles.CreateAsync("exec sleep 1000", null, "--pidfd-socket", socket);
        Assert.Equal((await bundles.StateAsync(id)).GetProperty("pid").GetInt32(), await AcceptedPidAsync(listener));
        await bundles.RunAsync("start", id);
        string file = Path.Join(bundles.Directory, "exec.pid");
        await Command.RunAsync("/bin/sh", ["-c", "exec \"$0\" \"$@\" </dev/null >/dev/null 2>&1", Command.Runtime, "--root", bundles.Root,
            "exec", "-d", "--pidfd-socket", socket, "--pid-file", file, id, "sleep", "1000"]);
        Assert.Equal(int.Parse(await File.ReadAllTextAsync(file)), await AcceptedPidAsync(listener));
    }

    // A handle's Pid is said by the kernel. pidfd_open(2), proc_pid_fdinfo(5).
    private static async Task<int> AcceptedPidAsync(System.Net.Sockets.Socket listener)
    {
        using System.Net.Sockets.Socket connection = await listener.AcceptAsync();
        using Berth.Linux.FileDescriptor raw = new((int)connection.Handle, ownsHandle: false);
        byte[] name = new byte[16];
        int count = DescriptorSockets.Receive(raw, name, out Berth.Linux.FileDescriptor? handle);
        using (handle)
        {
            Assert.Equal("pidfd", System.Text.Encoding.ASCII.GetString(name, 0, count));
            string line = (await File.ReadAllLinesAsync($"/proc/self/fdinfo/{handle!.Number}")).Single(static line => line.StartsWith("Pid:", StringComparison.Ordinal));
            return int.Parse(line[4..]);
        }
    }
}
