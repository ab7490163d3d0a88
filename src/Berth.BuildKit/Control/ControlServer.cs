using Berth.BuildKit.History;
using Berth.BuildKit.Protocol;
using Berth.BuildKit.Protocol.Gateway;
using Berth.BuildKit.Sessions;
using Berth.Faults;
using Berth.Oci.Images;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Berth.BuildKit.Control;

/// <summary>
/// BuildKit's Control service with the gateway in which Buildx asks for a Dockerfile's build, and the health check: what a client needs
/// that builds with BuildKit over <c>POST /grpc</c>. It knows messages and no HTTP; one for the engine, disposed after its last call.
/// </summary>
/// <remarks>BuildKit, api/services/control/control.proto and frontend/gateway/pb/gateway.proto.</remarks>
public sealed class ControlServer : IDisposable
{
    private const string Control = "/moby.buildkit.v1.Control/";
    private const string Bridge = "/moby.buildkit.v1.frontend.LLBBridge/";

    // The docker driver reads from it which address --add-host host-gateway means.
    private const string HostGatewayLabel = "org.mobyproject.buildkit.worker.moby.host-gateway-ip";
    private const int Serving = 1;

    private readonly IBuildControl _engine;
    private readonly SessionTable _sessions;
    private readonly BuildTable _builds;
    private readonly BuildHistory _history;
    private readonly SolveCall _solve;
    private readonly GatewayCalls _gateway;
    private readonly Dictionary<string, Func<ControlCall, Task>> _methods;

    /// <summary>Makes it.</summary>
    /// <param name="engine">Builds.</param>
    /// <param name="sessions">The sessions of clients, also those opened in other ways.</param>
    /// <param name="history">Where records of builds are kept.</param>
    /// <param name="time">The time.</param>
    public ControlServer(IBuildControl engine, SessionTable sessions, HistoryOptions history, TimeProvider time)
    {
        (_engine, _sessions) = (engine, sessions);
        _builds = new BuildTable(time);
        _history = new BuildHistory(history, time);
        _solve = new SolveCall(engine, sessions, _builds, _history, time);
        _gateway = new GatewayCalls(_builds, sessions, engine, Worker, time);
        _methods = new Dictionary<string, Func<ControlCall, Task>>(StringComparer.Ordinal)
        {
            ["/grpc.health.v1.Health/Check"] = Unary(HealthCheckRequest.Parser, (_, _) =>
                Task.FromResult(new HealthCheckResponse { Status = Serving })),
            [Control + "Info"] = Unary(InfoRequest.Parser, (_, _) => Task.FromResult(new InfoResponse { BuildkitVersion = Version() })),
            [Control + "ListWorkers"] = Unary(ListWorkersRequest.Parser, (request, _) => Task.FromResult(ListWorkers(request))),
            [Control + "Solve"] = Unary(SolveRequest.Parser, _solve.RunAsync),
            [Control + "Status"] = SendStatusAsync,
            [Control + "Session"] = RunSessionAsync,
            [Control + "DiskUsage"] = Unary(DiskUsageRequest.Parser, ListCacheAsync),
            [Control + "Prune"] = PruneAsync,
            [Control + "ListenBuildHistory"] = ListenAsync,
            [Control + "UpdateBuildHistory"] = Unary(UpdateBuildHistoryRequest.Parser, UpdateHistoryAsync),
            [Bridge + "Ping"] = Unary(PingRequest.Parser, _gateway.PingAsync),
            [Bridge + "Solve"] = Unary(BridgeSolveRequest.Parser, _gateway.SolveAsync),
            [Bridge + "Return"] = Unary(ReturnRequest.Parser, _gateway.ReturnAsync),
        };
    }

    /// <summary>Builds that run or have just ended.</summary>
    public int BuildCount => _builds.Count;

    /// <summary>Answers a call.</summary>
    /// <returns>How it ended: the caller sends it behind the answers.</returns>
    public async Task<Status> AnswerAsync(ControlCall call)
    {
        if (!_methods.TryGetValue(call.Path, out Func<ControlCall, Task>? method))
            return Unknown(call.Path);
        try
        {
            await method(call).ConfigureAwait(false);
            return Status.DefaultSuccess;
        }
        catch (Exception failure) when (failure is RpcException or FaultException or OperationCanceledException)
        {
            return StatusOf(failure);
        }
    }

    /// <summary>How gRPC says a failure.</summary>
    internal static Status StatusOf(Exception failure) => failure switch
    {
        RpcException refused => refused.Status,
        FaultException fault => new Status(CodeOf(fault.Kind), fault.Message),
        OperationCanceledException => new Status(StatusCode.Cancelled, "context canceled"),
        _ => new Status(StatusCode.Internal, failure.Message),
    };

    /// <inheritdoc/>
    public void Dispose() => _builds.Dispose();

    /// <summary>The code that gRPC has for a kind of failure.</summary>
    internal static StatusCode CodeOf(FaultKind kind) => kind switch
    {
        FaultKind.InvalidArgument => StatusCode.InvalidArgument,
        FaultKind.Unauthorized => StatusCode.Unauthenticated,
        FaultKind.Forbidden => StatusCode.PermissionDenied,
        FaultKind.NotFound => StatusCode.NotFound,
        FaultKind.Conflict => StatusCode.AlreadyExists,
        FaultKind.NotSupported => StatusCode.Unimplemented,
        // Clients try again by themselves what is Unavailable; a build that failed is not to begin once more.
        FaultKind.Unavailable => StatusCode.FailedPrecondition,
        FaultKind.Cancelled => StatusCode.Cancelled,
        FaultKind.Internal => StatusCode.Unknown,
        _ => throw new System.Diagnostics.UnreachableException($"unmapped {kind}"),
    };

    private static Func<ControlCall, Task> Unary<TRequest, TResponse>(
        MessageParser<TRequest> parser, Func<TRequest, ControlCall, Task<TResponse>> answer)
        where TRequest : class, IMessage<TRequest>, new() where TResponse : IMessage =>
        async call =>
        {
            TRequest request = await ReadAsync(parser, call).ConfigureAwait(false);
            TResponse response = await answer(request, call).ConfigureAwait(false);
            await MessageFrames.WriteAsync(call.Answers, response, call.Cancelled).ConfigureAwait(false);
        };

    private static async Task<T> ReadAsync<T>(MessageParser<T> parser, ControlCall call) where T : class, IMessage<T> =>
        await MessageFrames.ReadAsync(call.Requests, parser, call.Cancelled).ConfigureAwait(false)
            ?? throw new RpcException(new Status(StatusCode.Internal, "a request is missing"));

    private static Status Unknown(string path)
    {
        string[] parts = path.Split('/');
        return new Status(StatusCode.Unimplemented, parts is ["", var service, var method]
            ? $"unknown method {method} for service {service}: it is not offered by this engine" : $"malformed method name: \"{path}\"");
    }

    private async Task ListenAsync(ControlCall call)
    {
        BuildHistoryRequest request = await ReadAsync(BuildHistoryRequest.Parser, call).ConfigureAwait(false);
        // Its head may be all that a client gets for a long time, and goes out with what is flushed.
        await _history.ListenAsync(
            request, one => MessageFrames.WriteAsync(call.Answers, one, call.Cancelled), () => call.Answers.FlushAsync(call.Cancelled),
            call.Cancelled).ConfigureAwait(false);
    }

    private Task<UpdateBuildHistoryResponse> UpdateHistoryAsync(UpdateBuildHistoryRequest request, ControlCall call)
    {
        _history.Update(request);
        return Task.FromResult(new UpdateBuildHistoryResponse());
    }

    private BuildkitVersion Version() =>
        new() { Package = "berth", Version = $"v{_engine.Version.Version}", Revision = _engine.Version.Commit };

    private WorkerRecord Worker()
    {
        Platform host = Platform.Host;
        WorkerRecord worker = new()
        {
            Id = "berth",
            BuildkitVersion = Version(),
            Platforms =
            {
                new WorkerPlatform { Os = host.Os, Architecture = host.Architecture, Variant = host.Variant ?? "" },
            },
        };
        if (_engine.HostGateway is { } address)
            worker.Labels[HostGatewayLabel] = address;
        return worker;
    }

    private ListWorkersResponse ListWorkers(ListWorkersRequest request)
    {
        NoFilters(request.Filter);
        return new ListWorkersResponse { Record = { Worker() } };
    }

    private async Task SendStatusAsync(ControlCall call)
    {
        StatusRequest request = await ReadAsync(StatusRequest.Parser, call).ConfigureAwait(false);
        if (_history.OpenLog(request.Ref) is { } past)
        {
            await using (past.ConfigureAwait(false))
            {
                while (await HistoryFiles.ReadAsync(past, call.Cancelled).ConfigureAwait(false) is { } message)
                    await MessageFrames.WriteAsync(call.Answers, message, call.Cancelled).ConfigureAwait(false);
            }
            return;
        }
        BuildJob job = await _builds.FindAsync(request.Ref, isRunning: false, call.Cancelled).ConfigureAwait(false);
        await foreach (ReadOnlyMemory<byte> message in job.Log.ReadAsync(call.Cancelled).ConfigureAwait(false))
            await MessageFrames.WriteAsync(call.Answers, message, call.Cancelled).ConfigureAwait(false);
    }

    private async Task RunSessionAsync(ControlCall call)
    {
        SessionOffer offer = SessionOffer.Read(call.Headers);
        await using SessionTunnel tunnel = new(call);
        await _sessions.RunAsync(offer, tunnel, call.Cancelled).ConfigureAwait(false);
    }

    private async Task<DiskUsageResponse> ListCacheAsync(DiskUsageRequest request, ControlCall call)
    {
        NoFilters(request.Filter);
        IReadOnlyList<CacheUse> uses = await _engine.ListCacheAsync(call.Cancelled).ConfigureAwait(false);
        return new DiskUsageResponse { Record = { uses.Select(ToMessage) } };
    }

    private async Task PruneAsync(ControlCall call)
    {
        PruneRequest request = await ReadAsync(PruneRequest.Parser, call).ConfigureAwait(false);
        NoFilters(request.Filter);
        if (request.MaxUsedSpace > 0 || request.MinFreeSpace > 0)
            throw new FaultException(
                FaultKind.NotSupported,
                "prune: --max-used-space and --min-free-space are not offered by this engine: use --reserved-space");
        IReadOnlyList<CacheUse> before = await _engine.ListCacheAsync(call.Cancelled).ConfigureAwait(false);
        TimeSpan unusedFor = TimeSpan.FromTicks(Math.Max(0, request.KeepDuration) / TimeSpan.NanosecondsPerTick);
        await _engine.PruneCacheAsync(request.All, unusedFor, Math.Max(0, request.ReservedSpace), call.Cancelled).ConfigureAwait(false);
        HashSet<string> left = [.. (await _engine.ListCacheAsync(call.Cancelled).ConfigureAwait(false)).Select(use => use.Id)];
        foreach (CacheUse gone in before.Where(use => !left.Contains(use.Id)))
            await MessageFrames.WriteAsync(call.Answers, ToMessage(gone), call.Cancelled).ConfigureAwait(false);
    }

    private static void NoFilters(IReadOnlyCollection<string> filters)
    {
        if (filters.Count > 0)
            throw new FaultException(FaultKind.NotSupported, $"the filter '{filters.First()}' is not offered by this engine");
    }

    private static UsageRecord ToMessage(CacheUse use) => new()
    {
        Id = use.Id,
        RecordType = use.Type,
        Description = use.Description,
        Size = use.Bytes,
        InUse = use.InUse,
        Shared = use.Shared,
        CreatedAt = Timestamp.FromDateTimeOffset(use.Created),
        LastUsedAt = use.LastUsed is { } used ? Timestamp.FromDateTimeOffset(used) : null,
        UsageCount = use.Uses,
    };
}
