using Berth.EndToEnd.Tests.Buildx;
using Berth.EndToEnd.Tests.Buildx.Protocol;
using Berth.EndToEnd.Tests.Robustness;
using Grpc.Core;

namespace Berth.EndToEnd.Tests;

/// <summary>The history of builds as <c>docker buildx history</c> asks for it, call by call.</summary>
public sealed class BuildHistoryTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("berth-buildx-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Records_AreListedReplayedPinnedAndRemoved_AndOutliveTheEngine()
    {
        Assert.SkipWhen(OwnDaemon.Missing is not null, OwnDaemon.Missing ?? "");
        await using OwnDaemon daemon = await OwnDaemon.StartAsync();
        string good, bad;
        await using (BuildxClient client = new(daemon.Socket))
        await using (BuildxSession session = new() { Directories = { ["context"] = _directory, ["dockerfile"] = _directory } })
        {
            await session.OpenAsync(daemon.Socket, Cancel);
            // Buildx' question whether there is a history, and its probe, of which none tells.
            using AsyncServerStreamingCall<BuildHistoryEvent> feature = client.Control.ListenBuildHistory(
                new BuildHistoryRequest { ActiveOnly = true, Ref = "buildx-test-history-api-feature", EarlyExit = true }, cancellationToken: Cancel);
            Assert.False(await feature.ResponseStream.MoveNext(Cancel));
            await client.ProbeAsync(Cancel);
            Assert.Empty(await client.ListAsync(Cancel));

            await WriteAsync("FROM bb\nRUN echo said by it\nRUN echo and this\n");
            Assert.Equal("", (await client.BuildAsync(
                session.Id, new() { ["filename"] = "Dockerfile", ["label:l"] = "b" }, As("moby", "his:1"), Cancel)).Reason);
            BuildHistoryRecord record = Only(await client.ListAsync(Cancel));
            good = record.Ref;
            Assert.Equal(("dockerfile.v0", "Dockerfile", "b"), (record.Frontend, record.FrontendAttrs["filename"], record.FrontendAttrs["label:l"]));
            Assert.Equal(("moby", "his:1"), (record.Exporters[0].Type, record.Exporters[0].Attrs["name"]));
            Assert.StartsWith("sha256:", record.ExporterResponse["containerimage.digest"]);
            Assert.True(record.NumTotalSteps >= 4 && record.NumCompletedSteps == record.NumTotalSteps, $"{record}");
            Assert.Equal(0, record.NumCachedSteps);
            Assert.True(record.CompletedAt >= record.CreatedAt);

            // Again, from the cache; and one that fails, while a client listens.
            Assert.Equal("", (await client.BuildAsync(session.Id, [], As("moby", "his:2"), Cancel)).Reason);
            Assert.Equal([0, 2], (await client.ListAsync(Cancel)).Select(one => one.Record.NumCachedSteps).Order());
            using AsyncServerStreamingCall<BuildHistoryEvent> listening = client.Control.ListenBuildHistory(
                new BuildHistoryRequest { ActiveOnly = true }, cancellationToken: Cancel);
            await listening.ResponseHeadersAsync;
            await WriteAsync("FROM bb\nRUN echo before it; exit 3\n");
            Assert.Contains("non-zero code: 3", (await client.BuildAsync(session.Id, [], _ => { }, Cancel)).Reason);
            Assert.True(await listening.ResponseStream.MoveNext(Cancel));
            Assert.Equal(BuildHistoryEventType.Started, listening.ResponseStream.Current.Type);
            bad = listening.ResponseStream.Current.Record.Ref;
            Assert.True(await listening.ResponseStream.MoveNext(Cancel));
            Assert.Equal((BuildHistoryEventType.Complete, bad), (listening.ResponseStream.Current.Type, listening.ResponseStream.Current.Record.Ref));
            Assert.Contains("non-zero code: 3", listening.ResponseStream.Current.Record.Error.Message);
            Assert.Equal(bad, Only(await client.ListAsync(Cancel, "status==error")).Ref);
            Assert.Equal(2, (await client.ListAsync(Cancel, "status==completed,duration<1h")).Count);
            Assert.Empty(await client.ListAsync(Cancel, "startedAt<1h"));

            await client.Control.UpdateBuildHistoryAsync(new UpdateBuildHistoryRequest { Ref = good, Pinned = true }, cancellationToken: Cancel);
            // A client that wants its trace says so first; there is none to wait for.
            await client.Control.UpdateBuildHistoryAsync(new UpdateBuildHistoryRequest { Ref = good, Finalize = true }, cancellationToken: Cancel);
        }
        await daemon.KillAsync();
        await daemon.StartAsync();
        await using BuildxClient later = new(daemon.Socket, Route.PriorKnowledge);
        IReadOnlyList<BuildHistoryEvent> all = await later.ListAsync(Cancel);
        Assert.Equal(3, all.Count);
        Assert.True(Assert.Single(all, one => one.Record.Ref == good).Record.Pinned);
        BuildStory told = await later.FollowAsync(good, Cancel);
        Assert.Equal("said by it\nand this\n", told.Output);
        Assert.All(told.Vertexes, vertex => Assert.NotNull(vertex.Completed));
        BuildStory failed = await later.FollowAsync(bad, Cancel);
        Assert.Equal("before it\n", failed.Output);
        Assert.Contains(failed.Vertexes, vertex => vertex.Error.Contains("non-zero code: 3", StringComparison.Ordinal));

        await later.Control.UpdateBuildHistoryAsync(new UpdateBuildHistoryRequest { Ref = good, Delete = true }, cancellationToken: Cancel);
        Assert.DoesNotContain(await later.ListAsync(Cancel), one => one.Record.Ref == good);
        RpcException gone = await Assert.ThrowsAsync<RpcException>(() => later.FollowAsync(good, Cancel));
        Assert.Equal((StatusCode.NotFound, $"no such job {good}"), (gone.StatusCode, gone.Status.Detail));
        RpcException twice = await Assert.ThrowsAsync<RpcException>(async () => await later.Control.UpdateBuildHistoryAsync(
            new UpdateBuildHistoryRequest { Ref = good, Delete = true }, cancellationToken: Cancel));
        Assert.Equal(StatusCode.NotFound, twice.StatusCode);
    }

    private static BuildHistoryRecord Only(IReadOnlyList<BuildHistoryEvent> all)
    {
        BuildHistoryEvent only = Assert.Single(all);
        Assert.Equal(BuildHistoryEventType.Complete, only.Type);
        return only.Record;
    }

    private static Action<SolveRequest> As(string type, string name) =>
        request => request.Exporters.Add(new Exporter { Type = type, Attrs = { ["name"] = name } });

    private Task WriteAsync(string dockerfile) => File.WriteAllTextAsync($"{_directory}/Dockerfile", dockerfile, Cancel);
}
