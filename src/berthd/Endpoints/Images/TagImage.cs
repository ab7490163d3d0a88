using Berth.Daemon.Http;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Images;

/// <summary>201 it has a further name; 400, 404.</summary>
internal static class TagImage
{
    public static async Task HandleAsync(ApiCall call)
    {
        await call.Engine.Images.TagAsync(
            call.Id, References.Parse(call.Query.Text("repo"), call.Query.Text("tag")).WithDefaultTag(), call.Cancelled);
        await call.WriteStatusAsync(StatusCodes.Status201Created);
    }
}
