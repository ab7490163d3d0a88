using Berth.Daemon.Http;
using Berth.Daemon.Mapping;
using Berth.Engine;

namespace Berth.Daemon.Endpoints.Images;

/// <summary>200 a list; 400.</summary>
internal static class ListImages
{
    private static readonly Wire.ApiVersion s_withoutFilter = new(1, 41);

    public static async Task HandleAsync(ApiCall call)
    {
        FilterSet filters = call.Query.Filters("before", "dangling", "label", "label!", "reference", "since", "until");
        // The old way to ask for a reference.
        if (call.Version < s_withoutFilter && call.Query.TextOrNull("filter") is { } reference)
            filters = filters.With("reference", reference);
        IReadOnlyList<ImageSummary> images = await call.Engine.Images.ListAsync(
            new ImageQuery
            {
                All = call.Query.Flag("all"),
                SharedSize = call.Query.Flag("shared-size"),
                Manifests = call.Query.Flag("manifests"),
                Filters = filters,
            },
            call.Cancelled);
        await call.WriteJsonAsync(
            [.. images.Select(image => image.ToWire(call.Version))], Wire.ApiJson.Wire.ImageSummaryList);
    }
}
