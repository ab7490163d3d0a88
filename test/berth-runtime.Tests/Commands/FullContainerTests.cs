using Berth.Oci.Runtime;

namespace Berth.RuntimeProgram.Tests.Commands;

/// <summary><c>exec</c> in containers that have as many processes as they may have, on version 1's trees; version 2's is tested in the
/// emulated machine.</summary>
public sealed class FullContainerTests(BundleFixture bundles) : IClassFixture<BundleFixture>
{
    private const string Pids = "/sys/fs/cgroup/pids";

    private static void Need() =>
        Assert.SkipUnless(Command.Missing is null && Directory.Exists(Pids), Command.Missing ?? "no version 1 tree counts processes");

    private async Task<string> StartAsync(Func<RuntimeSpec, RuntimeSpec> change)
    {
        (string id, _) = await bundles.CreateAsync("exec sleep 1000", change);
        Completed started = await bundles.RunAsync("start", id);
        Assert.True(started.Code == 0, started.ToString());
        return id;
    }

    private static RuntimeSpec Limited(RuntimeSpec spec, long limit) => spec with
    {
        Linux = spec.Linux! with { Resources = new LinuxResources { Pids = new PidsLimits { Limit = limit } } },
    };

    private static RuntimeSpec Mapped(RuntimeSpec spec)
    {
        IdMapping[] maps = [new IdMapping { ContainerID = 0, HostID = 200000, Size = 65536 }];
        return spec with
        {
            Linux = spec.Linux! with
            {
                Namespaces = [.. spec.Linux!.Namespaces!, new NamespaceSpec { Type = "user" }], UidMappings = maps, GidMappings = maps,
            },
        };
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, false)]
    [InlineData(1, true)]
    [InlineData(2, true)]
    public async Task Exec_AtTheLimitOfTheGroup_RunsAndCountsThere(int limit, bool isMapped)
    {
        Need();
        string id = await StartAsync(spec => isMapped ? Mapped(Limited(spec, limit)) : Limited(spec, limit));
        Assert.Equal("hi\n", (await bundles.RunAsync("exec", id, "echo", "hi")).Output);
        string file = Path.Join(bundles.Directory, $"pid-{id}");
        Completed made = await Command.RunAsync("/bin/sh", ["-c", "exec \"$0\" \"$@\" </dev/null >/dev/null 2>&1", Command.Runtime,
            "--root", bundles.Root, "exec", "--detach", "--pid-file", file, id, "/bin/sleep", "500"]);
        Assert.True(made.Code == 0, made.ToString());
        string group = $"{Pids}{bundles.Cgroup}/{id}";
        Assert.Contains(await File.ReadAllTextAsync(file), (await File.ReadAllTextAsync($"{group}/cgroup.procs")).Split('\n'));
        // Of those that made it, none is left.
        await Command.UntilAsync("two processes count", async () => await File.ReadAllTextAsync($"{group}/pids.current") == "2\n");
        Assert.Equal($"{limit}\n", await File.ReadAllTextAsync($"{group}/pids.max"));
    }

    [Fact]
    public async Task Exec_InAFullGroup_StartsInsideIt()
    {
        Need();
        string id = await StartAsync(static spec => Limited(spec, 1));
        // Only while the program runs: what it was before is not asked.
        Completed run = await bundles.RunAsync("exec", id, "cat", "/proc/self/cgroup");
        Assert.Contains(":pids:/\n", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(2, true)]
    public async Task Exec_AtTheUsersLimit_RunsAndHasIt(int limit, bool isMapped)
    {
        Need();
        uint user = 4000 + (uint)limit;
        string id = await StartAsync(spec =>
        {
            RuntimeSpec changed = isMapped ? Mapped(spec) : spec;
            return changed with
            {
                Process = changed.Process! with
                {
                    User = new UserSpec { Uid = user, Gid = 5 },
                    Rlimits = [new RlimitSpec { Type = "RLIMIT_NPROC", Soft = (ulong)limit, Hard = (ulong)limit }],
                },
            };
        });
        Completed run = await bundles.RunAsync("exec", id, "grep", "processes", "/proc/self/limits");
        Assert.True(run.Code == 0, run.ToString());
        Assert.Equal([$"{limit}", $"{limit}"], run.Output.Split(' ', StringSplitOptions.RemoveEmptyEntries)[2..4]);
    }

    [Fact]
    public async Task Exec_WhereOthersMayTrace_IsNotMadeOutsideTheGroup()
    {
        Need();
        string id = await StartAsync(static spec =>
        {
            string[] capabilities = [.. spec.Process!.Capabilities!.Bounding!, "CAP_SYS_PTRACE"];
            return Limited(spec, 1) with
            {
                Process = spec.Process with
                {
                    Capabilities = new CapabilitiesSpec { Bounding = capabilities, Effective = capabilities, Permitted = capabilities },
                },
            };
        });
        await RefusedAsync("exec", id, "true");
        // Of less than the container's own processes: those are who would trace.
        string process = Path.Join(bundles.Directory, $"process-{id}.json");
        await File.WriteAllTextAsync(process, """{"args":["/bin/true"],"cwd":"/","user":{"uid":0,"gid":0},"capabilities":{}}""");
        await RefusedAsync("exec", "--process", process, id);
    }

    [Fact]
    public async Task Exec_WhereProcessesAreShared_IsNotMadeOutsideTheGroup()
    {
        Need();
        string id = await StartAsync(static spec => Limited(spec, 1) with
        {
            Linux = Limited(spec, 1).Linux! with { Namespaces = [.. spec.Linux!.Namespaces!.Where(static each => each.Type != "pid")] },
        });
        await RefusedAsync("exec", id, "true");
    }

    private async Task RefusedAsync(params string[] arguments)
    {
        Completed run = await bundles.RunAsync(arguments);
        Assert.Equal(255, run.Code);
        Assert.Contains("clone: resource temporarily unavailable", run.Errors, StringComparison.Ordinal);
    }
}
