using Berth.Daemon.Http;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>204 goes on; 404, 409.</summary>
internal static class UnpauseContainer
{
    public static async Task HandleAsync(ApiCall call)
    {
        await call.Engine.Containers.UnpauseAsync(call.Id, call.Cancelled);
        await call.WriteStatusAsync(StatusCodes.Status204NoContent);
    }
}
