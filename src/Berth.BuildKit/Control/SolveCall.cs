using Berth.BuildKit.Export;
using Berth.BuildKit.History;
using Berth.BuildKit.Progress;
using Berth.BuildKit.Protocol;
using Berth.BuildKit.Sessions;
using Berth.Builder;
using Berth.Faults;
using Berth.Oci;
using Grpc.Core;

namespace Berth.BuildKit.Control;

/// <summary><c>Control.Solve</c>: one build from its request to its image.</summary>
internal sealed class SolveCall(
    IBuildControl engine, SessionTable sessions, BuildTable builds, BuildHistory history, TimeProvider time)
{
    /// <summary>Builds, and says what came of it. The build lasts no longer than the call.</summary>
    /// <exception cref="FaultException">The request is refused, or the build failed.</exception>
    /// <exception cref="RpcException">The client, which drives the build itself, gave up.</exception>
    public async Task<SolveResponse> RunAsync(SolveRequest request, ControlCall call)
    {
        SolvePlan plan = SolvePlan.Read(request);
        SolveOptions? options = null;
        if (request.Frontend.Length > 0)
        {
            SolvePlan.CheckFrontend(request.Frontend);
            if (request.FrontendAttrs.TryGetValue(FrontendAttributes.Request, out string? asked))
                throw Subrequests.NoResult(asked);
            options = plan.Complete(FrontendAttributes.Read(request.FrontendAttrs));
        }
        BuildJob job = builds.Begin(request.Ref, request.Session, isGateway: options is null);
        if (!request.Internal)
            history.Begin(request);
        Status outcome = Status.DefaultSuccess;
        SolveResponse? response = null;
        try
        {
            if (options is null && await job.ReturnedAsync(call.Cancelled).ConfigureAwait(false) is { } returned)
                options = plan.Complete(returned);
            response = options is null ? new SolveResponse()
                : await BuildAsync(request.Session, plan, options, job, call.Cancelled).ConfigureAwait(false);
            return response;
        }
        catch (Exception failure)
        {
            outcome = ControlServer.StatusOf(failure);
            throw;
        }
        finally
        {
            builds.End(job);
            // Before the answer: whoever has it asks for the record.
            history.End(job, outcome, response);
        }
    }

    private async Task<SolveResponse> BuildAsync(
        string session, SolvePlan plan, SolveOptions options, BuildJob job, CancellationToken cancellationToken)
    {
        BuildTrace trace = BuildTrace.Into(job.Log.Write, time);
        TraceProgress progress = new(trace) { SaysWarnings = true };
        try
        {
            await SayDoubtsAsync(options, progress, cancellationToken).ConfigureAwait(false);
            using SolveSessions used =
                await SolveSessions.TakeAsync(sessions, session, options, cancellationToken).ConfigureAwait(false);
            Digest image = await used.RunAsync(
                token => BuildAsync(plan, options, used, trace, progress, token), cancellationToken).ConfigureAwait(false);
            progress.Finish(null);
            return Respond(plan, image);
        }
        catch (Exception failure) when (failure is FaultException or IOException or RpcException or OperationCanceledException)
        {
            string reason = failure is OperationCanceledException ? "context canceled" : failure.Message;
            progress.Finish(reason);
            if (failure is IOException)
                throw FaultException.Internal(failure.Message, failure);
            throw;
        }
    }

    private async Task<Digest> BuildAsync(
        SolvePlan plan, SolveOptions options, SolveSessions used, BuildTrace trace, TraceProgress progress,
        CancellationToken cancellationToken)
    {
        SessionClient client = used.ClientOf(options, trace);
        ClientExport? export = plan.Form is { } form ? new ClientExport(used.Own, trace, form) : null;
        await using Stream? upload = options.UploadPath is { } path ? new UploadStream(used.Own, path, cancellationToken) : null;
        return await engine.BuildAsync(options, client, export, upload, progress, cancellationToken).ConfigureAwait(false);
    }

    private static async Task SayDoubtsAsync(SolveOptions options, TraceProgress progress, CancellationToken cancellationToken)
    {
        foreach (string doubt in options.Doubts)
            await progress.ReportAsync(new BuildWarning(doubt), cancellationToken).ConfigureAwait(false);
    }

    private static SolveResponse Respond(SolvePlan plan, Digest image)
    {
        SolveResponse response = new();
        if (plan.Form is not null)
            return response;
        // As the docker driver has it without containerd's store: the image's digest is its ID.
        response.ExporterResponse["containerimage.digest"] = image.ToString();
        response.ExporterResponse["containerimage.config.digest"] = image.ToString();
        if (plan.Names.Length > 0)
            response.ExporterResponse["image.name"] = plan.Names;
        return response;
    }
}
