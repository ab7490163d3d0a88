using System.Diagnostics;
using Berth.Oci.Runtime;

namespace Berth.Runtime.Tests.Containers;

/// <summary>An engine in a process of its own: starts one container, says where, and waits to be killed.</summary>
internal static class EngineHost
{
    public static async Task<int> RunAsync(string script, string shared, bool isHanging)
    {
        ContainerFixture fixture = new();
        ContainerRequest request = fixture.Request(
            script, spec => ContainerFixture.With(spec, ContainerFixture.Bind(shared, "/shared")));
        if (isHanging)
        {
            HookSpec hanging = HookTests.Shell($"cat >{shared}/state; echo $$ >{shared}/hook; exec sleep 1000");
            request = request with
            {
                Spec = request.Spec with
                {
                    Hooks = new HooksSpec
                    {
                        CreateRuntime = [hanging], Poststop = [HookTests.Recording("poststop", Path.Join(shared, "stopped"))],
                    },
                },
            };
            Console.WriteLine($"{request.Id} {request.RunDirectory} {request.Log!.Path} {fixture.Root}");
        }
        IContainer container = await fixture.Runtime.CreateAsync(request, CancellationToken.None);
        await container.StartAsync(CancellationToken.None);
        Console.WriteLine($"{request.Id} {request.RunDirectory} {request.Log!.Path} {fixture.Root} {container.Pid}");
        await Task.Delay(Timeout.Infinite);
        return 0;
    }
}

/// <summary>The engine dies by SIGKILL; its containers do not notice, and the next engine knows all of them.</summary>
public sealed class EngineDeathTests(ContainerFixture fixture) : IClassFixture<ContainerFixture>
{
    private const string Script = "echo before; until [ -e /shared/go ]; do sleep 0.02; done; seq 1 20000; exit 5";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Container_OfAKilledEngine_IsFoundWithLogAndExit(bool isThereAtTheEnd)
    {
        Assert.SkipUnless(fixture.IsUsable, "root, /bin/busybox and out/bin/berth-runtime are needed");
        string shared = Directory.CreateDirectory(Path.Join(fixture.Root, fixture.NewId())).FullName;
        (string id, string runDirectory, string log, string root, int pid) = await KilledEngineAsync(shared);
        if (!isThereAtTheEnd)
        {
            File.WriteAllText(Path.Join(shared, "go"), "");
            Assert.True(SpinWait.SpinUntil(() => File.Exists(Path.Join(runDirectory, "exit")), TimeSpan.FromSeconds(30)));
        }
        await using IContainer? found = await fixture.Runtime.ReattachAsync(id, runDirectory, Cancel);
        Assert.NotNull(found);
        Assert.NotNull(found.StartedAt);
        if (isThereAtTheEnd)
        {
            Assert.Equal(pid, found.Pid);
            Assert.False(found.Exited.IsCompleted);
            await using IContainerStreams streams = await found.AttachAsync(stdin: false, Cancel);
            File.WriteAllText(Path.Join(shared, "go"), "");
            Assert.EndsWith("20000\n", (await ContainerFixture.ReadAllAsync(streams, Cancel)).Output);
        }
        Assert.Equal(5, (await found.Exited.WaitAsync(Cancel)).Code);
        string[] lines = File.ReadAllLines(log);
        Assert.Equal(20_001, lines.Length);
        Assert.StartsWith("{\"log\":\"before\\n\"", lines[0]);
        Assert.StartsWith("{\"log\":\"20000\\n\"", lines[^1]);
        await found.DeleteAsync(Cancel);
        Directory.Delete(root, recursive: true);
    }

    private async Task<(string Id, string RunDirectory, string Log, string Root, int Pid)> KilledEngineAsync(string shared)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!, ["@engine", Script, shared])
        {
            RedirectStandardOutput = true,
            Environment =
            {
                ["BERTH_BIN"] = Path.GetDirectoryName(fixture.Binary), [ContainerFixture.CgroupVariable] = fixture.Cgroup,
            },
        };
        using Process engine = Process.Start(start)!;
        string[] words = (await engine.StandardOutput.ReadLineAsync(Cancel))!.Split(' ');
        engine.Kill();
        await engine.WaitForExitAsync(Cancel);
        Assert.Equal(137, engine.ExitCode);
        return (words[0], words[1], words[2], words[3], int.Parse(words[4]));
    }
}
