using Berth.Daemon.Http;
using Berth.Daemon.Mapping;
using Berth.Engine;

namespace Berth.Daemon.Endpoints.Images;

/// <summary>200 what was removed; 400.</summary>
internal static class PruneImages
{
    public static async Task HandleAsync(ApiCall call)
    {
        ImagePruneReport report = await call.Engine.Images.PruneAsync(
            call.Query.Filters("dangling", "label", "label!", "until"), call.Cancelled);
        await call.WriteJsonAsync(
            new Wire.ImagesPruneResponse
            {
                ImagesDeleted = report.Deleted.Count > 0 ? [.. report.Deleted.Select(deletion => deletion.ToWire())] : null,
                SpaceReclaimed = (ulong)report.SpaceReclaimed,
            },
            Wire.ApiJson.Wire.ImagesPruneResponse);
    }
}
