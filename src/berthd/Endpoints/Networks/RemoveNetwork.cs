using Berth.Daemon.Http;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Networks;

/// <summary>204 removed; 403 in use or predefined, 404.</summary>
internal static class RemoveNetwork
{
    public static async Task HandleAsync(ApiCall call)
    {
        await call.Engine.Networks.RemoveAsync(call.Id, call.Cancelled);
        await call.WriteStatusAsync(StatusCodes.Status204NoContent);
    }
}
