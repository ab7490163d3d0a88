using Berth.Daemon.Http;
using Berth.Daemon.Mapping;

namespace Berth.Daemon.Endpoints.Images;

/// <summary>200 its steps; 404.</summary>
internal static class ImageHistory
{
    public static Task HandleAsync(ApiCall call) => call.WriteJsonAsync(
        [.. call.Engine.Images.History(call.Id, References.ParsePlatform(call.Query.Text("platform")))
            .Select(step => step.ToWire())],
        Wire.ApiJson.Wire.ImageHistoryItemList);
}
