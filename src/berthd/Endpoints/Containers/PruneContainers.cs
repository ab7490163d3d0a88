using Berth.Daemon.Http;
using Berth.Engine;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>200 what was removed; 400.</summary>
internal static class PruneContainers
{
    public static async Task HandleAsync(ApiCall call)
    {
        PruneReport report =
            await call.Engine.Containers.PruneAsync(call.Query.Filters("label", "label!", "until"), call.Cancelled);
        await call.WriteJsonAsync(
            new Wire.ContainersPruneResponse
            {
                ContainersDeleted = report.Removed.Count > 0 ? report.Removed : null,
                SpaceReclaimed = (ulong)report.SpaceReclaimed,
            },
            Wire.ApiJson.Wire.ContainersPruneResponse);
    }
}
