using Berth.Daemon.Http;
using Berth.Daemon.Mapping;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>204 stopped, 304 did not run; 404.</summary>
internal static class StopContainer
{
    public static async Task HandleAsync(ApiCall call)
    {
        bool stopped = await call.Engine.Containers.StopAsync(
            call.Id, call.Query.TextOrNull("signal"), call.Query.SmallNumber("t"), call.Cancelled);
        await call.WriteStatusAsync(stopped ? StatusCodes.Status204NoContent : StatusCodes.Status304NotModified);
    }
}
