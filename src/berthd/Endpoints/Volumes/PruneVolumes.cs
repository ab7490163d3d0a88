using Berth.Daemon.Http;
using Berth.Engine;

namespace Berth.Daemon.Endpoints.Volumes;

/// <summary>200 what was removed; 400.</summary>
internal static class PruneVolumes
{
    private static readonly Wire.ApiVersion s_anonymousOnly = new(1, 42);

    public static async Task HandleAsync(ApiCall call)
    {
        FilterSet filters = call.Query.Filters("all", "label", "label!");
        // Before 1.42 pruning took volumes with names too.
        if (call.Version < s_anonymousOnly && !filters.Has("all"))
            filters = new FilterSet([
                .. filters.Names.Select(name => KeyValuePair.Create(name, filters[name])),
                KeyValuePair.Create<string, IReadOnlyList<string>>("all", ["true"]),
            ]);
        PruneReport report = await call.Engine.Volumes.PruneAsync(filters, call.Cancelled);
        await call.WriteJsonAsync(
            new Wire.VolumesPruneResponse
            {
                VolumesDeleted = report.Removed.Count > 0 ? report.Removed : null,
                SpaceReclaimed = (ulong)report.SpaceReclaimed,
            },
            Wire.ApiJson.Wire.VolumesPruneResponse);
    }
}
