using Berth.Daemon.Http;
using Berth.Engine;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>200 its tree as a tar; 404.</summary>
internal static class ExportContainer
{
    public static async Task HandleAsync(ApiCall call)
    {
        await using IArchive archive = await call.Engine.Containers.ExportAsync(call.Id, call.Cancelled);
        await call.StartAsync("application/x-tar");
        await archive.WriteToAsync(call.Http.Response.Body, call.Cancelled);
    }
}
