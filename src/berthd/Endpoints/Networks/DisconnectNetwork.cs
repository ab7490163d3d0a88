using Berth.Daemon.Http;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Networks;

/// <summary>200 disconnected; 403, 404.</summary>
internal static class DisconnectNetwork
{
    public static async Task HandleAsync(ApiCall call)
    {
        Wire.DisconnectNetworkRequest request = await call.RequireJsonAsync(Wire.ApiJson.Wire.DisconnectNetworkRequest);
        await call.Engine.Networks.DisconnectAsync(call.Id, request.Container, request.Force, call.Cancelled);
        await call.WriteStatusAsync(StatusCodes.Status200OK);
    }
}
