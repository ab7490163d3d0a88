using Berth.Daemon.Endpoints.Daemon;
using Berth.Daemon.Http;
using Berth.Daemon.Mapping;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Volumes;

/// <summary>201 made, or the one of that name; 400, 404 no such driver, 409.</summary>
internal static class CreateVolume
{
    public static async Task HandleAsync(ApiCall call)
    {
        Wire.CreateVolumeRequest request =
            await call.ReadJsonAsync(Wire.ApiJson.Wire.CreateVolumeRequest) ?? new Wire.CreateVolumeRequest();
        if (request.ClusterVolumeSpec is not null)
            throw new FaultException(FaultKind.Unavailable, NotASwarm.Message);
        var volume = await call.Engine.Volumes.CreateAsync(
            new Engine.CreateVolume
            {
                Name = request.Name.NullIfEmpty(),
                Driver = request.Driver.NullIfEmpty(),
                DriverOptions = request.DriverOpts ?? new Dictionary<string, string>(),
                Labels = request.Labels ?? new Dictionary<string, string>(),
            },
            call.Cancelled);
        await call.WriteJsonAsync(volume.ToWire(), Wire.ApiJson.Wire.Volume, StatusCodes.Status201Created);
    }
}
