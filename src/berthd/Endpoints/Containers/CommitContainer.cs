using Berth.Daemon.Http;
using Berth.Daemon.Mapping;
using Berth.Engine;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>201 an image of it; 400, 404.</summary>
internal static class CommitContainer
{
    public static async Task HandleAsync(ApiCall call)
    {
        Wire.ContainerConfig? config = await call.ReadJsonAsync(Wire.ApiJson.Wire.ContainerConfig);
        var image = await call.Engine.Containers.CommitAsync(
            new CommitRequest
            {
                Container = call.Query.Text("container"),
                Repository = call.Query.TextOrNull("repo"),
                Tag = call.Query.TextOrNull("tag"),
                Comment = call.Query.TextOrNull("comment"),
                Author = call.Query.TextOrNull("author"),
                Pause = call.Query.Flag("pause", missing: true),
                Changes = call.Query.All("changes"),
                Config = config?.ToSettings(),
            },
            call.Cancelled);
        await call.WriteJsonAsync(
            new Wire.IdResponse { Id = image.ToString() }, Wire.ApiJson.Wire.IdResponse, StatusCodes.Status201Created);
    }
}
