using System.Text;

namespace Berth.EndToEnd.Tests;

/// <summary>Our own command line, as built, against our own engine.</summary>
public sealed class CliCommandTests(EngineFixture engine)
{
    private const string Image = "busybox:e2e";

    private static string Berth => Path.Combine(EngineFixture.RepositoryRoot(), "out/bin/berth");

    [Theory]
    [InlineData(7, "exit 7")]
    public async Task Run_Foreground_EndsWithTheContainersCode(int code, string script)
    {
        Completed run = await RunAsync("run", "--rm", "--name", "cli-code-" + code, Image, "sh", "-c", "echo out; echo err >&2; " + script);
        Assert.Equal((code, "out\n", "err\n"), (run.Code, run.Output, run.Errors));
    }

    [Fact]
    public async Task Run_WhatCannotStart_HasDockersCodes()
    {
        Assert.Equal(127, (await RunAsync("run", "--rm", Image, "/nope")).Code);
        Assert.Equal(126, (await RunAsync("run", "--rm", Image, "/etc")).Code);
        Assert.Equal(125, (await RunAsync("run", "--rm", "--nope", Image)).Code);
    }

    [Fact]
    public async Task Run_PipedInput_ComesThroughWholeAndEnds()
    {
        string input = string.Concat(Enumerable.Range(0, 200_000).Select(static n => $"{n}\n"));
        Completed run = await RunWithInputAsync(input, "run", "-i", "--rm", Image, "cat");
        Assert.Equal(0, run.Code);
        Assert.True(input == run.Output, $"{run.Output.Length} of {input.Length} characters came back");
    }

    [Fact]
    public async Task Container_Life_IsToldByEachVerb()
    {
        const string Name = "cli-life";
        string id = (await DoAsync("run", "-d", "--name", Name, "--label", "cli=life", "-e", "A=1", Image, "sleep", "1000")).Output.Trim();
        Assert.Equal(64, id.Length);
        Assert.Equal($"{id} {Name}\n", (await DoAsync(
            "ps", "--no-trunc", "--filter", "label=cli=life", "--format", "{{.ID}} {{.Names}}")).Output);
        Completed exec = await RunWithInputAsync("piped", "exec", "-i", "-e", "Q=2", "-w", "/bin", Name, "sh", "-c", "echo $A$Q $PWD; cat; exit 5");
        Assert.Equal((5, "12 /bin\npiped"), (exec.Code, exec.Output));
        Assert.Contains("sleep 1000", (await DoAsync("top", Name)).Output);
        Assert.Equal("running 1\n", (await DoAsync("inspect", "-f", "{{.State.Status}} {{len .Config.Labels}}", Name)).Output);
        await DoAsync("pause", Name);
        Assert.Equal("paused\n", (await DoAsync("inspect", "-f", "{{.State.Status}}", Name)).Output);
        await DoAsync("unpause", Name);
        Assert.Equal("cli-life\n", (await DoAsync("kill", Name)).Output);
        Assert.Equal("137\n", (await DoAsync("wait", Name)).Output);
        Assert.Equal("cli-life\n", (await DoAsync("rm", Name)).Output);
        Completed gone = await RunAsync("inspect", Name);
        Assert.Equal((1, "[]\n", "Error: No such object: cli-life\n"), (gone.Code, gone.Output, gone.Errors));
    }

    [Fact]
    public async Task Logs_TailAndFollow_EndWithTheContainer()
    {
        const string Name = "cli-logs";
        await DoAsync("run", "-d", "--name", Name, Image, "sh", "-c", "for i in 1 2 3; do echo l$i; done; echo e >&2");
        Completed all = await DoAsync("logs", "-f", Name);
        Assert.Equal(("l1\nl2\nl3\n", "e\n"), (all.Output, all.Errors));
        Assert.Equal("l3\n", (await DoAsync("logs", "--tail", "2", Name)).Output);
        Assert.Matches(@"^\d{4}-\d\d-\d\dT[\d:.]+Z l1\n", (await DoAsync("logs", "-t", Name)).Output);
        await DoAsync("rm", Name);
    }

    [Fact]
    public async Task Copy_FileAndFolder_GoBothWays()
    {
        const string Name = "cli-copy";
        string here = Directory.CreateTempSubdirectory("berth-cli-").FullName;
        try
        {
            Directory.CreateDirectory(here + "/in/sub");
            await File.WriteAllTextAsync(here + "/in/sub/f", "content", TestContext.Current.CancellationToken);
            await Program.RunAsync("chown", ["-R", "1000:1001", here + "/in"], "");
            await DoAsync("create", "--name", Name, Image, "busybox", "stat", "-c", "%u:%g", "/copied", "/copied/sub/f", "/bin/f");
            await DoAsync("cp", here + "/in/sub/f", Name + ":/bin/");
            await DoAsync("cp", here + "/in", Name + ":/copied");
            await DoAsync("cp", Name + ":/copied/sub", here + "/out");
            await DoAsync("cp", Name + ":/bin/f", here + "/f");
            Assert.Equal("content", await File.ReadAllTextAsync(here + "/out/f", TestContext.Current.CancellationToken));
            Assert.Equal("content", await File.ReadAllTextAsync(here + "/f", TestContext.Current.CancellationToken));
            Assert.Contains("A /copied/sub/f\n", (await DoAsync("diff", Name)).Output);
            // As docker: owners are kept also without -a.
            Assert.Equal("1000:1001\n1000:1001\n1000:1001\n", (await DoAsync("start", "-a", Name)).Output);
            await DoAsync("rm", Name);
        }
        finally
        {
            Directory.Delete(here, recursive: true);
        }
    }

    [Fact]
    public async Task Build_ContextFromInput_IsTaggedAndRuns()
    {
        Completed build = await RunWithInputAsync(
            $"FROM {Image}\nARG V=1\nRUN echo built $V > /v\nCMD [\"cat\", \"/v\"]\n", "build", "-t", "cli-built:1", "--build-arg", "V=2", "-");
        Assert.True(build.Code == 0, build.Output + build.Errors);
        Assert.Contains("Successfully tagged cli-built:1", build.Output);
        Assert.Equal("built 2\n", (await DoAsync("run", "--rm", "cli-built:1")).Output);
        Completed failed = await RunWithInputAsync($"FROM {Image}\nRUN exit 3\n", "build", "-");
        Assert.Equal(3, failed.Code);
        Assert.Contains("The command '/bin/sh -c exit 3' returned a non-zero code: 3", failed.Errors);
        await DoAsync("rmi", "cli-built:1");
    }

    [Fact]
    public async Task Run_OomScoreThatTheHostCannotGive_RunsWithAWarning()
    {
        Completed run = await RunWithInputAsync("", "run", "--rm", "--oom-score-adj", "-900", Image, "cat", "/proc/self/oom_score_adj");
        Assert.Equal(0, run.Code);
        Assert.Equal(run.Output != "-900\n", run.Errors.Contains("WARNING: oom_score_adj -900 cannot be set", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("-q")]
    [InlineData("--progress=quiet")]
    public async Task Build_Quiet_PrintsTheIdOnly(string flag)
    {
        string file = Path.GetTempFileName();
        try
        {
            Completed build = await RunWithInputAsync($"FROM {Image}\nRUN echo q > /q\n", "build", flag, "--iidfile", file, "-");
            Assert.True(build.Code == 0, build.Errors);
            Assert.Matches("^sha256:[0-9a-f]{64}\n$", build.Output);
            Assert.Equal(build.Output.Trim(), File.ReadAllText(file));
            Assert.Equal(build.Output, (await DoAsync("inspect", "-f", "{{.Id}}", build.Output.Trim())).Output);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Images_SaveTagAndLoad_KeepTheId()
    {
        string id = (await DoAsync("images", "-q", "--no-trunc", Image)).Output.Trim();
        string file = Path.GetTempFileName();
        try
        {
            await DoAsync("tag", Image, "cli-tagged:x");
            await DoAsync("save", "-o", file, "cli-tagged:x");
            await DoAsync("rmi", "cli-tagged:x");
            Assert.Equal("Loaded image: cli-tagged:x\n", (await DoAsync("load", "-i", file)).Output);
            Assert.Equal(id, (await DoAsync("images", "-q", "--no-trunc", "cli-tagged")).Output.Trim());
            // What was loaded has a manifest, so the tree has a branch with the platform.
            await DoAsync("create", "--name", "cli-tree", "cli-tagged:x", "true");
            Assert.Matches(@"\ncli-tagged:x\b(.*\n)+?└─ linux/\w+ +[0-9a-f]{12} .*MB   U    \n", (await DoAsync("images", "--tree")).Output);
            await DoAsync("rm", "cli-tree");
            await DoAsync("rmi", "cli-tagged:x");
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task NetworksAndVolumes_AreMadeListedAndRemoved()
    {
        string subnet = FreeNetworks.Take() + ".0/24";
        await DoAsync("network", "create", "--subnet", subnet, "cli-net");
        Assert.Equal(subnet + "\n", (await DoAsync("network", "inspect", "-f", "{{(index .IPAM.Config 0).Subnet}}", "cli-net")).Output);
        await DoAsync("volume", "create", "cli-vol");
        await DoAsync("run", "--rm", "--network", "cli-net", "-v", "cli-vol:/data", Image, "sh", "-c", "echo kept > /data/f");
        Assert.Equal("kept\n", (await DoAsync("run", "--rm", "-v", "cli-vol:/data:ro", Image, "cat", "/data/f")).Output);
        Assert.Contains("local     cli-vol", (await DoAsync("volume", "ls")).Output);
        Assert.Equal("cli-vol\n", (await DoAsync("volume", "rm", "cli-vol")).Output);
        Assert.Equal("cli-net\n", (await DoAsync("network", "rm", "cli-net")).Output);
    }

    [Fact]
    public async Task Terminal_DetachKeys_LeaveTheContainerRunning()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/script"), "bsdutils' script is not installed");
        const string Name = "cli-detach";
        // script(1) gives the command a terminal. The keys are typed when the container runs: before that the terminal is not
        // raw, and would keep ctrl-q for itself.
        string typing = $"until {Berth} top {Name} >/dev/null 2>&1; do :; done; printf '\\020\\021'";
        Completed session = await Program.RunAsync(
            "sh", ["-c", $"{{ {typing}; }} | script -qec '{Berth} run -it --name {Name} {Image} cat' /dev/null"], engine.Address);
        Assert.Equal(0, session.Code);
        Assert.Equal("true true\n", (await DoAsync("inspect", "-f", "{{.State.Running}} {{.Config.Tty}}", Name)).Output);
        await DoAsync("rm", "-f", Name);
    }

    [Fact]
    public async Task Debug_PrintsRequestsToStandardError()
    {
        Completed ps = await DoAsync("-D", "ps", "-q", "--filter", "name=nothing-of-this-name");
        Assert.Equal("", ps.Output);
        Assert.Contains("DEBUG: GET /v1.50/containers/json", ps.Errors);
    }

    private async Task<Completed> DoAsync(params string[] arguments)
    {
        Completed done = await RunAsync(arguments);
        Assert.True(done.Code == 0, new StringBuilder("berth ").AppendJoin(' ', arguments).Append(": ").Append(done.Errors).ToString());
        return done;
    }

    private Task<Completed> RunAsync(params string[] arguments) => RunWithInputAsync(null, arguments);

    private Task<Completed> RunWithInputAsync(string? input, params string[] arguments)
    {
        Assert.SkipWhen(engine.Missing is not null, engine.Missing ?? "");
        Assert.SkipUnless(File.Exists(Berth), "out/bin/berth is not built: ./dev build");
        return Program.RunAsync(Berth, arguments, engine.Address, input);
    }
}
