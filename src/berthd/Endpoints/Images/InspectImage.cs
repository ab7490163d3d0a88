using Berth.Daemon.Http;
using Berth.Daemon.Mapping;
using Berth.Faults;

namespace Berth.Daemon.Endpoints.Images;

/// <summary>200 all about one image; 400; 404.</summary>
internal static class InspectImage
{
    public static Task HandleAsync(ApiCall call)
    {
        string platform = call.Query.Text("platform");
        bool manifests = call.Query.Flag("manifests");
        if (manifests && platform.Length > 0)
            throw FaultException.Invalid("conflicting options: manifests and platform options cannot both be set");
        return call.WriteJsonAsync(
            call.Engine.Images.Inspect(call.Id, References.ParsePlatform(platform)).ToWire(call.Version, manifests),
            Wire.ApiJson.Wire.ImageInspect);
    }
}
