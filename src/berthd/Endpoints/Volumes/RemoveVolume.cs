using Berth.Daemon.Http;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Volumes;

/// <summary>204 removed; 404, 409 in use.</summary>
internal static class RemoveVolume
{
    public static async Task HandleAsync(ApiCall call)
    {
        await call.Engine.Volumes.RemoveAsync(call.Id, call.Query.Flag("force"), call.Cancelled);
        await call.WriteStatusAsync(StatusCodes.Status204NoContent);
    }
}
