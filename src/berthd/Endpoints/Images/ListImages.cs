using Berth.Daemon.Http;
using Berth.Daemon.Mapping;
using Berth.Engine;

namespace Berth.Daemon.Endpoints.Images;

/// <summary>200 a list; 400.</summary>
internal static class ListImages
{
    public static async Task HandleAsync(ApiCall call)
    {
        FilterSet filters = call.Query.Filters("before", "dangling", "label", "label!", "reference", "since", "until");
        IReadOnlyList<ImageSummary> images = await call.Engine.Images.ListAsync(
            new ImageQuery
            {
                All = call.Query.Flag("all"),
                SharedSize = call.Query.Flag("shared-size"),
                Filters = filters,
            },
            call.Cancelled);
        await call.WriteJsonAsync(
            [.. images.Select(image => image.ToWire(call.Version))], Wire.ApiJson.Wire.ImageSummaryList);
    }
}
