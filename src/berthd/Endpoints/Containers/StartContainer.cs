using Berth.Daemon.Http;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>204 started, 304 runs already; 400, 404, 409.</summary>
internal static class StartContainer
{
    public static async Task HandleAsync(ApiCall call)
    {
        if (call.Query.TextOrNull("checkpoint") is { } checkpoint)
            throw new FaultException(
                FaultKind.NotSupported, $"start from checkpoint {checkpoint}: checkpoints are not supported by this engine");
        bool started = await call.Engine.Containers.StartAsync(call.Id, call.Cancelled);
        await call.WriteStatusAsync(started ? StatusCodes.Status204NoContent : StatusCodes.Status304NotModified);
    }
}
