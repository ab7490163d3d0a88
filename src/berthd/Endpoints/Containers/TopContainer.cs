using Berth.Daemon.Http;
using Berth.Engine;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>200 its processes; 404, 409 not running.</summary>
internal static class TopContainer
{
    public static async Task HandleAsync(ApiCall call)
    {
        ProcessTable table =
            await call.Engine.Containers.TopAsync(call.Id, call.Query.TextOrNull("ps_args"), call.Cancelled);
        await call.WriteJsonAsync(
            new Wire.TopResponse { Titles = table.Titles, Processes = table.Processes }, Wire.ApiJson.Wire.TopResponse);
    }
}
