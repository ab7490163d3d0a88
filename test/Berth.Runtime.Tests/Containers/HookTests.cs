using System.Diagnostics;
using System.Text.Json;
using Berth.Faults;
using Berth.Oci.Runtime;

namespace Berth.Runtime.Tests.Containers;

/// <summary>Hooks of containers that the engine starts: where each runs, what it is told, what its failure does.</summary>
public sealed class HookTests(ContainerFixture fixture) : IClassFixture<ContainerFixture>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task All_RunInOrder_InTheirNamespaces_WithTheState()
    {
        Need();
        string file = NewFile();
        ContainerRequest request = fixture.Request("exec sleep 1000", spec => ContainerFixture.With(spec, new MountSpec
        {
            Destination = "/hooks", Type = "bind", Source = file, Options = ["bind"],
        }) with
        {
            Annotations = new Dictionary<string, string> { ["org.example.key"] = "value" },
            Hooks = new HooksSpec
            {
                Prestart = [Recording("prestart", file), Recording("prestart", file)],
                CreateRuntime = [Recording("createRuntime", file)],
                CreateContainer = [Recording("createContainer", file)],
                StartContainer = [Recording("startContainer", "/hooks")],
                Poststart = [Recording("poststart", file)],
                Poststop = [Recording("poststop", file)],
            },
        });
        string root = "", inside = "";
        int pid = 0;
        await fixture.WithAsync(request, async container =>
        {
            Assert.Equal(["prestart", "prestart", "createRuntime", "createContainer"], Kinds(file));
            // What a hook finds in the bundle: the configuration, with where the root is.
            using JsonDocument bundle = JsonDocument.Parse(File.ReadAllBytes(Path.Join(request.RunDirectory, "config.json")));
            root = bundle.RootElement.GetProperty("root").GetProperty("path").GetString()!;
            await container.StartAsync(Cancel);
            Assert.Equal("poststart", Kinds(file)[^1]);
            pid = container.Pid;
            inside = new FileInfo($"/proc/{pid}/ns/mnt").LinkTarget!;
        }, Cancel);
        Assert.Equal(request.Overlay!.MountPoint, root);
        string[][] all = [.. File.ReadAllLines(file).Select(static line => line.Split(' ', 4))];
        Assert.Equal(["prestart", "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"],
            all.Select(static each => each[0]));
        string own = new FileInfo("/proc/self/ns/mnt").LinkTarget!;
        Assert.Equal([own, own, own, inside, inside, own, own], all.Select(static each => each[1]));
        Assert.All(all, each => Assert.Equal($"{each[0]}-mark", each[2]));
        JsonElement[] states = [.. all.Select(static each => JsonDocument.Parse(each[3]).RootElement)];
        Assert.Equal(["creating", "creating", "creating", "creating", "created", "running", "stopped"],
            states.Select(static state => state.GetProperty("status").GetString()));
        Assert.Equal([pid, pid, pid, 1, 1, pid, 0], states.Select(static state => state.GetProperty("pid").GetInt32()));
        Assert.All(states, state =>
        {
            Assert.Equal((request.Id, request.RunDirectory), (state.GetProperty("id").GetString(), state.GetProperty("bundle").GetString()));
            Assert.Equal("value", state.GetProperty("annotations").GetProperty("org.example.key").GetString());
        });
    }

    [Fact]
    public async Task HookOfTheHost_EntersTheMountsThatTheProgramWillHave()
    {
        Need();
        // As nvidia's older hook does it: by the namespaces of the pid, beneath the bundle's root, before that is the root.
        HookSpec mounting = Shell("state=$(cat); pid=$(echo \"$state\" | sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/'); "
            + "bundle=$(echo \"$state\" | sed 's/.*\"bundle\":\"\\([^\"]*\\)\".*/\\1/'); "
            + "root=$(sed 's/.*\"root\":{\"path\":\"\\([^\"]*\\)\".*/\\1/' \"$bundle/config.json\"); "
            + "nsenter -t $pid -m sh -c \"mkdir $root/given && mount -t tmpfs given $root/given && echo here >$root/given/file\"");
        Outcome outcome = await fixture.RunAsync(fixture.Request("cat /given/file; grep -c ' /given ' /proc/mounts", spec => spec with
        {
            Hooks = new HooksSpec { Prestart = [mounting] },
        }), Cancel);
        Assert.Equal((0, "here\n1\n"), (outcome.Code, outcome.Output));
    }

    [Theory]
    [InlineData("prestart", "error running hook #0 (prestart /bin/sh of CDI device a.b/c=d): exit status 3, stdout: and, stderr: it said why")]
    [InlineData("createRuntime", "error running hook #0 (createRuntime /bin/sh of CDI device a.b/c=d): exit status 3, stdout: and, stderr: it said why")]
    [InlineData("createContainer", "error running hook #0 (createContainer /bin/sh of CDI device a.b/c=d): exit status 3, stdout: and, stderr: it said why")]
    [InlineData("startContainer", "error running hook #0 (startContainer /bin/sh of CDI device a.b/c=d): exit status 3, stdout: and, stderr: it said why")]
    [InlineData("poststart", "error running hook #0 (poststart /bin/sh of CDI device a.b/c=d): exit status 3, stdout: and, stderr: it said why")]
    public async Task Failure_NamesTheHook_EndsTheContainer_AndTheOthersFollow(string kind, string message)
    {
        Need();
        string file = NewFile();
        HookSpec failing = Shell("echo and; echo it said why >&2; exit 3");
        ContainerRequest request = fixture.Request("echo ran; exec sleep 1000", spec => spec with
        {
            Hooks = new HooksSpec
            {
                Prestart = kind == "prestart" ? [failing, Recording("second", file)] : null,
                CreateRuntime = kind == "createRuntime" ? [failing] : null,
                CreateContainer = kind == "createContainer" ? [failing] : null,
                StartContainer = kind == "startContainer" ? [Same(failing)] : null,
                Poststart = kind == "poststart" ? [failing] : null,
                Poststop = [Shell("exit 4"), Recording("poststop", file)],
            },
        });
        HooksSpec hooks = request.Spec.Hooks!;
        HookSpec owned = (hooks.Prestart ?? hooks.CreateRuntime ?? hooks.CreateContainer ?? hooks.StartContainer ?? hooks.Poststart)![0];
        request = request with
        {
            HookOwners = new Dictionary<HookSpec, string>(ReferenceEqualityComparer.Instance) { [owned] = "CDI device a.b/c=d" },
        };
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => fixture.RunAsync(request, Cancel));
        Assert.Equal((FaultKind.Internal, message), (fault.Kind, fault.Message));
        Assert.Equal(["poststop"], Kinds(file));
        Assert.False(Directory.Exists(request.RunDirectory));
    }

    [Theory]
    [InlineData("createRuntime")]
    [InlineData("poststart")]
    [InlineData("poststop")]
    public async Task TimeOut_EndsTheHookWithWhatItStarted(string kind)
    {
        Need();
        string file = NewFile();
        HookSpec slow = Shell($"sleep 1000 & echo $! >{file}; wait") with { Timeout = 1 };
        List<string> warnings = [];
        using ContainerRuntime runtime = new(new RuntimeOptions { RuntimeBinary = fixture.Binary, Warn = warnings.Add });
        ContainerRequest request = fixture.Request("true", spec => spec with
        {
            Hooks = new HooksSpec
            {
                CreateRuntime = kind == "createRuntime" ? [slow] : null,
                Poststart = kind == "poststart" ? [slow] : null,
                Poststop = kind == "poststop" ? [slow] : null,
            },
        });
        string? failure = null;
        try
        {
            await using IContainer container = await runtime.CreateAsync(request, Cancel);
            try
            {
                await container.StartAsync(Cancel);
            }
            finally
            {
                await container.DeleteAsync(Cancel);
            }
        }
        catch (FaultException fault)
        {
            failure = fault.Message;
        }
        Assert.EndsWith($"({kind} /bin/sh): it took longer than 1 s", failure ?? Assert.Single(warnings), StringComparison.Ordinal);
        Assert.Equal(kind == "poststop", failure is null);
        int child = int.Parse(File.ReadAllText(file));
        Assert.True(SpinWait.SpinUntil(() => !Directory.Exists($"/proc/{child}") || IsZombie(child), TimeSpan.FromSeconds(10)));
        Assert.False(Directory.Exists(request.RunDirectory));
    }

    [Fact]
    public async Task Cancellation_EndsTheHook_AndNothingIsLeft()
    {
        Need();
        string file = NewFile();
        ContainerRequest request = fixture.Request("true", spec => spec with
        {
            Hooks = new HooksSpec { CreateRuntime = [Shell($"echo $$ >{file}; exec sleep 1000")] },
        });
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        Task<IContainer> making = fixture.Runtime.CreateAsync(request, stop.Token);
        Assert.True(SpinWait.SpinUntil(() => new FileInfo(file).Length > 1, TimeSpan.FromSeconds(30)));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => making);
        Assert.False(Directory.Exists($"/proc/{File.ReadAllText(file).Trim()}"));
        Assert.False(Directory.Exists(request.RunDirectory));
    }

    [Fact]
    public async Task Words_WithoutEnd_AreReadAndCut()
    {
        Need();
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => fixture.RunAsync(fixture.Request("true", spec => spec with
        {
            Hooks = new HooksSpec { Prestart = [Shell("head -c 300000 /dev/zero | tr '\\0' x; exit 1")] },
        }), Cancel));
        Assert.InRange(fault.Message.Length, 1000, 3000);
        Assert.EndsWith("xxx, stderr: ", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task State_LongerThanAPipe_KeepsNobodyWaitingForAHookThatDoesNotRead()
    {
        Need();
        string file = NewFile();
        HookSpec deaf = Shell($"echo ran >>{file}; exec sleep 0.1");
        HookSpec reading = Shell($"wc -c >>{file}");
        Outcome outcome = await fixture.RunAsync(fixture.Request("true", spec => spec with
        {
            Annotations = new Dictionary<string, string> { ["long"] = new('x', 100_000) },
            Hooks = new HooksSpec
            {
                Prestart = [deaf, reading], CreateContainer = [deaf with { Timeout = 100 }, reading], Poststart = [deaf, reading],
                Poststop = [deaf, reading],
            },
        }), Cancel);
        Assert.Equal(0, outcome.Code);
        string[] lines = File.ReadAllLines(file);
        Assert.Equal(8, lines.Length);
        Assert.All(lines.Where(static line => line != "ran"), static line => Assert.InRange(int.Parse(line), 100_000, 110_000));
    }

    [Fact]
    public async Task Engine_ThatDiesWhileAHookRuns_LeavesNoProcessThatWaits_AndTheNextRunsWhatFollows()
    {
        Need();
        string shared = Directory.CreateDirectory(Path.Join(fixture.Root, fixture.NewId())).FullName;
        using Process engine = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["@engine", "true", shared, "hang"])
        {
            RedirectStandardOutput = true,
            Environment =
            {
                ["BERTH_BIN"] = Path.GetDirectoryName(fixture.Binary), [ContainerFixture.CgroupVariable] = fixture.Cgroup,
            },
        })!;
        string[] words = (await engine.StandardOutput.ReadLineAsync(Cancel))!.Split(' ');
        // The second thing that the hook writes: all of the first is there, too.
        string hook = Path.Join(shared, "hook");
        Assert.True(SpinWait.SpinUntil(() => File.Exists(hook) && new FileInfo(hook).Length > 0, TimeSpan.FromSeconds(30)));
        int pid = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Join(shared, "state"), Cancel)).RootElement.GetProperty("pid").GetInt32();
        engine.Kill();
        await engine.WaitForExitAsync(Cancel);
        Assert.True(SpinWait.SpinUntil(() => !Directory.Exists($"/proc/{pid}"), TimeSpan.FromSeconds(30)), "it still waits for its hooks");
        await using IContainer found = (await fixture.Runtime.ReattachAsync(words[0], words[1], Cancel))!;
        Assert.Equal(137, (await found.Exited.WaitAsync(Cancel)).Code);
        await found.DeleteAsync(Cancel);
        Assert.Equal(["poststop"], Kinds(Path.Join(shared, "stopped")));
        Assert.False(Directory.Exists(words[1]));
        ContainerFixture.Run("kill", (await File.ReadAllTextAsync(hook, Cancel)).Trim());
        Directory.Delete(words[3], recursive: true);
    }

    /// <summary>A hook that writes a line of its mount namespace and the state it got.</summary>
    internal static HookSpec Recording(string kind, string file) =>
        Shell($"echo \"{kind} $(readlink /proc/self/ns/mnt) $MARK $(cat)\" >> {file}") with
        {
            Env = [$"MARK={kind}-mark", "PATH=/bin:/usr/bin"],
        };

    /// <summary>A hook of the shell's language.</summary>
    internal static HookSpec Shell(string script) =>
        new() { Path = "/bin/sh", Args = ["sh", "-c", script], Env = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"] };

    private static HookSpec Same(HookSpec hook) => hook with { };

    private static string[] Kinds(string file) => [.. File.ReadAllLines(file).Select(static line => line.Split(' ')[0])];

    private static bool IsZombie(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return true;
        }
    }

    private void Need() => Assert.SkipUnless(fixture.IsUsable, "root, /bin/busybox and out/bin/berth-runtime are needed");

    private string NewFile()
    {
        string file = Path.Join(fixture.Root, fixture.NewId());
        File.WriteAllText(file, "");
        return file;
    }
}
