using Berth.Daemon.Http;
using Berth.Engine;

namespace Berth.Daemon.Endpoints.Builds;

/// <summary>200 what was removed; 400.</summary>
internal static class PruneBuilds
{
    public static async Task HandleAsync(ApiCall call)
    {
        long keep = call.Query.Number("reserved-space") ?? call.Query.Number("keep-storage") ?? 0;
        PruneReport report = await call.Engine.Builds.PruneAsync(
            new BuildPrune(
                call.Query.Flag("all"), keep,
                call.Query.Filters("description", "id", "inuse", "parent", "private", "shared", "type", "until", "unused-for")),
            call.Cancelled);
        await call.WriteJsonAsync(
            new Wire.BuildPruneResponse
            {
                CachesDeleted = report.Removed.Count > 0 ? report.Removed : null,
                SpaceReclaimed = (ulong)report.SpaceReclaimed,
            },
            Wire.ApiJson.Wire.BuildPruneResponse);
    }
}
