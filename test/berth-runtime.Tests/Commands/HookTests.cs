using System.Text.Json;
using Berth.Oci.Runtime;

namespace Berth.RuntimeProgram.Tests.Commands;

/// <summary>The six hooks: where each runs, what it is told, what its failure does.</summary>
public sealed class HookTests(BundleFixture bundles) : IClassFixture<BundleFixture>
{
    private static void Need() => Assert.SkipUnless(Command.Missing is null, Command.Missing ?? "");

    // Writes a line of its namespace and the state it got.
    private static HookSpec Recording(string name, string file, string shell = "/bin/sh") => new()
    {
        Path = shell,
        Args = ["sh", "-c", $"echo \"{name} $(readlink /proc/self/ns/mnt) $MARK $(cat)\" >> {file}"],
        Env = [$"MARK={name}-mark", "PATH=/bin:/usr/bin"],
    };

    [Fact]
    public async Task All_RunInOrder_InTheirNamespaces_WithTheState()
    {
        Need();
        string file = Path.Join(bundles.Directory, "hooks");
        await File.WriteAllTextAsync(file, "");
        (string id, string bundle) = await bundles.CreateAsync("exec sleep 1000", spec => spec with
        {
            Annotations = new Dictionary<string, string> { ["org.example.key"] = "value" },
            Mounts = [.. spec.Mounts!, new MountSpec { Destination = "/hooks", Type = "bind", Source = file, Options = ["bind"] }],
            Hooks = new HooksSpec
            {
                Prestart = [Recording("prestart", file)],
                CreateRuntime = [Recording("createRuntime", file)],
                CreateContainer = [Recording("createContainer", file)],
                StartContainer = [Recording("startContainer", "/hooks")],
                Poststart = [Recording("poststart", file)],
                Poststop = [Recording("poststop", file)],
            },
        });
        string[] Lines() => File.ReadAllLines(file);
        Assert.Equal(["prestart", "createRuntime", "createContainer"], Lines().Select(static line => line.Split(' ')[0]));
        int pid = (await bundles.StateAsync(id)).GetProperty("pid").GetInt32();
        string own = new FileInfo("/proc/self/ns/mnt").LinkTarget!;
        string inside = new FileInfo($"/proc/{pid}/ns/mnt").LinkTarget!;
        Assert.Equal(0, (await bundles.RunAsync("start", id)).Code);
        Assert.Equal(0, (await bundles.RunAsync("delete", "--force", id)).Code);
        string[][] all = [.. Lines().Select(static line => line.Split(' ', 4))];
        Assert.Equal(["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"], all.Select(static each => each[0]));
        Assert.Equal([own, own, inside, inside, own, own], all.Select(static each => each[1]));
        Assert.All(all, each => Assert.Equal($"{each[0]}-mark", each[2]));
        JsonElement[] states = [.. all.Select(static each => JsonDocument.Parse(each[3]).RootElement)];
        Assert.Equal(["creating", "creating", "creating", "created", "running", "stopped"],
            states.Select(static state => state.GetProperty("status").GetString()));
        Assert.Equal([pid, pid, 1, 1, pid, 0], states.Select(static state => state.GetProperty("pid").GetInt32()));
        Assert.All(states, state =>
        {
            Assert.Equal((id, bundle, "1.2.0"), (state.GetProperty("id").GetString(), state.GetProperty("bundle").GetString(),
                state.GetProperty("ociVersion").GetString()));
            Assert.Equal("value", state.GetProperty("annotations").GetProperty("org.example.key").GetString());
        });
    }

    private static readonly HookSpec s_failing = new() { Path = "/bin/sh", Args = ["sh", "-c", "echo said; echo the-real-reason >&2; exit 3"] };

    public static TheoryData<string> BeforeTheProgram => ["prestart", "createRuntime", "createContainer"];

    [Theory]
    [MemberData(nameof(BeforeTheProgram))]
    public async Task Failure_BeforeTheProgram_EndsTheMaking(string kind)
    {
        Need();
        string id = bundles.NewId();
        string stopped = Path.Join(bundles.Directory, $"stopped-{kind}");
        RuntimeSpec spec = bundles.Spec(id, "/bin/true") with
        {
            Hooks = new HooksSpec
            {
                Prestart = kind == "prestart" ? [s_failing] : null,
                CreateRuntime = kind == "createRuntime" ? [s_failing] : null,
                CreateContainer = kind == "createContainer" ? [s_failing] : null,
                Poststop = [new HookSpec { Path = "/bin/sh", Args = ["sh", "-c", $"echo stopped > {stopped}"] }],
            },
        };
        Completed created = await bundles.RunAsync("create", "--bundle", await bundles.BundleAsync(id, spec), id);
        Assert.Equal(1, created.Code);
        Assert.Contains($"error running hook #0 ({kind} /bin/sh): exit status 3, stdout: said, stderr: the-real-reason\"", created.Errors,
            StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Join(bundles.Root, id)));
        Assert.Equal("stopped\n", await File.ReadAllTextAsync(stopped));
    }

    [Fact]
    public async Task Failure_OfStartContainer_KeepsTheProgramFromRunning()
    {
        Need();
        (string id, string bundle) = await bundles.CreateAsync("echo ran", static spec => spec with
        {
            Hooks = new HooksSpec { StartContainer = [s_failing] },
        });
        Completed started = await bundles.RunAsync("start", id);
        Assert.Equal(1, started.Code);
        Assert.Contains("error running hook #0 (startContainer /bin/sh): exit status 3, stdout: said, stderr: the-real-reason\"", started.Errors, StringComparison.Ordinal);
        await bundles.UntilAsync(id, "stopped");
        Assert.Equal("", await File.ReadAllTextAsync(Path.Join(bundle, "out")));
        Assert.Equal(0, (await bundles.RunAsync("delete", id)).Code);
    }

    [Fact]
    public async Task Words_OfHooks_AreNoOutputOfTheContainer()
    {
        Need();
        // More than a pipe holds: nobody reads while it runs.
        HookSpec[] talking = [new HookSpec { Path = "/bin/sh", Args = ["sh", "-c", "head -c 100000 /dev/zero; head -c 100000 /dev/zero >&2"], Env = ["PATH=/bin:/usr/bin"] }];
        Completed run = await bundles.RunContainerAsync("echo out; echo err >&2", spec => spec with
        {
            Hooks = new HooksSpec
            {
                Prestart = talking, CreateRuntime = talking, CreateContainer = talking, StartContainer = talking, Poststart = talking,
                Poststop = talking,
            },
        });
        Assert.Equal((0, "out\n", "err\n"), (run.Code, run.Output, run.Errors));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task TimeOut_EndsTheHook(bool inside)
    {
        Need();
        string id = bundles.NewId();
        HookSpec slow = new() { Path = "/bin/sleep", Args = ["sleep", "1000"], Timeout = 1 };
        RuntimeSpec spec = bundles.Spec(id, "/bin/true") with
        {
            Hooks = inside ? new HooksSpec { CreateContainer = [slow] } : new HooksSpec { CreateRuntime = [slow] },
        };
        Completed created = await bundles.RunAsync("create", "--bundle", await bundles.BundleAsync(id, spec), id);
        Assert.Equal(1, created.Code);
        Assert.Contains("it took longer than", created.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Poststop_ThatFails_IsAWarning()
    {
        Need();
        (string id, _) = await bundles.CreateAsync("true", static spec => spec with { Hooks = new HooksSpec { Poststop = [s_failing] } });
        Completed deleted = await bundles.RunAsync("delete", id);
        Assert.Equal(0, deleted.Code);
        Assert.Contains("level=warning", deleted.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bin/hook", null, "it is not absolute")]
    [InlineData("/bin/true", 0, "greater than zero")]
    public async Task Hook_ThatIsNone_IsRefused(string path, int? timeout, string message)
    {
        Need();
        string id = bundles.NewId();
        RuntimeSpec spec = bundles.Spec(id, "/bin/true") with
        {
            Hooks = new HooksSpec { Poststart = [new HookSpec { Path = path, Timeout = timeout }] },
        };
        Completed created = await bundles.RunAsync("create", "--bundle", await bundles.BundleAsync(id, spec), id);
        Assert.Contains(message, created.Errors, StringComparison.Ordinal);
    }
}
