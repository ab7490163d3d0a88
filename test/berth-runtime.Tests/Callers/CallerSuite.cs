namespace Berth.RuntimeProgram.Tests.Callers;

/// <summary>What everybody's containers must do, whoever calls the runtime. One derived class for each caller.</summary>
public abstract class CallerSuite(Caller caller)
{
    private static readonly CallerOptions s_plain = new();

    protected Caller Caller => caller;

    protected void Need()
    {
        if (caller.Missing is { } missing)
            Assert.Skip(missing);
    }

    private async Task<Completed> RunAsync(CallerOptions options, string script)
    {
        Need();
        return await caller.RunAsync(options, "/bin/sh", "-c", script);
    }

    private async Task<string> OutputAsync(CallerOptions options, string script)
    {
        Completed completed = await RunAsync(options, script);
        Assert.True(completed.Code == 0, completed.ToString());
        return completed.Output.Trim();
    }

    [Fact]
    public async Task Output_Arrives() => Assert.Equal("hello", await OutputAsync(s_plain, "echo hello"));

    [Fact]
    public async Task Errors_ArriveApart()
    {
        Completed completed = await RunAsync(s_plain, "echo out; echo err >&2");
        Assert.Equal("out", completed.Output.Trim());
        Assert.Contains("err", completed.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ExitCode_IsTheProgrammes() => Assert.Equal(42, (await RunAsync(s_plain, "exit 42")).Code);

    [Fact]
    public async Task Signal_IsInTheExitCode() => Assert.Equal(128 + 9, (await RunAsync(s_plain, "sh -c 'kill -9 $$'; exit $?")).Code);

    [Fact]
    public async Task Input_ReachesTheProgram() =>
        Assert.Equal("typed text", await OutputAsync(s_plain with { Input = "typed text\n" }, caller.EndsInput ? "cat" : "head -n 1"));

    [Fact]
    public async Task MuchOutput_IsComplete()
    {
        const int lines = 100_000;
        string output = await OutputAsync(s_plain, $"seq {lines}");
        Assert.Equal(Enumerable.Range(1, lines).Select(static line => line.ToString()), output.Split('\n').Select(static line => line.Trim()));
    }

    [Fact]
    public async Task MissingProgram_IsSaidInRuncsWords()
    {
        Need();
        Completed completed = await caller.RunAsync(s_plain, "no-such-program");
        Assert.NotEqual(0, completed.Code);
        Assert.Contains(caller.MissingProgramWords, completed.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FileThatIsNoProgram_IsRefused()
    {
        Need();
        Completed completed = await caller.RunAsync(s_plain, "/etc/plain");
        Assert.NotEqual(0, completed.Code);
        Assert.Contains("permission denied", completed.Errors, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task User_AndGroup_AreTaken()
    {
        Assert.SkipUnless(caller.SetsUser, "this caller runs as the image's user only");
        string id = await OutputAsync(s_plain with { User = "1000:1000" }, "id -u; id -g");
        Assert.Equal(["1000", "1000"], id.Split('\n'));
    }

    [Fact]
    public async Task Directory_IsWhereItStarts() => Assert.Equal("/etc", await OutputAsync(s_plain with { Directory = "/etc" }, "pwd"));

    [Fact]
    public async Task Variable_IsInTheEnvironment() =>
        Assert.Equal("of the sea", await OutputAsync(s_plain with { Variable = "BERTH=of the sea" }, "echo $BERTH"));

    [Fact]
    public async Task FirstProcess_IsProcess1_AndSeesNoOther() =>
        Assert.Equal("1", await OutputAsync(s_plain, "ls /proc | grep -c '^[0-9]*$' >/dev/null; ls -d /proc/[0-9]* | grep -c '/1$'"));

    [Fact]
    public async Task Namespaces_AreNotTheHosts()
    {
        string[] names = ["mnt", "pid", "ipc", "uts"];
        string inside = await OutputAsync(s_plain, $"for n in {string.Join(' ', names)}; do readlink /proc/self/ns/$n; done");
        foreach (string name in names)
            Assert.DoesNotContain(new FileInfo($"/proc/self/ns/{name}").LinkTarget!, inside, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Descriptors_AreTheStreamsOnly()
    {
        // The listing opens one itself.
        Assert.Equal("0 1 2 3", (await OutputAsync(s_plain, "echo $(ls /proc/self/fd)")).Trim());
    }

    [Fact]
    public async Task Devices_AreThere() => Assert.Equal("null zero full random urandom tty", await OutputAsync(
        s_plain, "for d in null zero full random urandom tty; do [ -c /dev/$d ] && r=\"$r $d\"; done; echo ${r# }"));

    [Fact]
    public async Task NullDevice_Works() =>
        Assert.Equal("0 4", await OutputAsync(s_plain, "echo x >/dev/null; a=$(cat /dev/null | wc -c); b=$(head -c 4 /dev/zero | wc -c); echo $a $b"));

    [Fact]
    public async Task KernelMemory_IsHidden() => Assert.Equal("0", await OutputAsync(s_plain, "cat /proc/kcore 2>/dev/null | wc -c"));

    [Fact]
    public async Task KernelParameters_CannotBeWritten() =>
        Assert.NotEqual(0, (await RunAsync(s_plain, "echo 1 > /proc/sys/kernel/panic")).Code);

    [Fact]
    public async Task Capabilities_CanBeDropped()
    {
        Assert.Equal(0, (await RunAsync(s_plain, "touch /f && chown 5 /f 2>/dev/null || busybox chown 5 /f")).Code);
        Assert.NotEqual(0, (await RunAsync(s_plain with { NoCapabilities = true }, "touch /f && busybox chown 5 /f")).Code);
    }

    [Fact]
    public async Task Filter_IsInForce_OrWasNotAskedFor()
    {
        string mode = await OutputAsync(s_plain, "grep '^Seccomp:' /proc/self/status | awk '{print $2}'");
        // containerd's command line sets none unless asked.
        Assert.Equal(caller is ContainerdCaller ? "0" : "2", mode);
    }

    [Fact]
    public async Task Volume_IsReadAndWritten()
    {
        Need();
        string directory = System.IO.Directory.CreateTempSubdirectory("berth-volume-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Join(directory, "given"), "from outside\n");
            string output = await OutputAsync(s_plain with { Volume = (directory, "/v", false) }, "cat /v/given; echo inside > /v/made");
            Assert.Equal("from outside", output);
            Assert.Equal("inside\n", await File.ReadAllTextAsync(Path.Join(directory, "made")));
            Assert.NotEqual(0, (await RunAsync(s_plain with { Volume = (directory, "/v", true) }, "echo x > /v/made")).Code);
        }
        finally
        {
            System.IO.Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public async Task Terminal_IsOne()
    {
        Completed completed = await RunAsync(s_plain with { Terminal = true }, "[ -t 0 ] && [ -t 1 ] && echo $((6 * 7))");
        // One more carriage return for each terminal on the way.
        Assert.Matches("42\r+\n", completed.Output);
    }

    private async Task WithAsync(Func<string, Task> body, params string[] arguments)
    {
        Need();
        Assert.SkipUnless(caller.HasLifecycle, "this caller has no containers that go on");
        string name = await caller.StartAsync(arguments);
        try
        {
            await body(name);
        }
        finally
        {
            await caller.RemoveAsync(name);
        }
    }

    [Fact]
    public Task Exec_JoinsTheContainer() => WithAsync(async name =>
    {
        await caller.ExecutesAsync(name, "sleep");
        Completed completed = await caller.ExecAsync(name, s_plain, "/bin/sh", "-c", "readlink /proc/1/ns/mnt; readlink /proc/self/ns/mnt; cat /proc/1/comm; exit 7");
        string[] lines = completed.Output.Split('\n');
        Assert.Equal(7, completed.Code);
        Assert.Equal(lines[0], lines[1]);
        Assert.Equal("sleep", lines[2]);
    }, "sleep", "1000");

    [Fact]
    public Task Exec_TakesInput() => WithAsync(async name =>
        Assert.Equal("in and out", (await caller.ExecAsync(name, s_plain with { Input = "in and out" }, "cat")).Output), "sleep", "1000");

    [Fact]
    public Task Exec_HasATerminalIfAsked() => WithAsync(async name =>
    {
        Completed completed = await caller.ExecAsync(name, s_plain with { Terminal = true }, "/bin/sh", "-c", "[ -t 1 ] && echo $((6 * 7))");
        // One more carriage return for each terminal on the way.
        Assert.Matches("42\r+\n", completed.Output);
    }, "sleep", "1000");

    [Fact]
    public Task Exec_OfNothing_IsSaidInRuncsWords() => WithAsync(async name =>
    {
        Completed completed = await caller.ExecAsync(name, s_plain, "no-such-program");
        Assert.NotEqual(0, completed.Code);
        Assert.Contains(caller.MissingProgramWords, completed.Output + completed.Errors, StringComparison.Ordinal);
    }, "sleep", "1000");

    [Fact]
    public Task Freeze_StopsAndGoesOn() => WithAsync(async name =>
    {
        int pid = await caller.PidAsync(name);
        await caller.FreezeAsync(name, frozen: true);
        Assert.Equal("FROZEN", FreezerState(pid));
        await caller.FreezeAsync(name, frozen: false);
        Assert.Equal("THAWED", FreezerState(pid));
    }, "sleep", "1000");

    private static string FreezerState(int pid)
    {
        string line = File.ReadLines($"/proc/{pid}/cgroup").First(static line => line.Split(':')[1] is "freezer" or "");
        string path = line.Split(':', 3)[2];
        return File.Exists($"/sys/fs/cgroup/freezer{path}/freezer.state")
            ? File.ReadAllText($"/sys/fs/cgroup/freezer{path}/freezer.state").Trim()
            : File.ReadAllText($"/sys/fs/cgroup{path}/cgroup.freeze").Trim() == "1" ? "FROZEN" : "THAWED";
    }

    [Fact]
    public Task Kill_IsInTheExitCode() => WithAsync(async name =>
    {
        await caller.KillAsync(name, "SIGKILL");
        Assert.Equal(137, await caller.WaitAsync(name));
    }, "sleep", "1000");

    [Fact]
    public Task Signal_ReachesTheProgram() => WithAsync(async name =>
    {
        int pid = await caller.PidAsync(name);
        // The handler must be in place: bit 14 of the caught signals is SIGTERM. A runtime written in Go catches it before, too.
        await caller.ExecutesAsync(name, "sh");
        await Command.UntilAsync("the program catches SIGTERM", () => Task.FromResult(Catches(pid, signal: 15)));
        await caller.KillAsync(name, "SIGTERM");
        Assert.Equal(9, await caller.WaitAsync(name));
    }, "/bin/sh", "-c", "trap 'exit 9' TERM; while :; do sleep 0.1; done");

    private static bool Catches(int pid, int signal)
    {
        string line = File.ReadLines($"/proc/{pid}/status").First(static line => line.StartsWith("SigCgt:", StringComparison.Ordinal));
        return (Convert.ToUInt64(line[7..].Trim(), 16) >> (signal - 1) & 1) != 0;
    }

    [Fact]
    public Task Removal_LeavesNoCgroup() => WithAsync(async name =>
    {
        int pid = await caller.PidAsync(name);
        string path = File.ReadLines($"/proc/{pid}/cgroup").First(static line => line.Split(':')[1] is "memory" or "").Split(':', 3)[2];
        string directory = Directory.Exists($"/sys/fs/cgroup/memory{path}") ? $"/sys/fs/cgroup/memory{path}" : $"/sys/fs/cgroup{path}";
        Assert.True(Directory.Exists(directory), directory);
        await caller.KillAsync(name, "SIGKILL");
        await caller.WaitAsync(name);
        await Command.UntilAsync($"{directory} is gone", () => Task.FromResult(!Directory.Exists(directory)));
    }, "sleep", "1000");
}

/// <summary>The suite under Docker.</summary>
public sealed class DockerSuite(DockerCaller caller) : CallerSuite(caller), IClassFixture<DockerCaller>
{
    private async Task<Completed> RunAsync(CallerOptions options, string script)
    {
        Need();
        return await Caller.RunAsync(options, "/bin/sh", "-c", script);
    }

    [Fact]
    public async Task MemoryLimit_IsTheCgroups() => Assert.Equal((32 << 20).ToString(), (await RunAsync(
        new CallerOptions { Memory = "32m" }, "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max")).Output.Trim());

    [Fact]
    public async Task ReadOnlyRoot_TakesNothing() => Assert.NotEqual(0, (await RunAsync(new CallerOptions { ReadOnly = true }, "touch /x")).Code);

    [Fact]
    public async Task Privileged_MayMount() => Assert.Equal(0, (await RunAsync(
        new CallerOptions { Privileged = true }, "mkdir /m && mount -t tmpfs none /m && touch /m/x")).Code);
}

/// <summary>The suite under Podman.</summary>
public sealed class PodmanSuite(PodmanCaller caller) : CallerSuite(caller), IClassFixture<PodmanCaller>
{
    private async Task<Completed> RunAsync(CallerOptions options, string script)
    {
        Need();
        return await Caller.RunAsync(options, "/bin/sh", "-c", script);
    }

    [Fact]
    public async Task ReadOnlyRoot_TakesNothing() => Assert.NotEqual(0, (await RunAsync(new CallerOptions { ReadOnly = true }, "touch /x")).Code);

    [Fact]
    public async Task Privileged_MayMount() => Assert.Equal(0, (await RunAsync(
        new CallerOptions { Privileged = true }, "mkdir /m && mount -t tmpfs none /m && touch /m/x")).Code);
}

/// <summary>The suite under containerd's own command line.</summary>
public sealed class ContainerdSuite(ContainerdCaller caller) : CallerSuite(caller), IClassFixture<ContainerdCaller>
{
    [Fact]
    public async Task ReadOnlyRoot_TakesNothing()
    {
        Need();
        Assert.NotEqual(0, (await Caller.RunAsync(new CallerOptions { ReadOnly = true }, "/bin/sh", "-c", "touch /x")).Code);
    }
}

/// <summary>The suite under Buildah.</summary>
public sealed class BuildahSuite(BuildahCaller caller) : CallerSuite(caller), IClassFixture<BuildahCaller>
{
    [Fact]
    public async Task Build_RunsItsSteps()
    {
        Need();
        Completed completed = await caller.BuildAsync(
            $"FROM {ContainersStorage.Image}\nRUN echo one > /one\nRUN [ \"$(cat /one)\" = one ] && echo seen-$(id -u)\n");
        Assert.True(completed.Code == 0, completed.ToString());
        Assert.Contains("seen-0", completed.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Build_FailsWithItsStep()
    {
        Need();
        Assert.NotEqual(0, (await caller.BuildAsync($"FROM {ContainersStorage.Image}\nRUN exit 3\n")).Code);
    }
}
