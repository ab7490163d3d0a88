using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Berth.Faults;
using Berth.Oci.Runtime;
using Berth.Runtime.Cgroups;
using Berth.Runtime.Defaults;

namespace Berth.Runtime.Tests.Containers;

/// <summary>Streams, terminals, further processes, logs, other engines.</summary>
public sealed class LifecycleTests(ContainerFixture fixture) : IClassFixture<ContainerFixture>
{
    private const string Needs = "root, /bin/busybox and out/bin/berth-runtime are needed";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private async Task WithAsync(ContainerRequest request, Func<IContainer, Task> body)
    {
        await using IContainer container = await fixture.Runtime.CreateAsync(request, Cancel);
        try
        {
            await body(container);
        }
        finally
        {
            await container.DeleteAsync(CancellationToken.None);
        }
        Assert.False(Directory.Exists(request.RunDirectory));
    }

    private void Skip() => Assert.SkipUnless(fixture.IsUsable, Needs);

    [Fact]
    public async Task Input_TenMegabytesWithHalfClose_ComesBackWhole()
    {
        Skip();
        ContainerRequest request = fixture.Request(["/bin/sha256sum"]) with { OpenStdin = true, StdinOnce = true };
        await WithAsync(request, async container =>
        {
            await using IContainerStreams streams = await container.AttachAsync(stdin: true, Cancel);
            await container.StartAsync(Cancel);
            byte[] bytes = RandomNumberGenerator.GetBytes(10 << 20);
            Assert.True(await streams.WriteAsync(bytes, Cancel));
            await streams.CloseInputAsync();
            (string output, _) = await ContainerFixture.ReadAllAsync(streams, Cancel);
            Assert.StartsWith(Convert.ToHexStringLower(SHA256.HashData(bytes)), output);
            Assert.Equal(0, (await container.Exited.WaitAsync(Cancel)).Code);
        });
    }

    [Fact]
    public async Task Signal_EndsTheProcess_With128Plus()
    {
        Skip();
        await WithAsync(fixture.Request("sleep 100 & wait"), async container =>
        {
            await container.StartAsync(Cancel);
            Assert.True(container.TrySignal(9));
            Assert.Equal(137, (await container.Exited.WaitAsync(Cancel)).Code);
            Assert.False(container.TrySignal(9));
        });
    }

    [Fact]
    public async Task Terminal_HasItsSizeAndIsResized()
    {
        Skip();
        ContainerRequest request = fixture.Request(
            "tty; stty size; read x; stty size; exit 5",
            spec => spec with
            {
                Process = spec.Process! with { Terminal = true, ConsoleSize = new ConsoleSize { Height = 24, Width = 80 } },
            }) with { OpenStdin = true };
        await WithAsync(request, async container =>
        {
            await using IContainerStreams streams = await container.AttachAsync(stdin: true, Cancel);
            await container.StartAsync(Cancel);
            await container.ResizeAsync(50, 132, Cancel);
            Assert.True(await streams.WriteAsync("\n"u8.ToArray(), Cancel));
            (string output, _) = await ContainerFixture.ReadAllAsync(streams, Cancel);
            Assert.Contains("/dev/pts/0", output);
            Assert.Contains("50 132", output);
            Assert.Equal(5, (await container.Exited.WaitAsync(Cancel)).Code);
        });
    }

    [Fact]
    public async Task Exec_HasItsUserDirectoryStreamsAndCode()
    {
        Skip();
        await WithAsync(fixture.Request("sleep 100"), async container =>
        {
            await container.StartAsync(Cancel);
            ProcessSpec process = ContainerFixture.Process("/bin/sh", "-c", "id -u; pwd; hostname; cat; echo e >&2; exit 7") with
            {
                User = new UserSpec { Uid = 1000, Gid = 1000 }, Cwd = "/tmp",
                Capabilities = DefaultSpec.CapabilitiesFor(DefaultSpec.CapabilityNames, 1000),
            };
            await using IExecProcess exec = await container.ExecAsync(
                new ExecRequest { Id = fixture.NewId(), Process = process, Stdin = true }, Cancel);
            Assert.True(await exec.Streams!.WriteAsync("in"u8.ToArray(), Cancel));
            await exec.Streams.CloseInputAsync();
            (string output, string error) = await ContainerFixture.ReadAllAsync(exec.Streams, Cancel);
            Assert.Equal("1000\n/tmp\nberth-test\nin", output);
            Assert.Equal("e\n", error);
            Assert.Equal(7, await exec.Exited.WaitAsync(Cancel));
        });
    }

    [Fact]
    public async Task Exec_WithTerminal_GetsOneOfTheContainer()
    {
        Skip();
        await WithAsync(fixture.Request("sleep 100"), async container =>
        {
            await container.StartAsync(Cancel);
            ProcessSpec process = ContainerFixture.Process("/bin/tty") with { Terminal = true };
            await using IExecProcess exec = await container.ExecAsync(
                new ExecRequest { Id = fixture.NewId(), Process = process, Stdin = true }, Cancel);
            (string output, _) = await ContainerFixture.ReadAllAsync(exec.Streams!, Cancel);
            Assert.Equal("/dev/pts/0\r\n", output);
            Assert.Equal(0, await exec.Exited.WaitAsync(Cancel));
        });
    }

    [Fact]
    public async Task Exec_OfNothing_IsNotFound()
    {
        Skip();
        await WithAsync(fixture.Request("sleep 100"), async container =>
        {
            await container.StartAsync(Cancel);
            FaultException fault = await Assert.ThrowsAsync<FaultException>(() => container.ExecAsync(
                new ExecRequest { Id = fixture.NewId(), Process = ContainerFixture.Process("foo") }, Cancel));
            Assert.Equal(FaultKind.NotFound, fault.Kind);
        });
    }

    [Fact]
    public async Task Reattach_ByAnotherEngine_KnowsItRunningAndEnded()
    {
        Skip();
        ContainerRequest request = fixture.Request("echo hello; sleep 100");
        IContainer first = await fixture.Runtime.CreateAsync(request, Cancel);
        await first.StartAsync(Cancel);
        using ContainerRuntime other = new(new RuntimeOptions { RuntimeBinary = fixture.Binary });
        IContainer second = Assert.IsType<IContainer>(
            await other.ReattachAsync(request.Id, request.RunDirectory, Cancel), exactMatch: false);
        Assert.Equal(first.Pid, second.Pid);
        Assert.NotNull(second.StartedAt);
        Assert.True(second.TrySignal(15) && second.TrySignal(9));
        Assert.Equal(137, (await second.Exited.WaitAsync(Cancel)).Code);
        await first.Exited.WaitAsync(Cancel);
        IContainer? third = await other.ReattachAsync(request.Id, request.RunDirectory, Cancel);
        Assert.Equal(137, (await third!.Exited.WaitAsync(Cancel)).Code);
        await third.DeleteAsync(Cancel);
        Assert.Null(await other.ReattachAsync(request.Id, request.RunDirectory, Cancel));
        await first.DisposeAsync();
        await second.DisposeAsync();
    }

    [Fact]
    public async Task Log_IsDockersJson_AndRotates()
    {
        Skip();
        ContainerRequest request = fixture.Request(
            "printf 'a\"<\\t\\377\\n'; echo e >&2; printf tail; i=0; while [ $i -lt 200 ]; do echo $i; i=$((i+1)); done");
        string path = request.Log!.Path;
        Outcome outcome = await fixture.RunAsync(request with { Log = new LogFile(path, 4096, 3) }, Cancel);
        Assert.Equal(0, outcome.Code);
        Assert.True(File.Exists(path + ".1") && File.Exists(path + ".2") && !File.Exists(path + ".3"));
        Assert.InRange(new FileInfo(path + ".1").Length, 4096, 4300);
        foreach (string line in File.ReadLines(path + ".2").Concat(File.ReadLines(path + ".1")).Concat(File.ReadLines(path)))
        {
            using JsonDocument document = JsonDocument.Parse(line);
            Assert.True(document.RootElement.GetProperty("time").TryGetDateTimeOffset(out _));
        }
    }

    [Fact]
    public async Task Log_OfOddBytes_IsEscapedAsDockerDoes()
    {
        Skip();
        ContainerRequest request = fixture.Request("printf 'a\"<\\t\\377\\303\\274\\nend'");
        await fixture.RunAsync(request, Cancel);
        string[] lines = File.ReadAllLines(request.Log!.Path, Encoding.UTF8);
        Assert.StartsWith("{\"log\":\"a\\\"\\u003c\\u0009\\ufffdü\\n\",\"stream\":\"stdout\",\"time\":\"", lines[0]);
        Assert.StartsWith("{\"log\":\"end\",\"stream\":\"stdout\",\"time\":\"", lines[1]);
    }

    [Fact]
    public async Task Init_ReapsOrphansAndForwards()
    {
        Skip();
        // A zombie keeps its directory until it is reaped.
        ContainerRequest request = fixture.Request(
            "(sh -c 'echo $$ > /orphan' & ); i=0; until [ -s /orphan ]; do sleep 0.01; done; "
            + "while [ -e /proc/$(cat /orphan) ] && [ $i -lt 3000 ]; do i=$((i+1)); sleep 0.01; done; "
            + "[ -e /proc/$(cat /orphan) ] && echo left; exit 9") with { Init = true };
        Outcome outcome = await fixture.RunAsync(request, Cancel);
        Assert.Equal(("", 9), (outcome.Output, outcome.Code));
    }

    [Fact]
    public async Task Overlay_OfTwoHundredLayers_Mounts()
    {
        Skip();
        ContainerRequest request = fixture.Request("cat /n0 /n199");
        List<string> layers = [];
        for (int i = 0; i < 200; i++)
        {
            string layer = Path.Join(fixture.Root, $"a-layer-with-a-rather-long-name-{fixture.NewId()}-{i}");
            Directory.CreateDirectory(layer);
            File.WriteAllText(Path.Join(layer, $"n{i}"), $"{i}\n");
            layers.Add(layer);
        }
        Outcome outcome = await fixture.RunAsync(
            request with { Overlay = request.Overlay! with { Lower = [.. layers, fixture.Layer] } }, Cancel);
        Assert.Equal("0\n199\n", outcome.Output);
    }

    [Theory]
    [InlineData("dev")]
    [InlineData("proc")]
    [InlineData("sys")]
    public async Task Root_WithLinkInPlaceOfKernelFiles_IsRefused(string name)
    {
        Skip();
        string layer = Path.Join(fixture.Root, fixture.NewId());
        Directory.CreateDirectory(layer);
        File.CreateSymbolicLink(Path.Join(layer, name), "/etc");
        Directory.CreateDirectory(Path.Join(layer, "etc"));
        ContainerRequest request = fixture.Request("true");
        await Assert.ThrowsAsync<FaultException>(() => fixture.RunAsync(
            request with { Overlay = request.Overlay! with { Lower = [layer] } }, Cancel));
    }

    [Fact]
    public async Task Limits_TheHostCannotGive_AreClampedWithAWarning()
    {
        Skip();
        ContainerRequest request = fixture.Request("ulimit -n; cat /proc/self/oom_score_adj", spec => spec with
        {
            Process = spec.Process! with
            {
                OomScoreAdj = -900,
                Rlimits = [new RlimitSpec { Type = "RLIMIT_NOFILE", Soft = 1 << 29, Hard = 1 << 29 }],
            },
        });
        Outcome outcome = await fixture.RunAsync(request, Cancel);
        Assert.Equal(0, outcome.Code);
        string[] got = outcome.Output.Split('\n');
        Assert.Equal(got[0] != (1 << 29).ToString(), request.Warnings!.Any(warning => warning.StartsWith("RLIMIT_NOFILE", StringComparison.Ordinal)));
        Assert.Equal(got[1] != "-900", request.Warnings!.Any(warning => warning.StartsWith("oom_score_adj -900", StringComparison.Ordinal)));
        // What a client is told when it only makes the container.
        Assert.Equal(got[1] != "-900", fixture.Runtime.WarningsOf(request.Spec.Process!).Any(
            warning => warning.StartsWith("oom_score_adj -900", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task MemoryLimit_TooLowToBeMadeIn_IsNamed()
    {
        Skip();
        Assert.SkipUnless(CgroupHierarchy.Detect().Controllers.Contains("memory"), "the kernel has no memory controller");
        FaultException refused = await Assert.ThrowsAsync<FaultException>(() => fixture.RunAsync(fixture.Request("true", spec => spec with
        {
            Linux = spec.Linux! with { Resources = new LinuxResources { Memory = new MemoryLimits { Limit = 4096 } } },
        }), Cancel));
        Assert.Equal("container init was OOM-killed (memory limit too low?): unknown", refused.Message);
    }

    [Fact]
    public async Task Limits_OfAStrictContainer_AreNotClamped_NeitherInAFurtherProcess()
    {
        Skip();
        RlimitSpec[] tooMuch = [new RlimitSpec { Type = "RLIMIT_NOFILE", Soft = 1UL << 40, Hard = 1UL << 40 }];
        Dictionary<string, string> strict = new() { ["dev.berth.strict"] = "true" };
        FaultException refused = await Assert.ThrowsAsync<FaultException>(() => fixture.RunAsync(fixture.Request("true", spec => spec with
        {
            Annotations = strict, Process = spec.Process! with { Rlimits = tooMuch },
        }), Cancel));
        Assert.Contains("RLIMIT_NOFILE", refused.Message, StringComparison.Ordinal);
        ContainerRequest request = fixture.Request("sleep 1000", spec => spec with { Annotations = strict });
        await using IContainer container = await fixture.Runtime.CreateAsync(request, Cancel);
        try
        {
            await container.StartAsync(Cancel);
            ProcessSpec further = request.Spec.Process! with { Args = ["/bin/true"], Rlimits = tooMuch };
            refused = await Assert.ThrowsAsync<FaultException>(() => container.ExecAsync(
                new ExecRequest { Id = fixture.NewId(), Process = further }, Cancel));
            Assert.Contains("RLIMIT_NOFILE", refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            await container.DeleteAsync(Cancel);
        }
    }

    [Fact]
    public async Task Monitor_HasOneThread_AndSurvivesItsEnginesSocket()
    {
        Skip();
        ContainerRequest request = fixture.Request("sleep 100");
        IContainer container = await fixture.Runtime.CreateAsync(request, Cancel);
        await container.StartAsync(Cancel);
        string parent = File.ReadAllText($"/proc/{container.Pid}/stat").Split(") ")[1].Split(' ')[1];
        Assert.Single(Directory.GetDirectories($"/proc/{parent}/task"));
        await container.DisposeAsync();
        IContainer? again = await fixture.Runtime.ReattachAsync(request.Id, request.RunDirectory, Cancel);
        Assert.Equal(container.Pid, again!.Pid);
        Assert.False(again.Exited.IsCompleted);
        await again.DeleteAsync(Cancel);
        await again.DisposeAsync();
    }

    [Fact]
    public async Task Program_BehindProcSelfExe_CannotBeOverwritten()
    {
        Skip();
        byte[] before = File.ReadAllBytes(fixture.Binary);
        ContainerRequest request = fixture.Request(
            "cat /proc/1/exe | head -c4 | tail -c3; echo x > /proc/1/exe; echo $?") with { Init = true };
        Outcome outcome = await fixture.RunAsync(request, Cancel);
        Assert.EndsWith("1\n", outcome.Output);
        Assert.Equal(before, File.ReadAllBytes(fixture.Binary));
    }
}
