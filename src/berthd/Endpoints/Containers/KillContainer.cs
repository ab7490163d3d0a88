using Berth.Daemon.Http;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>204 sent; 400 no such signal, 404, 409 not running.</summary>
internal static class KillContainer
{
    public static async Task HandleAsync(ApiCall call)
    {
        await call.Engine.Containers.KillAsync(call.Id, call.Query.TextOrNull("signal"), call.Cancelled);
        await call.WriteStatusAsync(StatusCodes.Status204NoContent);
    }
}
