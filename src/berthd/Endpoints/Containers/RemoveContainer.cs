using Berth.Daemon.Http;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>204 removed; 400, 404, 409 running.</summary>
internal static class RemoveContainer
{
    public static async Task HandleAsync(ApiCall call)
    {
        if (call.Query.Flag("link"))
            await call.Engine.Containers.RemoveLinkAsync(call.Id, call.Cancelled);
        else
            await call.Engine.Containers.RemoveAsync(call.Id, call.Query.Flag("force"), call.Query.Flag("v"), call.Cancelled);
        await call.WriteStatusAsync(StatusCodes.Status204NoContent);
    }
}
