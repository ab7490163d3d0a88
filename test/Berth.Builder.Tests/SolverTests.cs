using Berth.Faults;
using Berth.Oci.Images;
using Berth.Oci.References;

namespace Berth.Builder.Tests;

public sealed class SolverTests : IDisposable
{
    private readonly Workshop _workshop = new();

    public SolverTests() => Assert.SkipUnless(Environment.UserName == "root", "needs root: overlayfs mounts");

    public void Dispose() => _workshop.Dispose();

    [Fact]
    public async Task Build_EveryConfigInstruction_ArrivesInConfig()
    {
        BuiltImage image = await _workshop.BuildAsync("""
            ARG NAME=x
            FROM scratch
            ARG NAME
            ENV A=1 B="two words" C=$NAME
            ENV D=${A}${B:+yes}
            LABEL l1=$A "l 2"='$A'
            USER app:app
            EXPOSE 80 90-91/udp
            VOLUME /data ["/x"]
            STOPSIGNAL SIGQUIT
            SHELL ["/bin/bash", "-c"]
            ENTRYPOINT run it
            CMD ["a", "b c"]
            HEALTHCHECK --interval=5s --retries=3 CMD check
            ONBUILD RUN echo hi
            MAINTAINER me
            """.Replace("VOLUME /data [\"/x\"]", "VOLUME [\"/data\"]"), request => request with { Labels = new Dictionary<string, string> { ["given"] = "v" } });
        ExecutionConfig config = image.Config.Config!;
        Assert.Equal(["A=1", "B=two words", "C=x", "D=1yes"], config.Env);
        Assert.Equal(new Dictionary<string, string> { ["l1"] = "1", ["l 2"] = "$A", ["given"] = "v" }, config.Labels!.ToDictionary());
        Assert.Equal(["80/tcp", "90/udp", "91/udp"], config.ExposedPorts!.Keys);
        Assert.Equal(["/data"], config.Volumes!.Keys);
        Assert.Equal(["/bin/bash", "-c", "run it"], config.Entrypoint);
        Assert.Equal(["a", "b c"], config.Cmd);
        Assert.Equal(["CMD-SHELL", "check"], config.Healthcheck!.Test);
        Assert.Equal((5_000_000_000L, 3), (config.Healthcheck.Interval, config.Healthcheck.Retries));
        Assert.Equal(["RUN echo hi"], config.OnBuild);
        Assert.Equal(("app:app", "SIGQUIT", "me"), (config.User, config.StopSignal, image.Config.Author));
        Assert.Equal("ENV A=1 B=two words C=x", image.Config.History![1].CreatedBy);
        Assert.All(image.Config.History, entry => Assert.True(entry.EmptyLayer));
    }

    [Fact]
    public async Task Build_Run_GetsEverythingAndCommits()
    {
        _workshop.Command = async (_, root, output, _) =>
        {
            await File.WriteAllTextAsync(root + "/made", "by run");
            await Workshop.Say(output, "hel");
            await Workshop.Say(output, "lo\nrest");
            return 0;
        };
        BuiltImage image = await _workshop.BuildAsync("FROM scratch\nARG V\nENV E=1\nWORKDIR /w\nUSER u\nRUN --network=none echo $V",
            request => request with
            {
                Tags = [ImageReference.Parse("name")],
                BuildArguments = new Dictionary<string, string?> { ["V"] = "7", ["HTTP_PROXY"] = "http://secret@p", ["UNUSED"] = "1" },
            });
        StepRequest run = Assert.Single(_workshop.Runs);
        Assert.Equal(["/bin/sh", "-c", "echo $V"], run.Arguments);
        Assert.Equal(["E=1", "V=7", "HTTP_PROXY=http://secret@p", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], run.Environment);
        Assert.Equal(("/w", "u", "none"), (run.WorkingDirectory, run.User, run.Network));
        Assert.Equal(["made=by run", "w/"], _workshop.Tree(image));
        Assert.Equal("RUN |1 V=7 /bin/sh -c echo $V # buildkit", image.Config.History![^1].CreatedBy);
        Assert.DoesNotContain(image.Config.History, entry => entry.CreatedBy!.Contains("secret", StringComparison.Ordinal));
        Assert.Equal(image.ImageId, _workshop.Stored["name:latest"]);
        Assert.Contains("Step 1/6 : FROM scratch\n", _workshop.Text, StringComparison.Ordinal);
        Assert.Contains("hello\nrest\nRemoving intermediate container", _workshop.Text, StringComparison.Ordinal);
        Assert.EndsWith($"[Warning] One or more build-args [UNUSED] were not consumed\nSuccessfully built {image.ImageId.Short}\nSuccessfully tagged name:latest\n", _workshop.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("touch", true)]
    [InlineData("chmod", false)]
    [InlineData("edit", false)]
    [InlineData("rename", false)]
    [InlineData("link", false)]
    [InlineData("ignored", true)]
    public async Task Build_ContextChange_HitsOrMisses(string change, bool hit)
    {
        _workshop.Write("d/a", "one");
        _workshop.Write(".dockerignore", "*.log");
        const string Text = "FROM scratch\nCOPY d /d";
        BuiltImage first = await _workshop.BuildAsync(Text);
        string file = Path.Combine(_workshop.ContextDirectory, "d/a");
        switch (change)
        {
            case "touch": File.SetLastWriteTimeUtc(file, DateTime.UnixEpoch); break;
            case "chmod": File.SetUnixFileMode(file, (UnixFileMode)0x1C0); break;
            case "edit": File.WriteAllText(file, "two"); break;
            case "rename": File.Move(file, file + "2"); break;
            case "link": File.CreateSymbolicLink(file + "l", "a"); break;
            default: File.WriteAllText(Path.Combine(_workshop.ContextDirectory, "x.log"), ""); break;
        }
        BuiltImage second = await _workshop.BuildAsync(Text);
        Assert.Equal(hit ? 1 : 0, _workshop.CachedSteps);
        Assert.Equal(hit, first.ImageId == second.ImageId);
    }

    [Fact]
    public async Task Build_ArgChange_MissesRunsAfterItAlone()
    {
        const string Text = "FROM scratch\nRUN one\nARG V\nRUN two";
        BuildRequest With(BuildRequest request, string value) => request with { BuildArguments = new Dictionary<string, string?> { ["V"] = value } };
        await _workshop.BuildAsync(Text, request => With(request, "1"));
        await _workshop.BuildAsync(Text, request => With(request, "1"));
        Assert.Equal(2, _workshop.Runs.Count);
        await _workshop.BuildAsync(Text, request => With(request, "2"));
        Assert.Equal(["one", "two", "two"], _workshop.Runs.Select(run => run.Arguments[2]));
        await _workshop.BuildAsync(Text, request => With(request, "2") with { NoCache = true });
        Assert.Equal(5, _workshop.Runs.Count);
    }

    [Fact]
    public async Task Build_Stages_SkipsUnneededAndCopiesBetween()
    {
        _workshop.Command = async (request, root, _, _) =>
        {
            await File.WriteAllTextAsync($"{root}/{request.Arguments[2]}", request.Arguments[2]);
            return 0;
        };
        const string Text = "FROM scratch AS a\nRUN a\nFROM scratch AS unused\nRUN never\nFROM scratch AS b\nRUN b\nFROM a\nCOPY --from=b /b /from-b\nCOPY --from=0 a /d/";
        BuiltImage image = await _workshop.BuildAsync(Text);
        Assert.Equal(["a=a", "d/", "d/a=a", "from-b=b"], _workshop.Tree(image));
        Assert.DoesNotContain(_workshop.Runs, run => run.Arguments[2] == "never");
        Assert.Equal(Enumerable.Range(1, 7), _workshop.Events.OfType<StepStarted>().Select(step => step.Number));
        Assert.Equal(["a=a"], _workshop.Tree(await _workshop.BuildAsync(Text, request => request with { Target = "A" })));
        Assert.Equal("failed to reach build target unusd in Dockerfile (did you mean unused?)",
            (await _workshop.FailsAsync(Text, request => request with { Target = "unusd" })).Message);
    }

    [Fact]
    public async Task Build_PathExtendedOnABaseWithoutOne_KeepsTheDefault()
    {
        BuiltImage image = await _workshop.BuildAsync("FROM scratch\nENV PATH=/opt/tool:$PATH\nCMD [\"x\"]");
        Assert.Equal(["PATH=/opt/tool:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], image.Config.Config!.Env!);
    }

    [Fact]
    public async Task Build_IndependentStages_RunAtTheSameTime()
    {
        using Barrier both = new(2);
        _workshop.Command = (_, _, _, cancel) => Task.Run(() =>
        {
            Assert.True(both.SignalAndWait(TimeSpan.FromSeconds(30), cancel));
            return 0;
        }, cancel);
        await _workshop.BuildAsync("FROM scratch AS a\nRUN a\nFROM scratch AS b\nRUN b\nFROM a\nCOPY --from=b / /b/");
        Assert.Equal(2, _workshop.Runs.Count);
        Assert.Equal([0, 0, 2, 2, 4, 4], _workshop.Events.OfType<StepStarted>().Select(step => step.Stage * 2));
    }

    [Fact]
    public async Task Build_FailingCommand_NamesLineCommandCodeAndHint()
    {
        _workshop.Command = async (_, _, output, _) =>
        {
            await Workshop.Say(output, "/bin/sh: 1: ./x.sh\r: not found\n");
            return 127;
        };
        FaultException fault = await _workshop.FailsAsync("FROM scratch\n\nRUN ./x.sh");
        Assert.Equal("The command '/bin/sh -c ./x.sh' returned a non-zero code: 127", fault.Message);
        StepFailed failed = Assert.Single(_workshop.Events.OfType<StepFailed>());
        Assert.Equal((3, 127), (failed.Range.StartLine, failed.ExitCode));
        Assert.Contains("CRLF", failed.Hint, StringComparison.Ordinal);
        Assert.Contains("   3 | >>> RUN ./x.sh", failed.Excerpt, StringComparison.Ordinal);
        AssertNothingLeft();
    }

    [Fact]
    public async Task Build_DependencyFails_IsReportedOnce()
    {
        _workshop.Command = (_, _, _, _) => Task.FromResult(1);
        FaultException fault = await _workshop.FailsAsync("FROM scratch AS a\nRUN bad\nFROM a\nENV x=1");
        Assert.StartsWith("The command", fault.Message, StringComparison.Ordinal);
        Assert.Single(_workshop.Events.OfType<StepFailed>());
    }

    [Fact]
    public async Task Build_Cancelled_LeavesNothing()
    {
        using CancellationTokenSource cancel = new();
        _workshop.Command = async (_, _, _, token) =>
        {
            await cancel.CancelAsync();
            await Task.Delay(Timeout.Infinite, token);
            return 0;
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _workshop.BuildAsync("FROM scratch\nRUN x", null, cancel.Token));
        Assert.Empty(_workshop.Stored);
        AssertNothingLeft();
    }

    [Fact]
    public async Task Build_OnBuildAndBaseConfig_AreInherited()
    {
        BuiltImage parent = await _workshop.BuildAsync("FROM scratch\nENTRYPOINT [\"e\"]\nCMD [\"c\"]\nWORKDIR /w\nONBUILD COPY f /f\nONBUILD ENV T=1");
        _workshop.Images["parent"] = new BaseImage(parent.ImageId, parent.Config);
        _workshop.Write("f", "x");
        BuiltImage child = await _workshop.BuildAsync("ARG BASE\nFROM ${BASE:-parent}\nENTRYPOINT [\"new\"]");
        Assert.Equal(["f=x", "w/"], _workshop.Tree(child));
        Assert.Equal(["T=1"], child.Config.Config!.Env);
        Assert.Null(child.Config.Config.Cmd);
        Assert.Null(child.Config.Config.OnBuild);
        Assert.Equal(parent.Config.History!.Count + 3, child.Config.History!.Count);
    }

    [Fact]
    public async Task Build_EpochGiven_IsReproducible()
    {
        BuildRequest With(BuildRequest request) => request with { NoCache = true, BuildArguments = new Dictionary<string, string?> { ["SOURCE_DATE_EPOCH"] = "86400" } };
        BuiltImage first = await _workshop.BuildAsync("FROM scratch\nENV a=b\nRUN x", With);
        BuiltImage second = await _workshop.BuildAsync("FROM scratch\nENV a=b\nRUN x", With);
        Assert.Equal(first.ImageId, second.ImageId);
        Assert.Equal(DateTimeOffset.UnixEpoch.AddDays(1), first.Config.Created);
    }

    [Fact]
    public async Task Build_Mounts_AreBoundAndGoneAfterwards()
    {
        _workshop.Write("src/f", "context");
        _workshop.Command = (request, _, _, _) =>
        {
            StepMount bind = request.Mounts[0];
            Assert.Equal("context", File.ReadAllText(Path.Combine(bind.Source!, "f")));
            File.WriteAllText(Path.Combine(bind.Source!, "new"), "discarded");
            File.AppendAllText(Path.Combine(request.Mounts[1].Source!, "kept"), "x");
            Assert.Equal(("/m", null, (long?)4096), (request.Mounts[2].Target, request.Mounts[2].Source, request.Mounts[2].SizeBytes));
            Assert.Equal("s3cret", File.ReadAllText(request.Mounts[3].Source!));
            Assert.Equal("/run/secrets/token", request.Mounts[3].Target);
            return Task.FromResult(0);
        };
        const string Text = "FROM scratch\nRUN --mount=source=src,target=/s,rw --mount=type=cache,target=/c --mount=type=tmpfs,target=/m,size=4k --mount=type=secret,id=token x";
        BuildRequest With(BuildRequest request) => request with { Secrets = new Dictionary<string, ReadOnlyMemory<byte>> { ["token"] = "s3cret"u8.ToArray() } };
        await _workshop.BuildAsync(Text, With);
        await _workshop.BuildAsync(Text, request => With(request) with { NoCache = true });
        Assert.False(File.Exists(Path.Combine(_workshop.ContextDirectory, "src/new")));
        string cache = Assert.Single(Directory.GetDirectories(Path.Combine(_workshop.Root, "build/cache")));
        Assert.Equal("xx", File.ReadAllText(Path.Combine(cache, "kept")));
        Assert.DoesNotContain(_workshop.Root, File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
        Assert.Equal("no SSH key \"k\" forwarded from the client",
            (await _workshop.FailsAsync("FROM scratch\nRUN --mount=type=ssh,id=k,required x")).Message);
        Assert.Equal("secret other: not found", (await _workshop.FailsAsync("FROM scratch\nRUN --mount=type=secret,id=other,required x")).Message);
        AssertNothingLeft();
    }

    [Theory]
    [InlineData("RUN <<EOF\na\nb\nEOF", "a\nb\n")]
    [InlineData("RUN cat <<A > /x\none\nA", "cat <<A > /x\none\nA")]
    [InlineData("RUN <<EOF\n#!/usr/bin/python3\nprint()\nEOF", "/dev/pipes/EOF")]
    public async Task Build_RunHeredoc_BecomesAScript(string run, string argument)
    {
        _workshop.Command = (request, _, _, _) => Task.FromResult(
            request.Mounts is [var script] && !File.ReadAllText(script.Source + "/EOF").StartsWith("#!/usr/bin/python3", StringComparison.Ordinal) ? 1 : 0);
        await _workshop.BuildAsync("FROM scratch\n" + run);
        Assert.Equal(argument, _workshop.Runs[0].Arguments[2]);
    }

    [Fact]
    public async Task Prune_ForgetsAndLiveChainsFollow()
    {
        BuiltImage image = await _workshop.BuildAsync("FROM scratch\nRUN x");
        Assert.Contains(image.Config.RootFs.Chain!.Value, _workshop.Builder.LiveChains());
        Assert.Empty(_workshop.Builder.Prune(new CachePruneFilter { UsedByImages = new HashSet<Oci.ChainId> { image.Config.RootFs.Chain.Value } }));
        Assert.Single(_workshop.Builder.Prune(new CachePruneFilter()));
        Assert.Empty(_workshop.Builder.LiveChains());
    }

    [Fact]
    public async Task Recover_AfterKill_RemovesSteps()
    {
        await _workshop.BuildAsync("FROM scratch\nRUN x");
        string id = new('a', 64);
        Directory.CreateDirectory(Path.Combine(_workshop.Root, "build/steps", id));
        _workshop.Layers.CreateWritable(id, null);
        _workshop.Builder.Recover();
        AssertNothingLeft();
    }

    private void AssertNothingLeft()
    {
        Assert.Empty(_workshop.Layers.ListWritable());
        Assert.Empty(Directory.GetDirectories(Path.Combine(_workshop.Root, "build/steps")));
    }
}
