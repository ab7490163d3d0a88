using Berth.Daemon.Http;
using Berth.Engine;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>200 a file or directory as a tar; 400, 404.</summary>
internal static class GetArchive
{
    public static async Task HandleAsync(ApiCall call)
    {
        await using IArchive archive =
            await call.Engine.Containers.ReadArchiveAsync(call.Id, ArchivePath.Require(call.Query), call.Cancelled);
        if (archive.Root is { } root)
            ArchivePath.WriteStat(call.Http.Response, root);
        await call.StartAsync("application/x-tar");
        await archive.WriteToAsync(call.Http.Response.Body, call.Cancelled);
    }
}
