using Berth.Daemon.Http;
using Berth.Daemon.Mapping;

namespace Berth.Daemon.Endpoints.Volumes;

/// <summary>200 a volume; 404.</summary>
internal static class InspectVolume
{
    public static Task HandleAsync(ApiCall call) =>
        call.WriteJsonAsync(call.Engine.Volumes.Inspect(call.Id).ToWire(), Wire.ApiJson.Wire.Volume);
}
