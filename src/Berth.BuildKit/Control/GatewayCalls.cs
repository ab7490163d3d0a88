using Berth.BuildKit.Protocol;
using Berth.BuildKit.Protocol.Gateway;
using Berth.BuildKit.Sessions;
using Berth.Faults;
using Google.Protobuf;
using Grpc.Core;

namespace Berth.BuildKit.Control;

/// <summary>The gateway, by which Buildx drives a build that it began without a frontend: it asks what there is, asks for the Dockerfile's
/// result, and returns that as the result of its own. Only what that needs is offered; a result is built when it is returned.</summary>
/// <remarks>BuildKit, frontend/gateway: capabilities in pb/caps.go.</remarks>
internal sealed class GatewayCalls(
    BuildTable builds, SessionTable sessions, IBuildControl engine, Func<WorkerRecord> worker, TimeProvider time)
{
    // Says to which build a call belongs.
    private const string BuildHeader = "buildkit-controlapi-buildid";

    private static readonly string[] s_capabilities =
        ["solve.base", "return", "proto.refarray", "importcaches", "gateway.solve.metadata", "frontend.caps"];

    public async Task<PongResponse> PingAsync(PingRequest request, ControlCall call)
    {
        await FindAsync(call).ConfigureAwait(false);
        PongResponse response = new() { Workers = { worker() } };
        response.FrontendApiCaps.AddRange(s_capabilities.Select(id => new ApiCap { Id = id, Enabled = true }));
        return response;
    }

    public async Task<BridgeSolveResponse> SolveAsync(BridgeSolveRequest request, ControlCall call)
    {
        BuildJob job = await FindAsync(call).ConfigureAwait(false);
        if (request.Definition is { Def.Count: > 0 } || request.FrontendInputs.Count > 0)
            throw SolvePlan.NoGraph();
        if (request.Frontend.Length == 0)
            return new BridgeSolveResponse { Result = new Result() };
        SolvePlan.CheckFrontend(request.Frontend);
        SolveOptions options = FrontendAttributes.Read(request.FrontendOpt);
        if (request.FrontendOpt.TryGetValue(FrontendAttributes.Request, out string? asked))
            return new BridgeSolveResponse { Result = await AskAsync(asked, options, job, call).ConfigureAwait(false) };
        if (request.Evaluate)
            throw new FaultException(FaultKind.NotSupported, "solve: a result is built when it is returned, and not before");
        string id = job.Keep(options with
        {
            CacheFrom = [.. request.CacheImports.Select(entry =>
                entry.Attrs.TryGetValue("ref", out string? reference) ? reference : $"type={entry.Type}")],
        }, request.Frontend, request.FrontendOpt.ToDictionary());
        if (!request.AllowResultReturn)
            return new BridgeSolveResponse { Ref = id };
        Result result = request.AllowResultArrayRef ? new Result { Ref = new Ref { Id = id } } : new Result { RefDeprecated = id };
        return new BridgeSolveResponse { Result = result };
    }

    public async Task<ReturnResponse> ReturnAsync(ReturnRequest request, ControlCall call)
    {
        BuildJob job = await FindAsync(call).ConfigureAwait(false);
        if (request.Error is { } error)
            job.Fail(new Status((StatusCode)error.Code, error.Message));
        else
            job.Return(OnlyRef(request.Result));
        return new ReturnResponse();
    }

    private static string? OnlyRef(Result? result)
    {
        string[] ids = result?.ResultCase switch
        {
            Result.ResultOneofCase.Ref => [result.Ref.Id],
            Result.ResultOneofCase.Refs => [.. result.Refs.Refs.Values.Select(reference => reference.Id)],
            Result.ResultOneofCase.RefDeprecated => [result.RefDeprecated],
            Result.ResultOneofCase.RefsDeprecated => [.. result.RefsDeprecated.Refs.Values],
            _ => [],
        };
        return ids.Where(id => id.Length > 0).ToArray() switch
        {
            [] => null,
            [var only] => only,
            _ => throw new FaultException(FaultKind.NotSupported, "return: several results at once are not offered by this engine"),
        };
    }

    private async Task<BuildJob> FindAsync(ControlCall call)
    {
        string id = call.Headers(BuildHeader).FirstOrDefault()
            ?? throw FaultException.Invalid("no buildid found in context");
        BuildJob job = await builds.FindAsync(id, isRunning: true, call.Cancelled).ConfigureAwait(false);
        return job.IsGateway ? job : throw FaultException.NotFound($"no such job {id}");
    }

    private async Task<Result> AskAsync(string asked, SolveOptions options, BuildJob job, ControlCall call)
    {
        Result result = new();
        foreach ((string name, string value) in await Subrequests.AnswerAsync(
            asked, options, engine, sessions, job, time, call.Cancelled).ConfigureAwait(false))
            result.Metadata[name] = ByteString.CopyFromUtf8(value);
        return result;
    }
}
