using Berth.Daemon.Http;
using Berth.Engine;

namespace Berth.Daemon.Endpoints.Networks;

/// <summary>200 what was removed; 400.</summary>
internal static class PruneNetworks
{
    public static async Task HandleAsync(ApiCall call)
    {
        PruneReport report =
            await call.Engine.Networks.PruneAsync(call.Query.Filters("label", "label!", "until"), call.Cancelled);
        await call.WriteJsonAsync(
            new Wire.NetworksPruneResponse { NetworksDeleted = report.Removed.Count > 0 ? report.Removed : null },
            Wire.ApiJson.Wire.NetworksPruneResponse);
    }
}
