namespace Berth.RuntimeProgram.Tests.Callers;

/// <summary>The suite under our own engine with another runtime, and what the engine promises beside it.</summary>
public abstract class BerthCallerSuite(BerthCaller caller) : CallerSuite(caller)
{
    private async Task<string> RunAsync(string[] flags, params string[] script)
    {
        Need();
        Completed completed = await caller.DockerAsync(null,
            ["run", "--rm", "--runtime", BerthCaller.Name, .. flags, "berth-caller", .. script]);
        Assert.True(completed.Code == 0, completed.ToString());
        return completed.Output.Trim();
    }

    private async Task WithAsync(string[] flags, string[] arguments, Func<string, Task> body)
    {
        Need();
        string name = await caller.StartWithAsync(flags, arguments);
        try
        {
            await body(name);
        }
        finally
        {
            await caller.RemoveAsync(name);
        }
    }

    private Task<string> InspectAsync(string name, string format) => caller.NeedAsync("inspect", "-f", format, name);

    [Fact]
    public async Task Runtime_IsShownByInfoAndInspect()
    {
        Need();
        Assert.Contains($"\"{BerthCaller.Name}\"", await caller.NeedAsync("info", "-f", "{{json .Runtimes}}"), StringComparison.Ordinal);
        await WithAsync([], ["sleep", "1000"], async name =>
            Assert.Equal(BerthCaller.Name, (await InspectAsync(name, "{{.HostConfig.Runtime}}")).Trim()));
    }

    [Fact]
    public async Task Runtime_ThatIsNotConfigured_IsRefused()
    {
        Need();
        Completed completed = await caller.DockerAsync(null, ["run", "--rm", "--runtime", "nothing", "berth-caller", "true"]);
        Assert.Equal(125, completed.Code);
        Assert.Contains("unknown or invalid runtime name: nothing", completed.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Network_IsTheEngines() => Assert.Matches(
        "eth0", await RunAsync([], "/bin/sh", "-c", "cat /proc/net/dev && grep -q \"$(hostname)\" /etc/hosts"));

    [Fact]
    public async Task MemoryLimit_IsTheCgroups() => Assert.Equal((32 << 20).ToString(), await RunAsync(["--memory", "32m"],
        "/bin/sh", "-c", "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max"));

    [Fact]
    public async Task Privileged_MayMount_AlsoWhereTheHostLacksCapabilities() => await RunAsync(["--privileged"],
        "/bin/sh", "-c", "mkdir /m && mount -t tmpfs none /m && touch /m/x");

    [Fact]
    public async Task PathBeneathAVolume_IsMounted_AndNoLinkOnIt()
    {
        Need();
        string volume = $"beneath-{BerthCaller.Name}";
        await RunAsync(["-v", $"{volume}:/v"], "/bin/sh", "-c", "mkdir -p /v/a/b && echo deep > /v/a/b/f && ln -s / /v/a/l");
        try
        {
            Assert.Equal("deep", await RunAsync(["--mount", $"type=volume,src={volume},dst=/m,volume-subpath=a/b"], "cat", "/m/f"));
            Assert.Equal("deep", await RunAsync(["--mount", $"type=volume,src={volume},dst=/one,volume-subpath=a/b/f"], "cat", "/one"));
            foreach (string wrong in new[] { "a/l", "a/not" })
            {
                Completed refused = await caller.DockerAsync(null, ["run", "--rm", "--runtime", BerthCaller.Name, "--mount",
                    $"type=volume,src={volume},dst=/m,volume-subpath={wrong}", "berth-caller", "ls", "/m"]);
                Assert.True(refused.Code is 125 or 127 && refused.Output.Length == 0, refused.ToString());
            }
        }
        finally
        {
            await caller.NeedAsync("volume", "rm", "-f", volume);
        }
    }

    [Fact]
    public async Task DomainName_IsSet() => Assert.Equal("of.tests", await RunAsync(["--domainname", "of.tests"], "cat", "/proc/sys/kernel/domainname"));

    // Its mode could be changed from inside.
    [Fact]
    public async Task Input_ThatIsNotAskedFor_IsNotTheHostsNullDevice()
    {
        Assert.StartsWith("pipe:", await RunAsync([], "readlink", "/proc/self/fd/0"), StringComparison.Ordinal);
        await WithAsync([], ["sleep", "1000"], async name => Assert.StartsWith(
            "pipe:", await caller.NeedAsync("exec", name, "readlink", "/proc/self/fd/0"), StringComparison.Ordinal));
    }

    [Fact]
    public async Task Init_IsProcess1_AndPassesTheExitCodeOn()
    {
        Need();
        Completed completed = await caller.DockerAsync(null, ["run", "--rm", "--runtime", BerthCaller.Name, "--init", "berth-caller",
            "/bin/sh", "-c", "cat /proc/1/comm; cat /proc/$$/comm; exit 3"]);
        Assert.Equal((3, "init\nsh\n"), (completed.Code, completed.Output));
    }

    [Fact]
    public Task Init_ForwardsSignals() => WithAsync(["--init"],
        ["/bin/sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.1; done"],
        async name =>
        {
            await Command.UntilAsync("it is ready", async () =>
                (await caller.NeedAsync("logs", name)).Contains("ready", StringComparison.Ordinal));
            await caller.KillAsync(name, "SIGTERM");
            Assert.Equal(9, await caller.WaitAsync(name));
        });

    [Fact]
    public Task Logs_KeepWhatItWrote() => WithAsync([], ["/bin/sh", "-c", "echo out; echo err >&2"], async name =>
    {
        Assert.Equal(0, await caller.WaitAsync(name));
        Completed logs = await caller.DockerAsync(null, ["logs", name]);
        Assert.Equal(("out\n", "err\n"), (logs.Output, logs.Errors));
    });

    [Fact]
    public Task Stop_EndsIt_AndStartBeginsAgain() => WithAsync([],
        ["/bin/sh", "-c", "trap 'exit 5' TERM; echo run; while :; do sleep 0.1; done"],
        async name =>
        {
            async Task RunsAsync(int times) => await Command.UntilAsync($"it ran {times} times", async () =>
                (await caller.NeedAsync("logs", name)).Split("run").Length == times + 1);
            await RunsAsync(1);
            await caller.NeedAsync("stop", name);
            Assert.Equal("5", (await InspectAsync(name, "{{.State.ExitCode}}")).Trim());
            await caller.NeedAsync("start", name);
            await RunsAsync(2);
            await caller.NeedAsync("restart", name);
            await RunsAsync(3);
        });

    [Fact]
    public Task HealthCheck_RunsInside() => WithAsync(
        ["--health-cmd", "test -d /proc/1", "--health-interval", "100ms"], ["sleep", "1000"],
        name => Command.UntilAsync("it is healthy", async () => (await InspectAsync(name, "{{.State.Health.Status}}")).Trim() == "healthy"));

    [Fact]
    public Task Update_ReachesTheCgroup() => WithAsync(["--memory", "64m"], ["sleep", "1000"], async name =>
    {
        await caller.NeedAsync("update", "--memory", "48m", "--memory-swap", "48m", name);
        Assert.Equal((48 << 20).ToString(), (await caller.NeedAsync("exec", name, "/bin/sh", "-c",
            "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max")).Trim());
    });

    [Fact]
    public Task Top_ListsItsProcesses() => WithAsync([], ["sleep", "1000"], async name =>
    {
        // A runtime's "start" may return before the program is executed.
        await Caller.ExecutesAsync(name, "sleep");
        Assert.Contains("sleep 1000", await caller.NeedAsync("top", name), StringComparison.Ordinal);
    });

    [Fact]
    public Task Root_IsMountedWhereTheHostDoesNotSeeIt() => WithAsync([], ["sleep", "1000"], async name =>
    {
        string id = (await InspectAsync(name, "{{.Id}}")).Trim();
        Assert.Contains(id, await File.ReadAllTextAsync($"/proc/{await caller.PidAsync(name)}/mountinfo"), StringComparison.Ordinal);
        Assert.DoesNotContain(id, await File.ReadAllTextAsync("/proc/self/mountinfo"), StringComparison.Ordinal);
    });

    [Fact]
    public Task Removal_LeavesNoRunDirectory() => WithAsync([], ["true"], async name =>
    {
        string directory = caller.RunDirectory((await InspectAsync(name, "{{.Id}}")).Trim());
        await caller.WaitAsync(name);
        await Command.UntilAsync($"{directory} is gone", () => Task.FromResult(!Directory.Exists(directory)));
    });

    [Fact]
    public Task Engine_ThatWasKilled_IsFollowedByOneThatTakesOver() => WithAsync([],
        ["/bin/sh", "-c", "trap 'exit 6' TERM; i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done"], async name =>
        {
            int pid = await caller.PidAsync(name);
            await caller.ReplaceDaemonAsync();
            Assert.Equal(pid, await caller.PidAsync(name));
            Assert.Equal("inside", (await caller.NeedAsync("exec", name, "echo", "inside")).Trim());
            await caller.NeedAsync("stop", name);
            Assert.Equal("6", (await InspectAsync(name, "{{.State.ExitCode}}")).Trim());
            string[] lines = (await caller.NeedAsync("logs", name)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal(Enumerable.Range(1, lines.Length).Select(static number => number.ToString()), lines);
        });

    [Fact]
    public Task Monitor_ThatIsKilled_TakesItsContainerAlong() => WithAsync([], ["sleep", "1000"], async name =>
    {
        int pid = await caller.PidAsync(name);
        string directory = caller.RunDirectory((await InspectAsync(name, "{{.Id}}")).Trim());
        string parent = File.ReadLines($"/proc/{pid}/status")
            .First(static line => line.StartsWith("PPid:", StringComparison.Ordinal))[5..].Trim();
        Assert.Equal("berth-monitor", (await File.ReadAllTextAsync($"/proc/{parent}/comm")).Trim());
        await Command.NeedAsync("kill", ["-KILL", parent]);
        Assert.Equal(137, await caller.WaitAsync(name));
        await Command.UntilAsync("nothing of it is left",
            () => Task.FromResult(!Directory.Exists($"/proc/{pid}") && !Directory.Exists(directory)));
    });

    [Fact]
    public Task End_WhileNoEngineRuns_IsKnownToTheNext() => WithAsync([],
        ["/bin/sh", "-c", "until [ -e /go ]; do sleep 0.05; done; exit 8"],
        async name =>
        {
            int pid = await caller.PidAsync(name);
            await caller.ReplaceDaemonAsync(async () =>
            {
                await File.WriteAllTextAsync($"/proc/{pid}/root/go", "");
                await Command.UntilAsync("it has ended", () => Task.FromResult(!Directory.Exists($"/proc/{pid}")));
            });
            // Its monitor may have reaped it just before, and say so just now.
            Assert.Equal(8, await caller.WaitAsync(name));
            Assert.Equal("exited 8", (await InspectAsync(name, "{{.State.Status}} {{.State.ExitCode}}")).Trim());
        });
}

/// <summary>The suite under our engine with runc.</summary>
public sealed class BerthRuncSuite(BerthWithRunc caller) : BerthCallerSuite(caller), IClassFixture<BerthWithRunc>;

/// <summary>The suite under our engine with crun.</summary>
public sealed class BerthCrunSuite(BerthWithCrun caller) : BerthCallerSuite(caller), IClassFixture<BerthWithCrun>;

/// <summary>The suite under our engine with <c>berth-runtime</c> as the other runtime.</summary>
public sealed class BerthBerthSuite(BerthWithBerthRuntime caller) : BerthCallerSuite(caller), IClassFixture<BerthWithBerthRuntime>;
