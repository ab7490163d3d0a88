using Berth.BuildKit.Control;
using Berth.BuildKit.History;
using Berth.BuildKit.Protocol;
using Berth.Faults;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;

namespace Berth.BuildKit.Tests;

/// <summary>Records of builds: what is in them, how long they are kept, who hears of them.</summary>
public sealed class BuildHistoryTests : IDisposable
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-history-");
    private readonly List<string> _warnings = [];
    private BuildHistory _history;

    public BuildHistoryTests() => _history = Open();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Record_OfABuild_SaysWhatWasAskedAndWhatCameOfIt_AlsoInTheNextEngine()
    {
        SolveRequest request = new()
        {
            Ref = "r1", ExporterDeprecated = "moby", ExporterAttrsDeprecated = { ["name"] = "app:1" },
        };
        BuildJob job = new("r1", "s", isGateway: true);
        _history.Begin(request);
        BuildHistoryRecord running = Assert.Single(await AllAsync(new BuildHistoryRequest { ActiveOnly = true }, BuildHistoryEventType.Started));
        Assert.Null(running.CompletedAt);
        job.Keep(new SolveOptions(), "dockerfile.v0", new Dictionary<string, string>
        {
            ["filename"] = "Dockerfile", ["context"] = "https://me:secret@git.example/app.git#main",
            ["build-arg:HTTP_PROXY"] = "http://token@proxy:8080", ["build-arg:SSH"] = "ssh://git@host/x",
        });
        Say(job, Vertex("a", cached: true), Vertex("b"), Vertex("c", isEnded: false));
        job.Log.Write(new StatusResponse { Logs = { new VertexLog { Vertex = "b", Msg = ByteString.CopyFromUtf8("hello\n") } } });
        job.Log.Write(new StatusResponse { Warnings = { new VertexWarning { Vertex = "b" } } });
        _time.Advance(TimeSpan.FromSeconds(7));
        job.Complete();
        _history.End(job, Status.DefaultSuccess, new SolveResponse { ExporterResponse = { ["image.name"] = "app:1" } });

        for (int engine = 0; engine < 2; engine++)
        {
            BuildHistoryRecord record = Assert.Single(await AllAsync(new BuildHistoryRequest(), BuildHistoryEventType.Complete));
            Assert.Equal(("r1", "dockerfile.v0", "Dockerfile"), (record.Ref, record.Frontend, record.FrontendAttrs["filename"]));
            Assert.Equal("https://xxxxx:xxxxx@git.example/app.git#main", record.FrontendAttrs["context"]);
            Assert.Equal("http://xxxxx@proxy:8080", record.FrontendAttrs["build-arg:HTTP_PROXY"]);
            Assert.Equal("ssh://git@host/x", record.FrontendAttrs["build-arg:SSH"]);
            Assert.Equal(("moby", "app:1"), (record.Exporters[0].Type, record.Exporters[0].Attrs["name"]));
            Assert.Equal((3, 2, 1, 1), (record.NumTotalSteps, record.NumCompletedSteps, record.NumCachedSteps, record.NumWarnings));
            Assert.Equal(7, (record.CompletedAt - record.CreatedAt).Seconds);
            Assert.Equal("app:1", record.ExporterResponse["image.name"]);
            Assert.Null(record.Error);
            Assert.Equal("hello\n", Assert.Single(await LogAsync("r1")));
            _history = Open();
        }
        Assert.DoesNotContain(_directory.EnumerateFiles(), file => File.ReadAllText(file.FullName).Contains("secret", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("", "ok no late")]
    [InlineData("status==error", "no")]
    [InlineData("status==canceled", "late")]
    [InlineData("status!=completed", "no late")]
    [InlineData("ref~=^o", "ok")]
    [InlineData("ref==ok|status==error", "ok no")]
    [InlineData("repository~=example\\.org,status==completed", "ok")]
    [InlineData("\"repository~=example\\.org\",status==error", "")]
    [InlineData("startedAt<30m", "ok no")]
    [InlineData("startedAt>=2026-01-02T03:04:06Z", "no late")]
    [InlineData("duration>=1m", "no")]
    [InlineData("unknown==x", "")]
    public async Task Filter_EachForm_SelectsItsRecords(string filters, string expected)
    {
        Build("ok", Status.DefaultSuccess, TimeSpan.FromSeconds(1), "https://example.org/x.git");
        Build("no", new Status(StatusCode.Unknown, "process \"/bin/sh -c false\" did not complete"), TimeSpan.FromMinutes(2));
        _time.Advance(TimeSpan.FromHours(1));
        Build("late", new Status(StatusCode.Cancelled, "context canceled"), TimeSpan.FromSeconds(1));
        BuildHistoryRequest request = new();
        request.Filter.AddRange(filters.Split('|', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(),
            (await AllAsync(request, BuildHistoryEventType.Complete)).Select(record => record.Ref).Order());
    }

    [Theory]
    [InlineData("status", 0)]
    [InlineData("ref~=(", 0)]
    [InlineData("startedAt>yesterday", 0)]
    [InlineData("duration<long", 0)]
    [InlineData("", -1)]
    public async Task Filter_ThatIsNone_IsRefused(string filter, int limit)
    {
        BuildHistoryRequest request = new() { EarlyExit = true, Limit = limit };
        if (filter.Length > 0)
            request.Filter.Add(filter);
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => _history.ListenAsync(request, _ => Task.CompletedTask, Ready, Cancel));
        Assert.Equal(FaultKind.InvalidArgument, fault.Kind);
    }

    [Fact]
    public async Task Old_BeyondFifty_AreRemovedUnlessTheyArePinned()
    {
        for (int i = 0; i < BuildHistory.RecordsKept + 3; i++)
            Build($"old{i}", Status.DefaultSuccess, TimeSpan.FromSeconds(1));
        _history.Update(new UpdateBuildHistoryRequest { Ref = "old1", Pinned = true });
        Assert.Equal(BuildHistory.RecordsKept + 3, (await AllAsync(new(), BuildHistoryEventType.Complete)).Count);
        _time.Advance(BuildHistory.KeptFor + TimeSpan.FromHours(1));
        _history = Open();
        string[] left = [.. (await AllAsync(new(), BuildHistoryEventType.Complete)).Select(record => record.Ref)];
        Assert.Equal(BuildHistory.RecordsKept + 1, left.Length);
        Assert.Contains("old1", left);
        Assert.DoesNotContain("old0", left);
        Assert.DoesNotContain("old2", left);
        Assert.Equal(2 * left.Length, _directory.GetFiles().Length);
        BuildHistoryRecord newest = Assert.Single(await AllAsync(new BuildHistoryRequest { Limit = 1 }, BuildHistoryEventType.Complete));
        Assert.Equal($"old{BuildHistory.RecordsKept + 2}", newest.Ref);
        // However new they are, there is an end.
        for (int i = 0; i <= BuildHistory.RecordsMax; i++)
            Build($"new{i}", Status.DefaultSuccess, TimeSpan.Zero);
        Assert.Equal(BuildHistory.RecordsMax + 1, (await AllAsync(new(), BuildHistoryEventType.Complete)).Count);
    }

    [Fact]
    public async Task Listener_HearsOfBeginningsEndsPinsAndRemovals_AndOnlyOfItsBuild()
    {
        Build("before", Status.DefaultSuccess, TimeSpan.Zero);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        List<string> all = [], one = [];
        Task hearing = HearAsync(new BuildHistoryRequest(), all, stop.Token);
        Task hearingOne = HearAsync(new BuildHistoryRequest { Ref = "b", ActiveOnly = true }, one, stop.Token);
        Build("b", new Status(StatusCode.Unknown, "no"), TimeSpan.FromSeconds(1));
        _history.Update(new UpdateBuildHistoryRequest { Ref = "before", Pinned = true });
        _history.Update(new UpdateBuildHistoryRequest { Ref = "before", Finalize = true });
        _history.Update(new UpdateBuildHistoryRequest { Ref = "before", Delete = true });
        Assert.True(SpinWait.SpinUntil(() => all.Count == 5 && one.Count == 2, TimeSpan.FromSeconds(30)));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => hearing);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => hearingOne);
        Assert.Equal(["Complete before", "Started b", "Complete b Unknown no", "Complete before pinned", "Deleted before"], all);
        Assert.Equal(["Started b", "Complete b Unknown no"], one);
        FaultException gone = Assert.Throws<FaultException>(() => _history.Update(new UpdateBuildHistoryRequest { Ref = "before", Delete = true }));
        Assert.Equal(FaultKind.NotFound, gone.Kind);
        Assert.Null(_history.OpenLog("before"));
    }

    [Fact]
    public async Task Listeners_ThatAreTooMany_OrDoNotRead_AreLetGoOf()
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        TaskCompletionSource stuck = new();
        Build("first", Status.DefaultSuccess, TimeSpan.Zero);
        Task deaf = _history.ListenAsync(new BuildHistoryRequest(), _ => stuck.Task, Ready, stop.Token);
        List<Task> others = [.. Enumerable.Range(1, BuildHistory.ListenersMax - 1)
            .Select(_ => _history.ListenAsync(new BuildHistoryRequest { Ref = "none" }, _ => Task.CompletedTask, Ready, stop.Token))];
        await Assert.ThrowsAsync<FaultException>(() => _history.ListenAsync(new BuildHistoryRequest(), _ => Task.CompletedTask, Ready, stop.Token));
        for (int i = 0; i < 600; i++)
            Build("again", Status.DefaultSuccess, TimeSpan.Zero);
        stuck.SetResult();
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => deaf);
        Assert.Contains("does not read", fault.Message);
        await stop.CancelAsync();
        await Task.WhenAll(others).ContinueWith(_ => { }, TaskScheduler.Default);
    }

    [Fact]
    public async Task Files_HalfMadeOrForeign_AreRemovedAndTheRestIsRead()
    {
        Build("whole", Status.DefaultSuccess, TimeSpan.Zero);
        string log = Path.ChangeExtension(_directory.GetFiles("*.record")[0].FullName, ".log");
        File.WriteAllText(Path.Join(_directory.FullName, "x.record.new"), "");
        File.WriteAllText(Path.Join(_directory.FullName, "x.log"), "");
        File.WriteAllText(Path.Join(_directory.FullName, "y.log"), "");
        File.WriteAllBytes(Path.Join(_directory.FullName, "y.record"), [0xff, 0xff]);
        // Cut short by a crash of the machine.
        File.WriteAllBytes(log, [200, 0, 0, 0, 1, 2]);
        _history = Open();
        Assert.Equal("whole", Assert.Single(await AllAsync(new(), BuildHistoryEventType.Complete)).Ref);
        Assert.Equal(2, _directory.GetFiles().Length);
        Assert.Empty(await LogAsync("whole"));
    }

    [Fact]
    public async Task Disk_ThatRefuses_IsToldAndNoBuildFails()
    {
        File.WriteAllText(Path.Join(_directory.FullName, "file"), "");
        _history = new BuildHistory(new HistoryOptions(Path.Join(_directory.FullName, "file", "beneath"), _warnings.Add), _time);
        Build("r", Status.DefaultSuccess, TimeSpan.Zero);
        Assert.Contains("build history: r: ", Assert.Single(_warnings));
        Assert.Empty(await AllAsync(new(), BuildHistoryEventType.Complete));
    }

    private static Task Ready() => Task.CompletedTask;

    private BuildHistory Open() => new(new HistoryOptions(_directory.FullName, _warnings.Add), _time);

    private void Build(string name, Status outcome, TimeSpan lasts, string? context = null)
    {
        SolveRequest request = new() { Ref = name, Frontend = "dockerfile.v0" };
        if (context is not null)
            request.FrontendAttrs["context"] = context;
        BuildJob job = new(name, "s", isGateway: false);
        _history.Begin(request);
        _time.Advance(lasts);
        job.Complete();
        _history.End(job, outcome, outcome.StatusCode == StatusCode.OK ? new SolveResponse() : null);
        _time.Advance(TimeSpan.FromMilliseconds(1));
    }

    private static void Say(BuildJob job, params Vertex[] vertexes)
    {
        foreach (Vertex vertex in vertexes)
            job.Log.Write(new StatusResponse { Vertexes = { vertex } });
    }

    private static Vertex Vertex(string digest, bool cached = false, bool isEnded = true) => new()
    {
        Digest = digest, Cached = cached, Completed = isEnded ? new Google.Protobuf.WellKnownTypes.Timestamp() : null,
    };

    private async Task<List<BuildHistoryRecord>> AllAsync(BuildHistoryRequest request, BuildHistoryEventType type)
    {
        request.EarlyExit = true;
        List<BuildHistoryRecord> all = [];
        await _history.ListenAsync(request, one =>
        {
            Assert.Equal(type, one.Type);
            all.Add(one.Record);
            return Task.CompletedTask;
        }, Ready, Cancel);
        return all;
    }

    private Task HearAsync(BuildHistoryRequest request, List<string> heard, CancellationToken cancellationToken) =>
        _history.ListenAsync(request, one =>
        {
            heard.Add($"{one.Type} {one.Record.Ref}" + (one.Record.Pinned ? " pinned" : "")
                + (one.Record.Error is { } error ? $" {(StatusCode)error.Code} {error.Message}" : ""));
            return Task.CompletedTask;
        }, Ready, cancellationToken);

    private async Task<List<string>> LogAsync(string name)
    {
        List<string> said = [];
        await using FileStream log = _history.OpenLog(name)!;
        while (await HistoryFiles.ReadAsync(log, Cancel) is { } message)
            said.AddRange(StatusResponse.Parser.ParseFrom(message).Logs.Select(piece => piece.Msg.ToStringUtf8()));
        return said;
    }
}
