using Berth.Daemon.Http;
using Berth.Engine;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>200 unpacked; 400, 403 read-only, 404.</summary>
internal static class PutArchive
{
    public static async Task HandleAsync(ApiCall call)
    {
        var options = new ArchiveOptions(call.Query.Flag("noOverwriteDirNonDir"), call.Query.Flag("copyUIDGID"));
        await call.Engine.Containers.WriteArchiveAsync(
            call.Id, ArchivePath.Require(call.Query), call.Http.Request.Body, options, call.Cancelled);
        await call.WriteStatusAsync(StatusCodes.Status200OK);
    }
}
