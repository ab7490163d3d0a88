using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using Berth.Linux;
using Berth.Linux.Sockets;
using Berth.Oci.Runtime;

namespace Berth.RuntimeProgram.Tests.Commands;

/// <summary>The commands, as a caller of runc uses them.</summary>
public sealed class LifecycleTests(BundleFixture bundles) : IClassFixture<BundleFixture>
{
    private static void Need() => Assert.SkipUnless(Command.Missing is null, Command.Missing ?? "");

    private static RuntimeSpec With(RuntimeSpec spec, Func<ProcessSpec, ProcessSpec> change) => spec with { Process = change(spec.Process!) };

    [Fact]
    public async Task Create_Start_Kill_Delete_GoThroughTheStates()
    {
        Need();
        (string id, string bundle) = await bundles.CreateAsync("echo started; exec sleep 1000", null, "--pid-file", $"{bundles.Directory}/pid1");
        JsonElement state = await bundles.StateAsync(id);
        Assert.Equal("created", state.GetProperty("status").GetString());
        Assert.Equal(bundle, state.GetProperty("bundle").GetString());
        Assert.Equal("1.2.0", state.GetProperty("ociVersion").GetString());
        int pid = state.GetProperty("pid").GetInt32();
        Assert.Equal(pid, int.Parse(await File.ReadAllTextAsync($"{bundles.Directory}/pid1")));
        // Nothing of the program has run yet.
        Assert.Equal("", await File.ReadAllTextAsync(Path.Join(bundle, "out")));
        Assert.Equal(0, (await bundles.RunAsync("start", id)).Code);
        Assert.Equal("running", await bundles.StatusAsync(id));
        await Command.UntilAsync("the program speaks", async () => await File.ReadAllTextAsync(Path.Join(bundle, "out")) == "started\n");
        Completed again = await bundles.RunAsync("start", id);
        Assert.Contains("cannot start an already running container", again.Errors, StringComparison.Ordinal);
        Completed refused = await bundles.RunAsync("delete", id);
        Assert.Equal(1, refused.Code);
        Assert.Contains("that is not stopped: running", refused.Errors, StringComparison.Ordinal);
        Assert.Equal(0, (await bundles.RunAsync("kill", id, "KILL")).Code);
        await bundles.UntilAsync(id, "stopped");
        Assert.Contains("container not running", (await bundles.RunAsync("kill", id, "TERM")).Errors, StringComparison.Ordinal);
        Assert.Equal(0, (await bundles.RunAsync("delete", id)).Code);
        Assert.Contains("container does not exist", (await bundles.RunAsync("state", id)).Errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Join(bundles.Root, id)));
        Assert.Empty(Directory.GetDirectories("/sys/fs/cgroup", id, SearchOption.TopDirectoryOnly));
    }

    [Fact]
    public async Task Create_GoesToTheCallersReaper_AndIsItsChild()
    {
        Need();
        string id = bundles.NewId();
        string bundle = await bundles.BundleAsync(id, bundles.Spec(id, "/bin/sleep", "1000"));
        // A shell that is no reaper: the orphan goes to whoever is above, never to a process of ours.
        await Command.NeedAsync("/bin/sh",
            ["-c", "\"$0\" --root \"$1\" create --bundle \"$2\" \"$3\" </dev/null >/dev/null 2>&1", Command.Runtime, bundles.Root, bundle, id]);
        int pid = (await bundles.StateAsync(id)).GetProperty("pid").GetInt32();
        int parent = int.Parse((await File.ReadAllTextAsync($"/proc/{pid}/stat")).Split(") ")[1].Split(' ')[1]);
        Assert.NotEqual("berth-runtime", (await File.ReadAllTextAsync($"/proc/{parent}/comm")).Trim());
        // Its three streams and what it waits at: nothing else is open.
        string[] open = [.. Directory.GetFiles($"/proc/{pid}/fd").Select(Path.GetFileName).Order()!];
        Assert.Equal(["0", "1", "2", "4"], open);
        Assert.StartsWith("socket:", new FileInfo($"/proc/{pid}/fd/4").LinkTarget, StringComparison.Ordinal);
        Assert.Equal(0, (await bundles.RunAsync("delete", "--force", id)).Code);
        Assert.False(Lives(pid));
    }

    // What has ended may wait to be reaped by whoever got it.
    private static bool Lives(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/stat").Split(") ")[1][0] is not 'Z';
        }
        catch (IOException)
        {
            return false;
        }
    }

    [Fact]
    public async Task Create_OfAProgramThatDoesNotExist_FailsAndLeavesNothing()
    {
        Need();
        string id = bundles.NewId();
        string bundle = await bundles.BundleAsync(id, bundles.Spec(id, "no-such-program"));
        string log = Path.Join(bundle, "log");
        Completed created = await bundles.RunAsync("--log", log, "--log-format", "json", "create", "--bundle", bundle, id);
        Assert.Equal(1, created.Code);
        const string message = "unable to start container process: exec: \"no-such-program\": executable file not found in $PATH";
        Assert.Equal(message, created.Errors.Trim());
        JsonElement line = JsonDocument.Parse((await File.ReadAllLinesAsync(log))[^1]).RootElement;
        Assert.Equal("error", line.GetProperty("level").GetString());
        Assert.Equal(message, line.GetProperty("msg").GetString());
        Assert.True(line.GetProperty("time").TryGetDateTimeOffset(out _));
        Assert.False(Directory.Exists(Path.Join(bundles.Root, id)));
    }

    [Fact]
    public async Task Start_OfAProgramThatTheUserMayNotExecute_SaysSo()
    {
        Need();
        (string id, string bundle) = await bundles.CreateAsync("true", spec => With(spec, static process => process with
        {
            Args = ["/root/tool"], User = new UserSpec { Uid = 1000, Gid = 1000 },
            Capabilities = new CapabilitiesSpec(),
        }) with { Hooks = null }, await ToolAsync());
        Completed started = await bundles.RunAsync("start", id);
        Assert.Equal(1, started.Code);
        Assert.Contains("permission denied", started.Errors, StringComparison.Ordinal);
        await bundles.UntilAsync(id, "stopped");
        Assert.Equal(0, (await bundles.RunAsync("delete", id)).Code);
        Assert.NotEmpty(bundle);
    }

    // Root finds it, the user does not: /root is closed to others.
    private async Task<string[]> ToolAsync()
    {
        string tool = Path.Join(bundles.Tree, "root/tool");
        if (!File.Exists(tool))
        {
            File.Copy("/bin/busybox", tool);
            await Command.NeedAsync("chmod", ["700", Path.Join(bundles.Tree, "root")]);
        }
        return [];
    }

    [Fact]
    public async Task Container_OfAnEarlierVersion_IsKnownAndRemoved()
    {
        Need();
        (string id, string bundle) = await bundles.CreateAsync("sleep 60");
        string file = Path.Join(bundles.Root, id, "state.json");
        using (JsonDocument now = JsonDocument.Parse(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken)))
        {
            // As the version of November 2026 wrote it.
            JsonElement root = now.RootElement;
            await File.WriteAllTextAsync(file, $$$"""
                {"id":"{{{id}}}","ociVersion":"1.2.0","bundle":"{{{bundle}}}","rootfs":"{{{bundle}}}/rootfs",
                "cgroupPath":"{{{root.GetProperty("cgroupPath").GetString()}}}","pid":{{{root.GetProperty("pid").GetInt32()}}},
                "pidStart":{{{root.GetProperty("pidStart").GetUInt64()}}},"created":"2026-11-26T09:30:00.1234567+00:00","owner":"root",
                "hasPidNamespace":true,"annotations":{"a":"b"},"poststop":[{"path":"/bin/touch","args":["touch","{{{bundle}}}/gone"]}],
                "filter":{"program":"BgAAAAAA/38=","flags":2}}
                """, TestContext.Current.CancellationToken);
        }
        JsonElement state = await bundles.StateAsync(id);
        Assert.Equal("2026-11-26T09:30:00.1234567Z", state.GetProperty("created").GetString());
        Assert.Equal("b", state.GetProperty("annotations").GetProperty("a").GetString());
        Assert.Equal(0, (await bundles.RunAsync("start", id)).Code);
        // The filter allows everything; a program that was read wrongly the kernel would not take.
        Completed further = await bundles.RunAsync("exec", id, "echo", "x");
        Assert.Equal((0, "x\n"), (further.Code, further.Output));
        Assert.Equal(0, (await bundles.RunAsync("delete", "--force", id)).Code);
        Assert.True(File.Exists($"{bundle}/gone"));
    }

    [Theory]
    [InlineData("", "_ses.c")]
    [InlineData("--no-new-keyring", "none of its own")]
    public async Task Keyring_IsTheContainersOwn_UnlessTheCallersIsKept(string option, string seen)
    {
        Need();
        Assert.SkipUnless(File.Exists("/proc/keys"), "the kernel has no keyrings (CONFIG_KEYS)");
        Completed done = await bundles.RunContainerAsync(
            "grep -o '_ses.c' /proc/keys || echo none of its own",
            // Another user than root sees what he possesses alone, not the keyrings of other tests.
            static spec => With(spec, static process => process with { User = new UserSpec { Uid = 4242, Gid = 4242 } })
                with { Linux = spec.Linux! with { MaskedPaths = [] } },
            option.Length == 0 ? [] : [option]);
        Assert.Equal((0, seen), (done.Code, done.Output.Split('\n')[0]));
    }

    [Fact]
    public async Task Root_WithoutPivot_IsTheContainersAll()
    {
        Need();
        Completed done = await bundles.RunContainerAsync(
            "echo made > /here; ls -d /here /bundles /usr/share/doc 2>&1; cd /; ls -d ../../here; grep -c ' / / ' /proc/self/mountinfo",
            null, "--no-pivot");
        Assert.Contains("/here\n", done.Output, StringComparison.Ordinal);
        Assert.Contains("../../here\n", done.Output, StringComparison.Ordinal);
        Assert.Contains("/usr/share/doc: No such file", done.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TwoOfTheSameName_Conflict()
    {
        Need();
        (string id, string bundle) = await bundles.CreateAsync("sleep 1000");
        Completed second = await bundles.RunAsync("create", "--bundle", bundle, id);
        Assert.Equal(1, second.Code);
        Assert.Contains("container with given ID already exists", second.Errors, StringComparison.Ordinal);
        Assert.Equal("created", await bundles.StatusAsync(id));
        Assert.Equal(0, (await bundles.RunAsync("delete", id)).Code);
    }

    [Theory]
    [InlineData("a/b", "invalid container ID format")]
    [InlineData("..", "invalid container ID format")]
    [InlineData("", "container id cannot be empty")]
    public async Task Names_ThatAreNone_AreRefused(string id, string message)
    {
        Need();
        Assert.Contains(message, (await bundles.RunAsync("state", id)).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_GivesTheExitCode_AndRemovesTheContainer()
    {
        Need();
        Completed run = await bundles.RunContainerAsync("echo out; echo err >&2; exit 42");
        Assert.Equal((42, "out\n", "err\n"), (run.Code, run.Output, run.Errors));
        Assert.DoesNotContain("stopped", (await bundles.RunAsync("list")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_ForwardsSignals()
    {
        Need();
        string id = bundles.NewId();
        string bundle = await bundles.BundleAsync(id, bundles.Spec(id, "/bin/sh", "-c", "trap 'exit 5' TERM; echo ready; while :; do sleep 0.1; done"));
        using System.Diagnostics.Process run = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(
            Command.Runtime, ["--root", bundles.Root, "run", "--bundle", bundle, id]) { RedirectStandardOutput = true })!;
        Assert.Equal("ready", await run.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
        await Command.NeedAsync("kill", ["-TERM", run.Id.ToString()]);
        await run.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(5, run.ExitCode);
    }

    [Fact]
    public async Task Exec_RunsBesideTheFirst_WithItsOwnUserDirectoryAndEnvironment()
    {
        Need();
        (string id, _) = await bundles.CreateAsync("exec sleep 1000");
        await bundles.RunAsync("start", id);
        Completed exec = await bundles.RunAsync("exec", "--user", "1000:1000", "--cwd", "/etc", "--env", "A=b", id,
            "/bin/sh", "-c", "id -u; pwd; echo $A; readlink /proc/self/ns/pid; echo $(ls /proc/self/fd); exit 6");
        string pid = new FileInfo($"/proc/{(await bundles.StateAsync(id)).GetProperty("pid").GetInt32()}/ns/pid").LinkTarget!;
        Assert.Equal(6, exec.Code);
        Assert.Equal($"1000\n/etc\nb\n{pid}\n0 1 2 3\n", exec.Output);
        Completed missing = await bundles.RunAsync("exec", id, "nothing");
        Assert.Equal(255, missing.Code);
        Assert.Contains("exec failed: unable to start container process: exec: \\\"nothing\\\": executable file not found in $PATH",
            missing.Errors, StringComparison.Ordinal);
        Assert.Contains("1000", (await bundles.RunAsync("ps", id)).Output, StringComparison.Ordinal);
        Assert.Single(JsonDocument.Parse((await bundles.RunAsync("ps", "--format", "json", id)).Output).RootElement.EnumerateArray());
        Assert.Equal(0, (await bundles.RunAsync("delete", "--force", id)).Code);
        Assert.Equal(255, (await bundles.RunAsync("exec", id, "true")).Code);
    }

    [Fact]
    public async Task Exec_Detached_WritesItsPid()
    {
        Need();
        (string id, string bundle) = await bundles.CreateAsync("exec sleep 1000");
        await bundles.RunAsync("start", id);
        string file = Path.Join(bundle, "exec.pid");
        Completed exec = await Command.RunAsync("/bin/sh", ["-c", "\"$0\" \"$@\" </dev/null >/dev/null 2>&1", Command.Runtime, "--root", bundles.Root,
            "exec", "--detach", "--pid-file", file, id, "/bin/sleep", "500"]);
        Assert.Equal(0, exec.Code);
        string commandLine = await File.ReadAllTextAsync($"/proc/{await File.ReadAllTextAsync(file)}/cmdline");
        Assert.Equal("/bin/sleep\0500\0", commandLine);
        Assert.Equal(0, (await bundles.RunAsync("delete", "--force", id)).Code);
    }

    [Fact]
    public async Task PausedContainer_TakesNoExec_AndGoesOn()
    {
        Need();
        (string id, _) = await bundles.CreateAsync("exec sleep 1000");
        await bundles.RunAsync("start", id);
        Assert.Equal(0, (await bundles.RunAsync("pause", id)).Code);
        Assert.Equal("paused", await bundles.StatusAsync(id));
        Assert.Contains("cannot exec in a paused container", (await bundles.RunAsync("exec", id, "true")).Errors, StringComparison.Ordinal);
        Assert.Equal(0, (await bundles.RunAsync("resume", id)).Code);
        Assert.Equal("running", await bundles.StatusAsync(id));
        Assert.Contains("container not paused", (await bundles.RunAsync("resume", id)).Errors, StringComparison.Ordinal);
        Assert.Equal(0, (await bundles.RunAsync("pause", id)).Code);
        Assert.Equal(0, (await bundles.RunAsync("delete", "--force", id)).Code);
    }

    [Fact]
    public async Task Terminal_InABoundDev_IsOneOfItsOwn()
    {
        Need();
        string devices = Directory.CreateDirectory(Path.Join(bundles.Directory, "devices")).FullName;
        string terminals = Directory.CreateDirectory(Path.Join(devices, "pts")).FullName;
        await Command.NeedAsync("mount", ["-t", "devpts", "-o", "newinstance,ptmxmode=0666", "none", terminals]);
        try
        {
            string id = bundles.NewId();
            RuntimeSpec spec = With(bundles.Spec(id, "tty"), static process => process with { Terminal = true });
            string bundle = await bundles.BundleAsync(id, spec with
            {
                Mounts = [.. spec.Mounts!.Where(static mount => !mount.Destination.StartsWith("/dev", StringComparison.Ordinal)),
                    new MountSpec { Destination = "/dev", Type = "bind", Source = devices, Options = ["rbind"] }],
            });
            Completed run = await bundles.RunAsync("run", "--bundle", bundle, id);
            Assert.Equal((0, "/dev/pts/0"), (run.Code, run.Output.TrimEnd()));
        }
        finally
        {
            await Command.NeedAsync("umount", [terminals]);
        }
    }

    [Fact]
    public async Task Terminal_GoesToTheConsoleSocket()
    {
        Need();
        string path = Path.Join(bundles.Directory, "console.sock");
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        (string id, _) = await bundles.CreateAsync("stty size 2>/dev/null; [ -t 0 ] && echo terminal; cat", spec => With(spec, static process =>
            process with { Terminal = true, ConsoleSize = new ConsoleSize { Height = 30, Width = 100 } }), "--console-socket", path);
        using Socket connection = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        using FileDescriptor plain = new((int)connection.Handle, ownsHandle: false);
        byte[] name = new byte[64];
        int count = DescriptorSockets.Receive(plain, name, out FileDescriptor? master);
        using (master)
        {
            Assert.Equal("/dev/ptmx", System.Text.Encoding.ASCII.GetString(name, 0, count));
            Assert.NotNull(master);
            Assert.True(Berth.Linux.Terminals.TerminalCalls.TryGetSize(master.Number, out int columns, out int rows));
            Assert.Equal((100, 30), (columns, rows));
            await bundles.RunAsync("start", id);
            byte[] text = new byte[256];
            string seen = "";
            while (!seen.Contains("terminal\r\n", StringComparison.Ordinal))
                seen += System.Text.Encoding.ASCII.GetString(text, 0, Berth.Linux.Files.FileCalls.Read(master, text));
        }
        Assert.Equal(0, (await bundles.RunAsync("delete", "--force", id)).Code);
    }

    [Fact]
    public async Task PreservedDescriptors_ReachTheProgram()
    {
        Need();
        string id = bundles.NewId();
        string bundle = await bundles.BundleAsync(id, bundles.Spec(id, "/bin/sh", "-c", "cat <&3; cat <&4; echo $(ls /proc/self/fd)"));
        Completed run = await Command.RunAsync("/bin/sh", ["-c", "echo three > a; echo four > b; exec \"$0\" \"$@\" 3<a 4<b", Command.Runtime, "--root",
            bundles.Root, "run", "--preserve-fds", "2", "--bundle", bundle, id], directory: bundle);
        Assert.Equal("three\nfour\n0 1 2 3 4 5\n", run.Output);
    }

    [Fact]
    public async Task Update_ChangesLimits_AndEventsCount()
    {
        Need();
        (string id, _) = await bundles.CreateAsync("exec sleep 1000");
        await bundles.RunAsync("start", id);
        Completed update = await bundles.RunAsync("update", "--memory", "64M", "--pids-limit", "50", id);
        Assert.True(update.Code == 0, update.ToString());
        JsonElement data = JsonDocument.Parse((await bundles.RunAsync("events", "--stats", id)).Output).RootElement.GetProperty("data");
        Assert.Equal(64ul << 20, data.GetProperty("memory").GetProperty("usage").GetProperty("limit").GetUInt64());
        Assert.Equal(50ul, data.GetProperty("pids").GetProperty("limit").GetUInt64());
        Assert.Equal(1ul, data.GetProperty("pids").GetProperty("current").GetUInt64());
        Assert.Equal(0, (await bundles.RunAsync("delete", "--force", id)).Code);
    }

    [Fact]
    public async Task Events_Stats_HaveTheFieldsOfRunc()
    {
        Need();
        (string id, _) = await bundles.CreateAsync("exec sleep 1000");
        await bundles.RunAsync("start", id);
        JsonElement data = JsonDocument.Parse((await bundles.RunAsync("events", "--stats", id)).Output).RootElement.GetProperty("data");
        Assert.Equal(["cpu", "cpuset", "memory", "pids", "blkio", "hugetlb"], data.EnumerateObject().Select(static each => each.Name));
        Assert.Equal(["cache", "usage", "swap", "kernel", "kernelTCP", "raw"],
            data.GetProperty("memory").EnumerateObject().Select(static each => each.Name));
        Assert.Contains(0, data.GetProperty("cpuset").GetProperty("cpus").EnumerateArray().Select(static each => each.GetInt32()));
        Assert.Contains(0, data.GetProperty("cpuset").GetProperty("mems").EnumerateArray().Select(static each => each.GetInt32()));
        Assert.Equal(0, (await bundles.RunAsync("delete", "--force", id)).Code);
    }

    [Fact]
    public async Task Events_TellWhatIsKilledForMemory_AndEndWithTheContainer()
    {
        Need();
        (string id, _) = await bundles.CreateAsync("while :; do dd if=/dev/zero of=/dev/null bs=64M count=1 2>/dev/null; sleep 0.1; done",
            static spec => spec with
            {
                Linux = spec.Linux! with { Resources = new LinuxResources { Memory = new MemoryLimits { Limit = 16 << 20, Swap = 16 << 20 } } },
            });
        await bundles.RunAsync("start", id);
        using Process events = Process.Start(new ProcessStartInfo(Command.Runtime, ["--root", bundles.Root, "events", "--interval", "1h", id])
        {
            RedirectStandardOutput = true,
        })!;
        Assert.StartsWith($"{{\"type\":\"stats\",\"id\":\"{id}\"", await events.StandardOutput.ReadLineAsync(), StringComparison.Ordinal);
        Assert.Equal($"{{\"type\":\"oom\",\"id\":\"{id}\"}}", await events.StandardOutput.ReadLineAsync());
        Assert.Equal(0, (await bundles.RunAsync("kill", id, "KILL")).Code);
        await events.StandardOutput.ReadToEndAsync();
        await events.WaitForExitAsync();
        Assert.Equal(0, events.ExitCode);
        Assert.Equal(0, (await bundles.RunAsync("delete", "--force", id)).Code);
    }

    [Fact]
    public async Task Paths_ThatAreWrong_AreNamed()
    {
        Need();
        string id = bundles.NewId();
        string bundle = await bundles.BundleAsync(id, bundles.Spec(id, "/bin/true"));
        string file = Path.Join(bundle, "missing", "pid");
        Completed run = await bundles.RunAsync("run", "--pid-file", file, "--bundle", bundle, id);
        Assert.Equal(1, run.Code);
        Assert.Contains($"open {file}: No such file or directory", run.Errors, StringComparison.Ordinal);
        Assert.Equal(1, (await bundles.RunAsync("state", id)).Code);
        Completed list = await Command.RunAsync(Command.Runtime, ["--root", "/etc/passwd/containers", "list"]);
        Assert.Equal((1, ""), (list.Code, list.Output));
        Assert.Contains("open /etc/passwd/containers: not a directory", list.Errors, StringComparison.Ordinal);
        File.Delete(Path.Join(bundle, "config.json"));
        Directory.CreateDirectory(Path.Join(bundle, "config.json"));
        run = await bundles.RunAsync("run", "--bundle", bundle, id);
        Assert.Equal(1, run.Code);
        Assert.Contains("config.json is a directory", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task List_ShowsAll_AsTableAndAsJson()
    {
        Need();
        (string id, string bundle) = await bundles.CreateAsync("sleep 1000");
        string[] lines = (await bundles.RunAsync("list")).Output.Split('\n');
        Assert.StartsWith("ID ", lines[0], StringComparison.Ordinal);
        Assert.Contains(lines, line => line.StartsWith(id + " ", StringComparison.Ordinal) && line.Contains(bundle, StringComparison.Ordinal));
        JsonElement[] all = [.. JsonDocument.Parse((await bundles.RunAsync("list", "-f", "json")).Output).RootElement.EnumerateArray()];
        Assert.Contains(all, each => each.GetProperty("id").GetString() == id && each.GetProperty("status").GetString() == "created");
        Assert.Equal(0, (await bundles.RunAsync("delete", id)).Code);
    }

    [Fact]
    public async Task DeleteForce_OfNothing_IsFine_AndOfAHalfMadeOneToo()
    {
        Need();
        Assert.Equal(0, (await bundles.RunAsync("delete", "--force", "never-was")).Code);
        Assert.Equal(1, (await bundles.RunAsync("delete", "never-was")).Code);
        string half = Path.Join(bundles.Root, "half-made");
        Directory.CreateDirectory(half);
        Assert.Equal(0, (await bundles.RunAsync("delete", "--force", "half-made")).Code);
        Assert.False(Directory.Exists(half));
    }

    [Fact]
    public async Task Spec_WritesABundleThatRuns()
    {
        Need();
        string bundle = Directory.CreateDirectory(Path.Join(bundles.Directory, "fresh")).FullName;
        await Command.NeedAsync("cp", ["-al", bundles.Tree, Path.Join(bundle, "rootfs")]);
        Assert.Equal(0, (await bundles.RunAsync("spec", "--bundle", bundle)).Code);
        Assert.Contains("Remove it first", (await bundles.RunAsync("spec", "--bundle", bundle)).Errors, StringComparison.Ordinal);
        string path = Path.Join(bundle, "config.json");
        await File.WriteAllTextAsync(path, (await File.ReadAllTextAsync(path)).Replace("\"terminal\": true", "\"terminal\": false")
            .Replace("\"sh\"", "\"hostname\""));
        Completed run = await bundles.RunAsync("run", "--bundle", bundle, "fresh");
        Assert.Equal((0, "berth\n"), (run.Code, run.Output));
    }

    [Fact]
    public async Task Features_AreJson_AndNameWhatThereIs()
    {
        Need();
        JsonElement features = JsonDocument.Parse((await bundles.RunAsync("features")).Output).RootElement;
        Assert.Equal("1.3.0", features.GetProperty("ociVersionMax").GetString());
        Assert.Contains("time", features.GetProperty("linux").GetProperty("namespaces").EnumerateArray().Select(static each => each.GetString()));
        Assert.Equal(6, features.GetProperty("hooks").GetArrayLength());
        Assert.False(features.GetProperty("linux").GetProperty("intelRdt").GetProperty("enabled").GetBoolean());
    }

    [Theory]
    [InlineData(new[] { "checkpoint", "x" }, "checkpoint is not supported")]
    [InlineData(new[] { "restore", "x" }, "restore is not supported")]
    [InlineData(new[] { "create", "--unknown", "x" }, "flag provided but not defined: -unknown")]
    [InlineData(new[] { "start" }, "\"start\" requires exactly 1 argument(s)")]
    [InlineData(new[] { "kill", "never-was", "NONE" }, "unknown signal \"NONE\"")]
    public async Task WhatIsNotOffered_IsRefusedInWords(string[] arguments, string message)
    {
        Need();
        Completed refused = await bundles.RunAsync(arguments);
        Assert.Equal(1, refused.Code);
        Assert.Contains(message.Replace("\"", "\\\""), refused.Errors, StringComparison.Ordinal);
    }
}
