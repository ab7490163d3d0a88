using Berth.Daemon.Http;
using Berth.Daemon.Mapping;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Networks;

/// <summary>200 connected; 400, 403, 404.</summary>
internal static class ConnectNetwork
{
    public static async Task HandleAsync(ApiCall call)
    {
        Wire.ConnectNetworkRequest request = await call.RequireJsonAsync(Wire.ApiJson.Wire.ConnectNetworkRequest);
        await call.Engine.Networks.ConnectAsync(
            call.Id, request.Container, request.EndpointConfig.ToSettings(), call.Cancelled);
        await call.WriteStatusAsync(StatusCodes.Status200OK);
    }
}
