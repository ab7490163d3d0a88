using Berth.BuildKit.Export;
using Berth.BuildKit.Progress;
using Berth.BuildKit.Sessions;
using Berth.Daemon.Http;
using Berth.Daemon.Streams;
using Berth.Engine;
using Berth.Oci;

namespace Berth.Daemon.Endpoints.Builds;

/// <summary>A BuildKit client's build: 200 its trace; 400, 404.</summary>
internal static class BuildWithSession
{
    // A tar on a client's standard input comes in a request of its own.
    private const string UploadPrefix = "upload-request:";
    private const string Upload = "upload-request";
    private const string FromSession = "client-session";

    public static Task HandleAsync(ApiCall call, BuildSettings settings)
    {
        if (settings.BuildId is { } id && id.StartsWith(UploadPrefix, StringComparison.Ordinal))
            return call.Services.Uploads.OfferAsync(id[UploadPrefix.Length..], call.Http.Request.Body, call.Cancelled);
        if (call.Query.TextOrNull("session") is not { } session)
            throw FaultException.Invalid("a build of version 2 needs a session: POST /session opens one");
        return BuildAsync(call, settings, session, BuildQuery.Output(call.Query));
    }

    private static async Task BuildAsync(ApiCall call, BuildSettings settings, string session, ExportForm? output)
    {
        using SessionUse use = await call.Services.Sessions.TakeAsync(session, call.Cancelled);
        using CancellationTokenSource ending =
            CancellationTokenSource.CreateLinkedTokenSource(call.Cancelled, use.Session.Closed);
        await ProgressStream.RunAsync(call, async progress =>
        {
            TraceLines lines = new(progress, settings.Quiet);
            BuildTrace trace = new(lines.Write, call.Services.Clock);
            TraceProgress events = new(trace);
            string failure = "";
            try
            {
                BuildSettings complete = settings with
                {
                    Client = new SessionClient(use.Session, trace),
                    Export = output is { } form ? new ClientExport(use.Session, trace, form) : null,
                };
                Digest image = await BuildAsync(call, complete, events, ending.Token);
                events.Finish(null);
                lines.Succeed(output is null ? image : null);
                return;
            }
            catch (Exception refused) when (refused is FaultException or IOException)
            {
                failure = refused.Message;
            }
            catch (OperationCanceledException) when (!call.Cancelled.IsCancellationRequested)
            {
                failure = use.Session.Closed.IsCancellationRequested ? "the client closed its session" : "context canceled";
            }
            events.Finish(failure);
            lines.Fail(failure);
        });
    }

    private static async Task<Digest> BuildAsync(
        ApiCall call, BuildSettings settings, TraceProgress events, CancellationToken cancellationToken)
    {
        switch (settings.Remote)
        {
            case FromSession:
                return await call.Engine.Builds.BuildAsync(settings with { Remote = null }, null, events, cancellationToken);
            case Upload when settings.BuildId is { } id:
                using (UploadedBody upload = await call.Services.Uploads.TakeAsync(id, cancellationToken))
                    return await call.Engine.Builds.BuildAsync(settings with { Remote = null }, upload.Body, events, cancellationToken);
            default:
                return await call.Engine.Builds.BuildAsync(settings, call.Http.Request.Body, events, cancellationToken);
        }
    }
}
