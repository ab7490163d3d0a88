using Berth.Daemon.Http;
using Berth.Daemon.Transport;
using Berth.Engine;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>101 or 200 and its streams; 400, 404, 409.</summary>
internal static class AttachContainer
{
    public static async Task HandleAsync(ApiCall call)
    {
        // dockerode sends its options once more as a body: that is no input of the container's.
        if (call.Http.Request.ContentLength is > 0)
            await call.Http.Request.Body.CopyToAsync(Stream.Null, call.Cancelled);
        bool stdin = call.Query.Flag("stdin");
        IAttachment attachment = await call.Engine.Containers.AttachAsync(
            call.Id,
            new AttachRequest
            {
                Stdin = stdin,
                Stdout = call.Query.Flag("stdout"),
                Stderr = call.Query.Flag("stderr"),
                Stream = call.Query.Flag("stream"),
                Logs = call.Query.Flag("logs"),
                DetachKeys = call.Query.TextOrNull("detachKeys"),
            },
            call.Cancelled);
        bool framed = !attachment.IsTerminal;
        await HijackedStream.RunAsync(
            call.Http, _ => Task.FromResult(attachment), stdin, framed,
                OutputFrame.ContentType(framed, call.Version), call.Services.Stopping);
    }
}
