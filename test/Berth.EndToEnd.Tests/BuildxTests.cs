using System.Diagnostics;
using System.Text;
using Berth.EndToEnd.Tests.Buildx;
using Berth.EndToEnd.Tests.Buildx.Protocol;
using Berth.EndToEnd.Tests.Robustness;
using Grpc.Core;
using Frontend = Berth.EndToEnd.Tests.Buildx.Protocol.Frontend;

namespace Berth.EndToEnd.Tests;

/// <summary>A build as Buildx' docker driver makes it, call by call, by a client of the tests' own: there is no Buildx to be had here.</summary>
public sealed class BuildxTests(EngineFixture engine) : IDisposable
{
    private const string Docker = "/usr/bin/docker";
    private const string Image = "busybox:e2e";
    private readonly string _directory = Directory.CreateTempSubdirectory("berth-buildx-").FullName;
    private readonly string _name = $"bx{Guid.NewGuid():n}"[..14];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string Context => Directory.CreateDirectory($"{_directory}/context").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData(Route.Upgrade, true)]
    [InlineData(Route.Upgrade, false)]
    [InlineData(Route.PriorKnowledge, false)]
    public async Task Build_AsTheDockerDriverDoes_MakesAnImageAndTellsOfIt(Route route, bool sessionByCall)
    {
        await WriteAsync("Dockerfile", $"""
            FROM {Image} AS base
            ARG WHO=nobody
            COPY src /src
            RUN --mount=type=secret,id=token cat /run/secrets/token > /told; find /src -type f | wc -l >> /told; echo "for $WHO"
            FROM base AS wanted
            CMD ["cat", "/told"]
            FROM base
            RUN exit 1
            """);
        for (int i = 0; i < 300; i++)
            await WriteAsync($"src/d{i % 7}/f{i}", new string('x', i * 100));
        await WriteAsync("src/left.out", "x");
        await WriteAsync(".dockerignore", "**/*.out\n");
        await using BuildxClient client = Client(route);
        Assert.Equal(1, (await client.Health.CheckAsync(new HealthCheckRequest(), cancellationToken: Cancel)).Status);
        Assert.NotEmpty((await client.Control.InfoAsync(new InfoRequest(), cancellationToken: Cancel)).BuildkitVersion.Version);
        WorkerRecord worker =
            Assert.Single((await client.Control.ListWorkersAsync(new ListWorkersRequest(), cancellationToken: Cancel)).Record);
        Assert.Equal("linux", worker.Platforms[0].OS);
        Assert.Equal(EngineFixture.Gateway, worker.Labels["org.mobyproject.buildkit.worker.moby.host-gateway-ip"]);
        // With this label Buildx would believe in a store of containerd's, and ask for what only that has.
        Assert.DoesNotContain("org.mobyproject.buildkit.worker.snapshotter", worker.Labels.Keys);
        Frontend.PongResponse pong = await client.ProbeAsync(Cancel);
        Assert.Contains(pong.FrontendAPICaps, cap => cap is { ID: "return", Enabled: true });

        await using BuildxSession session = Session();
        session.Secrets["token"] = "hush\n";
        await (sessionByCall ? session.OpenAsync(client.Control, Cancel) : session.OpenAsync(engine.Socket, Cancel));
        BuildStory story = await client.BuildAsync(
            session.Id,
            new()
            {
                ["filename"] = "Dockerfile", ["target"] = "wanted", ["build-arg:WHO"] = "them", ["label:l"] = "v", ["no-cache"] = "",
                ["image-resolve-mode"] = "local",
            },
            AsImage($"{_name}:1,{_name}:2"), Cancel);
        Assert.Equal("", story.Reason);
        Assert.Equal(story.Response["containerimage.digest"], story.Response["containerimage.config.digest"]);
        Assert.Equal($"{_name}:1,{_name}:2", story.Response["image.name"]);
        Assert.Contains("for them", story.Output, StringComparison.Ordinal);
        Assert.All(story.Vertexes, vertex => Assert.True(vertex is { Completed: not null, Error: "" }, vertex.Name));
        foreach (string expected in new[]
        {
            "[internal] load build definition from Dockerfile", "[internal] load build context", $"[base 1/3] FROM {Image}",
            "[base 2/3] COPY src /src", "exporting to image",
        })
            Assert.Contains(story.Vertexes, vertex => vertex.Name.StartsWith(expected, StringComparison.Ordinal));
        Assert.Equal($"{story.Response["containerimage.digest"]} v\n", await DockerAsync("inspect", "-f", "{{.Id}} {{.Config.Labels.l}}", $"{_name}:2"));
        Assert.Equal("hush\n300\n", await DockerAsync("run", "--rm", $"{_name}:1"));
        await DockerAsync("rmi", $"{_name}:1", $"{_name}:2");
    }

    [Fact]
    public async Task Build_Again_IsCachedButForTheStagesNamed()
    {
        await WriteAsync("Dockerfile", $"FROM {Image} AS one\nRUN echo first {_name}\nFROM one AS two\nRUN echo second {_name}\n");
        await using BuildxClient client = Client();
        await using BuildxSession session = await OpenAsync();
        Assert.Equal("", (await client.BuildAsync(session.Id, [], AsImage(""), Cancel)).Reason);
        BuildStory cached = await client.BuildAsync(session.Id, [], AsImage(""), Cancel);
        Assert.Equal(2, cached.Vertexes.Count(vertex => vertex.Cached));
        Assert.Equal("", cached.Output);
        BuildStory named = await client.BuildAsync(session.Id, new() { ["no-cache"] = "two" }, AsImage(""), Cancel);
        Assert.Equal($"second {_name}\n", named.Output);
        await DockerAsync("rmi", "-f", cached.Response["containerimage.digest"], named.Response["containerimage.digest"]);
    }

    [Fact]
    public async Task Build_HostsNetwork_IsForWhomTheClientAllowsIt()
    {
        await WriteAsync("Dockerfile", $"FROM {Image}\nRUN --network=host echo on {_name}\n");
        await using BuildxClient client = Client();
        await using BuildxSession session = await OpenAsync();
        BuildStory refused = await client.BuildAsync(session.Id, [], _ => { }, Cancel);
        Assert.Contains("the entitlement network.host is not granted", refused.Reason, StringComparison.Ordinal);
        BuildStory whole = await client.BuildAsync(session.Id, new() { ["force-network-mode"] = "host" }, _ => { }, Cancel);
        Assert.Equal("PermissionDenied: network.host is not allowed: build with --allow network.host", whole.Reason);
        BuildStory allowed = await client.BuildAsync(session.Id, [], request => request.Entitlements.Add("network.host"), Cancel);
        Assert.Equal(("", $"on {_name}\n"), (allowed.Reason, allowed.Output));
    }

    [Fact]
    public async Task Build_WithAFrontendOfItsOwn_NeedsNoGateway()
    {
        await WriteAsync("d/other", $"FROM {Image}\nRUN --network=none cat /etc/hosts; ulimit -n; df /dev/shm | tail -n 1\n");
        await using BuildxClient client = Client();
        await using BuildxSession session = await OpenAsync();
        session.Directories["mine"] = $"{Context}/d";
        BuildStory story = await client.BuildAsync(session.Id, [], request =>
        {
            request.Frontend = "dockerfile.v0";
            foreach ((string name, string value) in new Dictionary<string, string>
            {
                ["filename"] = "other", ["dockerfilekey"] = "mine", ["add-hosts"] = "one=192.0.2.1,two=192.0.2.2", ["no-cache"] = "",
                ["ulimit"] = "nofile=123:456", ["shm-size"] = "8388608", ["platform"] = "linux/amd64", ["new-fashion"] = "x",
            })
                request.FrontendAttrs[name] = value;
            request.ExporterDeprecated = "moby";
            request.ExporterAttrsDeprecated["name"] = _name;
        }, Cancel);
        Assert.Equal("", story.Reason);
        Assert.Contains("192.0.2.2\ttwo", story.Output, StringComparison.Ordinal);
        Assert.Contains("\n123\n", story.Output, StringComparison.Ordinal);
        Assert.Contains(" 8192 ", story.Output, StringComparison.Ordinal);
        Assert.Contains(story.Warnings, warning => warning.Short.ToStringUtf8().Contains("\"new-fashion\"", StringComparison.Ordinal));
        Assert.Contains("mine", session.Asked);
        await DockerAsync("rmi", _name);
    }

    [Fact]
    public async Task Build_FailingStep_FailsTheCallAndTheVertex()
    {
        await WriteAsync("Dockerfile", $"FROM {Image}\nMAINTAINER me\nRUN echo before it; nosuchprogram\n");
        await using BuildxClient client = Client();
        await using BuildxSession session = await OpenAsync();
        BuildStory story = await client.BuildAsync(session.Id, new() { ["no-cache"] = "" }, AsImage(_name), Cancel);
        Assert.Contains("returned a non-zero code: 127", story.Reason, StringComparison.Ordinal);
        Assert.Contains("before it", story.Output, StringComparison.Ordinal);
        Assert.Contains("127", Assert.Single(story.Vertexes, vertex => vertex.Name.Contains("RUN echo before", StringComparison.Ordinal)).Error, StringComparison.Ordinal);
        VertexWarning warning = Assert.Single(story.Warnings);
        Assert.StartsWith("MaintainerDeprecated", warning.Short.ToStringUtf8());
        Assert.Equal(2, warning.Ranges[0].Start.Line);

        await WriteAsync("Dockerfile", "FORM x\n");
        Assert.Contains("did you mean FROM", (await client.BuildAsync(session.Id, [], AsImage(_name), Cancel)).Reason, StringComparison.OrdinalIgnoreCase);
        BuildStory none = await client.BuildAsync(session.Id, new() { ["filename"] = "none" }, AsImage(_name), Cancel);
        Assert.Contains("failed to read dockerfile: open none: no such file or directory", none.Reason, StringComparison.Ordinal);
        BuildStory nobody = await client.BuildAsync("nobody", [], AsImage(_name), Cancel);
        Assert.StartsWith("NotFound: no active session for nobody", nobody.Reason);
    }

    [Theory]
    [InlineData("call")]
    [InlineData("session")]
    [InlineData("connection")]
    public async Task Build_ClientGoesAway_EndsTheStepAndLeavesNothing(string what)
    {
        string seconds = $"3598.{what.Length}{Environment.ProcessId}";
        await WriteAsync("Dockerfile", $"FROM {Image}\nCOPY Dockerfile /{_name}\nRUN --network=none echo begun; sleep {seconds}\n");
        BuildxClient client = Client();
        BuildxSession session = await OpenAsync();
        string name = Guid.NewGuid().ToString("n");
        SolveRequest request = new()
        {
            Ref = name, Session = session.Id, Frontend = "dockerfile.v0", FrontendAttrs = { ["no-cache"] = "" },
        };
        using CancellationTokenSource stop = new();
        TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<SolveResponse> solving = client.Control.SolveAsync(request, cancellationToken: stop.Token).ResponseAsync;
        Task<BuildStory> following = client.FollowAsync(name, Cancel, text =>
        {
            if (text.Contains("begun", StringComparison.Ordinal))
                begun.TrySetResult();
        });
        await begun.Task.WaitAsync(TimeSpan.FromMinutes(2), Cancel);
        await Eventually.HoldsAsync(() => Task.FromResult(StepRuns(seconds)));
        if (what == "call")
            await stop.CancelAsync();
        else if (what == "session")
            await session.DisposeAsync();
        else
            await client.DisposeAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => solving);
        await Eventually.HoldsAsync(() => Task.FromResult(!StepRuns(seconds)));
        if (what != "connection")
            Assert.Contains((await following).Vertexes, vertex => vertex.Error.Length > 0);
        await ((Task)following).ConfigureAwait(
            ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        string state = Path.Combine(engine.DataRoot, "build");
        await Eventually.HoldsAsync(() => Task.FromResult(!Directory.GetDirectories(state, "context-*").Any(directory =>
            !Path.GetFileName(directory).StartsWith("context-kept-", StringComparison.Ordinal)
            && TextOf($"{directory}/Dockerfile").Contains(_name, StringComparison.Ordinal))));
        if (what != "session")
            await session.DisposeAsync();
        if (what != "connection")
            await client.DisposeAsync();
    }

    [Fact]
    public async Task Build_Outputs_GoToTheSession()
    {
        await WriteAsync("Dockerfile", $"FROM {Image} AS make\nRUN mkdir -p /out/d && echo made > /out/d/f && echo x > /out/g\nFROM scratch\nCOPY --from=make /out /\n");
        await using BuildxClient client = Client();
        await using BuildxSession session = await OpenAsync();
        BuildStory tree = await client.BuildAsync(session.Id, [], As("local"), Cancel);
        Assert.Equal(("", 0), (tree.Reason, tree.Response.Count));
        Assert.Equal(["d/f", "g"], session.Taken.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("made\n", Encoding.UTF8.GetString(session.Taken["d/f"]));
        session.TakesOneFile = true;
        Assert.Equal("", (await client.BuildAsync(session.Id, [], As("tar"), Cancel)).Reason);
        await File.WriteAllBytesAsync($"{_directory}/out.tar", session.Taken[""], Cancel);
        Completed list = await Program.RunAsync("tar", ["-tf", $"{_directory}/out.tar"], "");
        Assert.Equal(["d/", "d/f", "g"], list.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
        // Without an exporter nothing but the cache is left.
        BuildStory nothing = await client.BuildAsync(session.Id, [], _ => { }, Cancel);
        Assert.Equal(("", 0), (nothing.Reason, nothing.Response.Count));
    }

    [Fact]
    public async Task Build_ContextsOfOtherKinds_AreFound()
    {
        await WriteAsync("Dockerfile", "FROM base\nCOPY --from=tools /bin/busybox /copied\nCOPY mine /\nRUN cat /mine; test -x /copied && echo copied\n");
        await WriteAsync("mine", $"of {_name}\n");
        await using BuildxClient client = Client();
        await using BuildxSession session = await OpenAsync();
        Dictionary<string, string> attributes = new()
        {
            ["context:base"] = $"docker-image://{Image}", ["context:tools"] = $"docker-image://{Image}", ["no-cache"] = "",
        };
        BuildStory named = await client.BuildAsync(session.Id, attributes, As("moby"), Cancel);
        Assert.Equal(("", $"of {_name}\ncopied\n"), (named.Reason, named.Output));

        // A tar on standard input, sent when it is read.
        Completed tar = await Program.RunAsync("tar", ["-C", Context, "-cf", $"{_directory}/up.tar", "."], "");
        Assert.Equal(0, tar.Code);
        session.Uploads["/xyz"] = await File.ReadAllBytesAsync($"{_directory}/up.tar", Cancel);
        BuildStory uploaded = await client.BuildAsync(
            session.Id, new(attributes) { ["context"] = "http://buildkit-session/xyz" }, As("moby"), Cancel);
        Assert.Equal(("", $"of {_name}\ncopied\n"), (uploaded.Reason, uploaded.Output));

        // Directories of a session that several builds share.
        await using BuildxSession shared = await OpenAsync();
        await using BuildxSession own = new();
        await own.OpenAsync(engine.Socket, Cancel);
        BuildStory third = await client.BuildAsync(
            own.Id, new(attributes) { ["local-sessionid:context"] = shared.Id, ["local-sessionid:dockerfile"] = shared.Id }, As("moby"), Cancel);
        Assert.Equal(("", $"of {_name}\ncopied\n"), (third.Reason, third.Output));
        Assert.Empty(own.Asked);
        await DockerAsync("rmi", "-f", named.Response["containerimage.digest"], uploaded.Response["containerimage.digest"], third.Response["containerimage.digest"]);
    }

    [Fact]
    public async Task Questions_AboutADockerfile_AreAnsweredWithoutABuild()
    {
        await WriteAsync("Dockerfile", $"FROM {Image} AS one\nMAINTAINER me\nFROM one AS two\nRUN exit 1\n");
        await using BuildxClient client = Client();
        await using BuildxSession session = await OpenAsync();
        BuildStory lint = await AskAsync("frontend.lint");
        Assert.Equal(("", "1"), (lint.Reason, lint.Result!.Metadata["result.statuscode"].ToStringUtf8()));
        Assert.Contains("\"ruleName\": \"MaintainerDeprecated\"", lint.Result.Metadata["result.json"].ToStringUtf8(), StringComparison.Ordinal);
        BuildStory targets = await AskAsync("frontend.targets");
        Assert.Equal("one\ntwo\n", targets.Result!.Metadata["result.txt"].ToStringUtf8());
        Assert.Contains("frontend.lint", (await AskAsync("frontend.subrequests.describe")).Result!.Metadata["result.json"].ToStringUtf8(), StringComparison.Ordinal);
        Assert.Equal("Unimplemented: unsupported request frontend.outline", (await AskAsync("frontend.outline")).Reason);

        Task<BuildStory> AskAsync(string what) => client.BuildAsync(
            session.Id, new() { ["requestid"] = what, ["frontend.caps"] = "moby.buildkit.frontend.subrequests+forward" }, _ => { }, Cancel);
    }

    [Fact]
    public async Task Cache_IsListedAndPruned()
    {
        Assert.SkipWhen(OwnDaemon.Missing is not null, OwnDaemon.Missing ?? "");
        // Of its own: what is pruned is everybody's.
        await using OwnDaemon daemon = await OwnDaemon.StartAsync();
        await WriteAsync("Dockerfile", $"FROM bb\nRUN echo {_name} > /f\n");
        await using BuildxClient client = new(daemon.Socket);
        await using BuildxSession session = Session();
        await session.OpenAsync(daemon.Socket, Cancel);
        Assert.Equal("", (await client.BuildAsync(session.Id, [], _ => { }, Cancel)).Reason);
        UsageRecord mine = Assert.Single(
            (await client.Control.DiskUsageAsync(new DiskUsageRequest(), cancellationToken: Cancel)).Record,
            record => record.Description.Contains(_name, StringComparison.Ordinal));
        Assert.True(mine.Size > 0);
        // What was just used is not older than an hour.
        Assert.DoesNotContain(mine.ID, await PruneAsync(new PruneRequest { KeepDuration = 3_600_000_000_000 }));
        Assert.Contains(mine.ID, await PruneAsync(new PruneRequest()));
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => PruneAsync(new PruneRequest { MaxUsedSpace = 1 }));
        Assert.Equal(StatusCode.Unimplemented, refused.StatusCode);

        async Task<List<string>> PruneAsync(PruneRequest request)
        {
            List<string> gone = [];
            using AsyncServerStreamingCall<UsageRecord> call = client.Control.Prune(request, cancellationToken: Cancel);
            while (await call.ResponseStream.MoveNext(Cancel))
                gone.Add(call.ResponseStream.Current.ID);
            return gone;
        }
    }

    [Fact]
    public async Task Builds_ManyAtOnceOnOneConnection_EachHearItsOwn()
    {
        await using BuildxClient client = Client();
        BuildStory[] stories = await Task.WhenAll(Enumerable.Range(0, 8).Select(async number =>
        {
            string context = Directory.CreateDirectory($"{_directory}/many{number}").FullName;
            await File.WriteAllTextAsync($"{context}/Dockerfile", $"FROM {Image}\nRUN for i in 1 2 3; do echo {_name} {number}; done\n");
            await using BuildxSession session = new() { Directories = { ["context"] = context, ["dockerfile"] = context } };
            await session.OpenAsync(engine.Socket, Cancel);
            return await client.BuildAsync(session.Id, [], _ => { }, Cancel);
        }));
        for (int number = 0; number < stories.Length; number++)
            Assert.Equal(("", string.Concat(Enumerable.Repeat($"{_name} {number}\n", 3))), (stories[number].Reason, stories[number].Output));
    }

    [Fact]
    public async Task Socket_SpeaksHttp1AsBeforeBesideHttp2()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/curl"), "curl is not installed");
        await using BuildxClient client = Client(Route.PriorKnowledge);
        await client.Control.InfoAsync(new InfoRequest(), cancellationToken: Cancel);
        Completed one = await Program.RunAsync("curl", ["-si", "--unix-socket", engine.Socket, "http://d/_ping"], "");
        Assert.StartsWith("HTTP/1.1 200 OK", one.Output);
        Assert.Contains("Builder-Version: 2", one.Output, StringComparison.Ordinal);
        Completed two = await Program.RunAsync(
            "curl", ["-si", "--http2-prior-knowledge", "--unix-socket", engine.Socket, "http://d/_ping"], "");
        Assert.StartsWith("HTTP/2 415", two.Output);
    }

    private static Action<SolveRequest> As(string type) => request => request.Exporters.Add(new Exporter { Type = type });

    private static Action<SolveRequest> AsImage(string names) => request =>
    {
        Exporter exporter = new() { Type = "moby", Attrs = { ["push"] = "true" } };
        if (names.Length > 0)
            exporter.Attrs["name"] = names;
        request.Exporters.Add(exporter);
        (request.ExporterDeprecated, request.Internal) = ("moby", false);
    };

    private static bool StepRuns(string seconds) => Process.GetProcessesByName("sleep").Any(process =>
    {
        using (process)
            return TextOf($"/proc/{process.Id}/cmdline").Contains(seconds, StringComparison.Ordinal);
    });

    // Empty for a file that has just gone.
    private static string TextOf(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (IOException)
        {
            return "";
        }
    }

    private BuildxClient Client(Route route = Route.Upgrade)
    {
        Assert.SkipWhen(engine.Missing is not null, engine.Missing ?? "");
        return new BuildxClient(engine.Socket, route);
    }

    private BuildxSession Session() => new() { Directories = { ["context"] = Context, ["dockerfile"] = Context } };

    private async Task<BuildxSession> OpenAsync()
    {
        BuildxSession session = Session();
        await session.OpenAsync(engine.Socket, Cancel);
        return session;
    }

    private async Task<string> DockerAsync(params string[] arguments)
    {
        Assert.SkipUnless(File.Exists(Docker), "Debian's docker.io is not installed");
        Completed completed = await Program.RunAsync(Docker, arguments, engine.Address);
        Assert.True(completed.Code == 0, $"code {completed.Code}: {completed.Output}{completed.Errors}");
        return completed.Output;
    }

    private async Task WriteAsync(string path, string content)
    {
        string file = $"{Context}/{path}";
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        await File.WriteAllTextAsync(file, content);
    }
}
