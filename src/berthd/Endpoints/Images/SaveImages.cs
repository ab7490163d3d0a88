using Berth.Daemon.Http;
using Berth.Engine;

namespace Berth.Daemon.Endpoints.Images;

/// <summary>200 images as one tar; 404.</summary>
internal static class SaveImages
{
    public static Task HandleAsync(ApiCall call) => SaveAsync(call, call.Query.All("names"));

    /// <summary>One image: <c>GET /images/{name}/get</c>.</summary>
    public static Task HandleOneAsync(ApiCall call) => SaveAsync(call, [call.Id]);

    private static async Task SaveAsync(ApiCall call, IReadOnlyList<string> names)
    {
        if (names.Count == 0)
            throw FaultException.Invalid("no image specified");
        await using IArchive archive = await call.Engine.Images.SaveAsync(
            names, References.ParsePlatform(call.Query.Text("platform")), call.Cancelled);
        await call.StartAsync("application/x-tar");
        await archive.WriteToAsync(call.Http.Response.Body, call.Cancelled);
    }
}
