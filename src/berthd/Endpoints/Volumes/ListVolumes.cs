using Berth.Daemon.Http;
using Berth.Daemon.Mapping;

namespace Berth.Daemon.Endpoints.Volumes;

/// <summary>200 a list; 400.</summary>
internal static class ListVolumes
{
    public static Task HandleAsync(ApiCall call)
    {
        var volumes = call.Engine.Volumes.List(call.Query.Filters("dangling", "driver", "label", "label!", "name"));
        return call.WriteJsonAsync(
            new Wire.VolumeList { Volumes = [.. volumes.Select(volume => volume.ToWire())] }, Wire.ApiJson.Wire.VolumeList);
    }
}
