using Berth.Daemon.Http;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>204 restarted; 404.</summary>
internal static class RestartContainer
{
    public static async Task HandleAsync(ApiCall call)
    {
        await call.Engine.Containers.RestartAsync(
            call.Id, StopContainer.SignalOf(call), call.Query.SmallNumber("t"), call.Cancelled);
        await call.WriteStatusAsync(StatusCodes.Status204NoContent);
    }
}
