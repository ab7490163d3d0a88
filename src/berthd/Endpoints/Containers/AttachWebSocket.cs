using Berth.Daemon.Http;
using Berth.Daemon.Transport;
using Berth.Engine;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>101 and its streams as messages; 400 no handshake, 404, 409.</summary>
internal static class AttachWebSocket
{
    private static readonly Wire.ApiVersion s_withBinaryMessages = new(1, 28);

    public static async Task HandleAsync(ApiCall call)
    {
        WebSocketStream.Require(call.Http.Request);
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
        await WebSocketStream.RunAsync(
            call.Http, attachment, stdin, asText: call.Version < s_withBinaryMessages, call.Services.Stopping);
    }
}
