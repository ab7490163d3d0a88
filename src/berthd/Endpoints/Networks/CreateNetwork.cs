using Berth.Daemon.Http;
using Berth.Daemon.Mapping;
using Berth.Engine;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Networks;

/// <summary>201 made; 400, 403, 404 no such driver, 409 the name is taken.</summary>
internal static class CreateNetwork
{
    public static async Task HandleAsync(ApiCall call)
    {
        Wire.CreateNetworkRequest request = await call.RequireJsonAsync(Wire.ApiJson.Wire.CreateNetworkRequest);
        CreatedNetwork created = await call.Engine.Networks.CreateAsync(request.ToRequest(), call.Cancelled);
        await call.WriteJsonAsync(
            new Wire.CreateNetworkResponse { Id = created.Id, Warning = created.Warning },
            Wire.ApiJson.Wire.CreateNetworkResponse, StatusCodes.Status201Created);
    }
}
