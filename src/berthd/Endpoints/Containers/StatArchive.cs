using Berth.Daemon.Http;
using Berth.Engine;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>200 and what the path is, in a header; 400, 404.</summary>
internal static class StatArchive
{
    public static async Task HandleAsync(ApiCall call)
    {
        PathStat stat = await call.Engine.Containers.StatPathAsync(call.Id, ArchivePath.Require(call.Query), call.Cancelled);
        ArchivePath.WriteStat(call.Http.Response, stat);
        await call.WriteStatusAsync(StatusCodes.Status200OK);
    }
}
