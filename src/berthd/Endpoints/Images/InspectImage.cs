using Berth.Daemon.Http;
using Berth.Daemon.Mapping;

namespace Berth.Daemon.Endpoints.Images;

/// <summary>200 all about one image; 404.</summary>
internal static class InspectImage
{
    public static Task HandleAsync(ApiCall call) => call.WriteJsonAsync(
        call.Engine.Images.Inspect(call.Id, References.ParsePlatform(call.Query.Text("platform"))).ToWire(call.Version),
        Wire.ApiJson.Wire.ImageInspect);
}
