using System.Buffers.Binary;
using Berth.Builder;
using Berth.BuildKit.Control;
using Berth.BuildKit.History;
using Berth.BuildKit.Protocol;
using Berth.BuildKit.Protocol.Gateway;
using Berth.BuildKit.Sessions;
using Berth.Faults;
using Berth.Oci;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;

namespace Berth.BuildKit.Tests;

/// <summary>The Control service call by call, with an engine that builds nothing.</summary>
public sealed class ControlServerTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-history-");
    private readonly List<string> _warnings = [];
    private readonly SessionTable _sessions;
    private readonly ControlServer _server;

    public ControlServerTests()
    {
        _sessions = new SessionTable(_time);
        _server = new ControlServer(new NoEngine(), _sessions, new HistoryOptions(_directory.FullName, _warnings.Add), _time);
    }

    public void Dispose()
    {
        _server.Dispose();
        _directory.Delete(recursive: true);
        Assert.Empty(_warnings);
    }

    [Fact]
    public async Task Call_Health_Serves()
    {
        (Status status, byte[] answer) = await AskAsync("/grpc.health.v1.Health/Check", new HealthCheckRequest());
        Assert.Equal(StatusCode.OK, status.StatusCode);
        Assert.Equal(1, HealthCheckResponse.Parser.ParseFrom(answer.AsSpan(5)).Status);
    }

    [Theory]
    [InlineData("/moby.buildkit.v1.Control/Nothing", "unknown method Nothing for service moby.buildkit.v1.Control")]
    [InlineData("/moby.buildkit.v1.frontend.LLBBridge/ReadFile", "unknown method ReadFile for service moby.buildkit.v1.frontend.LLBBridge")]
    [InlineData("nonsense", "malformed method name: \"nonsense\"")]
    public async Task Call_NotOffered_IsUnimplemented(string path, string sentence)
    {
        (Status status, _) = await AskAsync(path, new InfoRequest());
        Assert.Equal(StatusCode.Unimplemented, status.StatusCode);
        Assert.Contains(sentence, status.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new byte[0], StatusCode.Internal, "a request is missing")]
    [InlineData(new byte[] { 0, 0 }, StatusCode.Internal, "head is cut short")]
    [InlineData(new byte[] { 0, 0, 0, 0, 9, 1 }, StatusCode.Internal, "message is cut short")]
    [InlineData(new byte[] { 1, 0, 0, 0, 0 }, StatusCode.Unimplemented, "compressed messages are not supported")]
    [InlineData(new byte[] { 0, 1, 0, 0, 1 }, StatusCode.ResourceExhausted, "larger than max (16777217 vs. 16777216)")]
    [InlineData(new byte[] { 0, 255, 255, 255, 255 }, StatusCode.ResourceExhausted, "larger than max (4294967295")]
    [InlineData(new byte[] { 0, 0, 0, 0, 1, 0x0a }, StatusCode.Internal, "failed to unmarshal")]
    public async Task Call_MalformedMessage_IsRefused(byte[] request, StatusCode code, string sentence)
    {
        Status status = await _server.AnswerAsync(Call("/moby.buildkit.v1.Control/Solve", new MemoryStream(request), new MemoryStream()));
        Assert.Equal(code, status.StatusCode);
        Assert.Contains(sentence, status.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gateway.v0", StatusCode.Unimplemented, "frontends that are images are not offered")]
    [InlineData("moon.v0", StatusCode.InvalidArgument, "invalid frontend: moon.v0")]
    [InlineData("dockerfile.v0", StatusCode.InvalidArgument, "a build needs a session")]
    public async Task Solve_WhatCannotBe_IsRefused(string frontend, StatusCode code, string sentence)
    {
        (Status status, _) = await AskAsync("/moby.buildkit.v1.Control/Solve", new SolveRequest { Ref = "r", Frontend = frontend });
        Assert.Equal(code, status.StatusCode);
        Assert.Contains(sentence, status.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    public async Task Solve_NameThatIsNone_IsRefused(string? name)
    {
        (Status status, _) = await AskAsync(
            "/moby.buildkit.v1.Control/Solve", new SolveRequest { Ref = name ?? new string('x', BuildTable.NameLengthMax + 1) });
        Assert.Equal(StatusCode.InvalidArgument, status.StatusCode);
    }

    [Fact]
    public async Task Gateway_BuildOfNothing_EndsWithoutAResult()
    {
        Task<(Status Status, byte[] Answer)> solving = AskAsync("/moby.buildkit.v1.Control/Solve", new SolveRequest { Ref = "r" });
        (Status twice, _) = await AskAsync("/moby.buildkit.v1.Control/Solve", new SolveRequest { Ref = "r" });
        Assert.Equal((StatusCode.AlreadyExists, "job ID r exists"), (twice.StatusCode, twice.Detail));
        (Status ping, byte[] pong) = await AskAsync("/moby.buildkit.v1.frontend.LLBBridge/Ping", new PingRequest(), "r");
        Assert.Equal(StatusCode.OK, ping.StatusCode);
        Assert.Single(PongResponse.Parser.ParseFrom(pong.AsSpan(5)).Workers);
        Assert.False(solving.IsCompleted);
        await AskAsync("/moby.buildkit.v1.frontend.LLBBridge/Return", new ReturnRequest(), "r");
        (Status solved, byte[] answer) = await solving;
        Assert.Equal(StatusCode.OK, solved.StatusCode);
        Assert.Empty(SolveResponse.Parser.ParseFrom(answer.AsSpan(5)).ExporterResponse);
    }

    [Fact]
    public async Task Gateway_ClientGivesUp_EndsTheBuildWithItsReason()
    {
        Task<(Status Status, byte[] Answer)> solving = AskAsync("/moby.buildkit.v1.Control/Solve", new SolveRequest { Ref = "r" });
        await AskAsync(
            "/moby.buildkit.v1.frontend.LLBBridge/Return", new ReturnRequest { Error = new ReturnError { Code = 3, Message = "no" } }, "r");
        Assert.Equal((StatusCode.InvalidArgument, "no"), ((await solving).Status.StatusCode, (await solving).Status.Detail));
    }

    [Fact]
    public async Task Gateway_GraphEvaluationAndForeignRefs_AreRefused()
    {
        Task<(Status Status, byte[] Answer)> solving = AskAsync("/moby.buildkit.v1.Control/Solve", new SolveRequest { Ref = "r" });
        await RefusedAsync(
            new BridgeSolveRequest { Definition = new Definition { Def = { ByteString.Empty } } }, StatusCode.Unimplemented, "no build graphs");
        await RefusedAsync(
            new BridgeSolveRequest { Frontend = "dockerfile.v0", Evaluate = true }, StatusCode.Unimplemented, "built when it is returned");
        await RefusedAsync(
            new BridgeSolveRequest { Frontend = "dockerfile.v0", FrontendOpt = { ["requestid"] = "frontend.moon" } },
            StatusCode.Unimplemented, "unsupported request frontend.moon");
        for (int i = 0; i < BuildJob.ResultsMax; i++)
            Assert.Equal(StatusCode.OK, (await AskBridgeAsync(new BridgeSolveRequest { Frontend = "dockerfile.v0" })).StatusCode);
        await RefusedAsync(new BridgeSolveRequest { Frontend = "dockerfile.v0" }, StatusCode.InvalidArgument, "at most 64 results");
        (Status foreign, _) = await AskAsync(
            "/moby.buildkit.v1.frontend.LLBBridge/Return",
            new ReturnRequest { Result = new Result { Ref = new Ref { Id = "foreign" } } }, "r");
        Assert.Equal(StatusCode.NotFound, foreign.StatusCode);
        (Status none, _) = await AskAsync("/moby.buildkit.v1.frontend.LLBBridge/Ping", new PingRequest());
        Assert.Equal("no buildid found in context", none.Detail);
        await AskAsync("/moby.buildkit.v1.frontend.LLBBridge/Return", new ReturnRequest(), "r");
        await solving;

        async Task RefusedAsync(BridgeSolveRequest request, StatusCode code, string sentence)
        {
            Status status = await AskBridgeAsync(request);
            Assert.Equal(code, status.StatusCode);
            Assert.Contains(sentence, status.Detail, StringComparison.Ordinal);
        }

        async Task<Status> AskBridgeAsync(BridgeSolveRequest request) =>
            (await AskAsync("/moby.buildkit.v1.frontend.LLBBridge/Solve", request, "r")).Status;
    }

    [Fact]
    public async Task Solve_ClientGone_IsCancelledAndForgottenInTime()
    {
        using CancellationTokenSource stop = new();
        Task<Status> solving = _server.AnswerAsync(
            Call("/moby.buildkit.v1.Control/Solve", Frame(new SolveRequest { Ref = "r", Internal = true }), new MemoryStream()) with { Cancelled = stop.Token });
        await stop.CancelAsync();
        Assert.Equal(StatusCode.Cancelled, (await solving).StatusCode);
        // Who asks for its progress a moment late is told that it has ended, and who asks later that there is none.
        Assert.Equal(StatusCode.OK, (await AskAsync("/moby.buildkit.v1.Control/Status", new StatusRequest { Ref = "r" })).Status.StatusCode);
        _time.Advance(BuildTable.EndedTime);
        Assert.Equal(0, _server.BuildCount);
        Task<(Status Status, byte[] Answer)> late = AskAsync("/moby.buildkit.v1.Control/Status", new StatusRequest { Ref = "r" });
        Assert.False(late.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal((StatusCode.NotFound, "no such job r"), ((await late).Status.StatusCode, (await late).Status.Detail));
    }

    [Fact]
    public void Table_BeyondItsNumbers_RefusesBuildsAndForgetsEndedOnes()
    {
        using BuildTable table = new(_time);
        BuildJob[] jobs = [.. Enumerable.Range(0, BuildTable.BuildsMax).Select(number => table.Begin($"{number}", "", isGateway: true))];
        Assert.Equal(FaultKind.Unavailable, Assert.Throws<FaultException>(() => table.Begin("more", "", true)).Kind);
        foreach (BuildJob job in jobs)
            table.End(job);
        Assert.Equal(BuildTable.EndedMax, table.Count);
        // A name that is free again belongs to the new build also when the old one is forgotten.
        BuildJob again = table.Begin("255", "", isGateway: false);
        _time.Advance(BuildTable.EndedTime);
        Assert.Equal(1, table.Count);
        table.End(again);
    }

    [Fact]
    public async Task Log_BeyondItsLimits_KeepsBeginningsAndEnds()
    {
        StatusLog log = new();
        string piece = new('x', 100_000);
        for (int i = 0; i < 200; i++)
        {
            foreach (string vertex in new[] { "a", "b", "c", "d", "e", "f" })
                log.Write(new StatusResponse { Logs = { new VertexLog { Vertex = vertex, Msg = ByteString.CopyFromUtf8(piece) } } });
            log.Write(new StatusResponse { Statuses = { new VertexStatus { Id = "s", Vertex = "a", Name = piece } } });
        }
        log.Write(new StatusResponse { Vertexes = { new Vertex { Digest = "a", Error = "failed" } } });
        log.Complete();
        log.Write(new StatusResponse { Vertexes = { new Vertex { Digest = "too late" } } });
        List<StatusResponse> told = [];
        await foreach (ReadOnlyMemory<byte> message in log.ReadAsync(TestContext.Current.CancellationToken))
            told.Add(StatusResponse.Parser.ParseFrom(message.Span));
        Assert.InRange(told.Sum(message => (long)message.CalculateSize()), StatusLog.BytesMax / 2, StatusLog.BytesMax + 200_000);
        Assert.InRange(told.SelectMany(message => message.Logs).Where(line => line.Vertex == "a").Sum(line => line.Msg.Length), 1, StatusLog.StepOutputBytesMax + 100);
        Assert.Equal(6, told.SelectMany(message => message.Logs).Count(line => line.Msg.ToStringUtf8() == "\n[output clipped, log limit 2MiB reached]\n"));
        Assert.Equal("failed", told[^1].Vertexes[0].Error);
    }

    [Fact]
    public async Task Tunnel_CarriesASessionInMessages()
    {
        MemoryStream requests = new([.. Frame(new BytesMessage { Data = ByteString.CopyFromUtf8("hel") }).ToArray(), .. Frame(new BytesMessage()).ToArray(), .. Frame(new BytesMessage { Data = ByteString.CopyFromUtf8("lo") }).ToArray()]);
        MemoryStream answers = new();
        await using SessionTunnel tunnel = new(Call("", requests, answers));
        // Whoever waits for bytes with an empty buffer loses none.
        Assert.Equal(0, await tunnel.ReadAsync(Memory<byte>.Empty, TestContext.Current.CancellationToken));
        byte[] read = new byte[5];
        await tunnel.ReadExactlyAsync(read, TestContext.Current.CancellationToken);
        Assert.Equal("hello"u8.ToArray(), read);
        Assert.Equal(0, await tunnel.ReadAsync(read, TestContext.Current.CancellationToken));
        await tunnel.WriteAsync("back"u8.ToArray(), TestContext.Current.CancellationToken);
        Assert.Equal("back", BytesMessage.Parser.ParseFrom(answers.ToArray().AsSpan(5)).Data.ToStringUtf8());
    }

    [Theory]
    [InlineData(FaultKind.InvalidArgument, StatusCode.InvalidArgument)]
    [InlineData(FaultKind.Unauthorized, StatusCode.Unauthenticated)]
    [InlineData(FaultKind.Forbidden, StatusCode.PermissionDenied)]
    [InlineData(FaultKind.NotFound, StatusCode.NotFound)]
    [InlineData(FaultKind.Conflict, StatusCode.AlreadyExists)]
    [InlineData(FaultKind.NotSupported, StatusCode.Unimplemented)]
    [InlineData(FaultKind.Unavailable, StatusCode.FailedPrecondition)]
    [InlineData(FaultKind.Cancelled, StatusCode.Cancelled)]
    [InlineData(FaultKind.Internal, StatusCode.Unknown)]
    public void FaultKind_EachRow_HasItsCode(FaultKind kind, StatusCode code) => Assert.Equal(code, ControlServer.CodeOf(kind));

    private static MemoryStream Frame(IMessage message)
    {
        byte[] frame = [0, 0, 0, 0, 0, .. message.ToByteArray()];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), frame.Length - 5);
        return new MemoryStream(frame);
    }

    private static ControlCall Call(string path, Stream requests, Stream answers, string? build = null) => new()
    {
        Path = path,
        Headers = name => name == "buildkit-controlapi-buildid" && build is not null ? [build] : [],
        Requests = requests,
        Answers = answers,
        Cancelled = TestContext.Current.CancellationToken,
    };

    private async Task<(Status Status, byte[] Answer)> AskAsync(string path, IMessage request, string? build = null)
    {
        MemoryStream answers = new();
        Status status = await _server.AnswerAsync(Call(path, Frame(request), answers, build));
        return (status, answers.ToArray());
    }

    private sealed class NoEngine : IBuildControl
    {
        public (string Version, string Commit) Version => ("1", "c");

        public string? HostGateway => null;

        public Task<Digest> BuildAsync(
            SolveOptions options, IBuildClient client, IBuildExport? export, Stream? context, IBuildProgress progress,
            CancellationToken cancellationToken) => throw new InvalidOperationException("nothing is built here");

        public Task<string> ReadDefinitionAsync(string filename, IBuildClient client, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("nothing is read here");

        public Task<IReadOnlyList<CacheUse>> ListCacheAsync(CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyList<CacheUse>>([]);

        public Task PruneCacheAsync(bool all, TimeSpan unusedFor, long keepBytes, CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
