using Berth.Daemon.Http;
using Berth.Daemon.Mapping;

namespace Berth.Daemon.Endpoints.Images;

/// <summary>200 what is gone; 404, 409 in use.</summary>
internal static class RemoveImage
{
    public static async Task HandleAsync(ApiCall call)
    {
        // Images here have one platform: naming another means an image that is not here.
        IReadOnlyList<string> platforms = call.Query.All("platforms");
        if (platforms.Count > 1)
            throw FaultException.Invalid("specifying multiple platforms is not supported");
        if (platforms is [var only])
            _ = call.Engine.Images.Inspect(call.Id, References.ParsePlatform(only));
        var deletions = await call.Engine.Images.RemoveAsync(
            call.Id, call.Query.Flag("force"), call.Query.Flag("noprune"), call.Cancelled);
        await call.WriteJsonAsync(
            [.. deletions.Select(deletion => deletion.ToWire())], Wire.ApiJson.Wire.ImageDeleteItemList);
    }
}
