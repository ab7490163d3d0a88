using Berth.Daemon.Http;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>204 started, 304 runs already; 400, 404, 409.</summary>
internal static class StartContainer
{
    public static async Task HandleAsync(ApiCall call)
    {
        bool started = await call.Engine.Containers.StartAsync(call.Id, call.Cancelled);
        await call.WriteStatusAsync(started ? StatusCodes.Status204NoContent : StatusCodes.Status304NotModified);
    }
}
