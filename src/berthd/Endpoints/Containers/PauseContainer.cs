using Berth.Daemon.Http;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>204 frozen; 404, 409.</summary>
internal static class PauseContainer
{
    public static async Task HandleAsync(ApiCall call)
    {
        await call.Engine.Containers.PauseAsync(call.Id, call.Cancelled);
        await call.WriteStatusAsync(StatusCodes.Status204NoContent);
    }
}
