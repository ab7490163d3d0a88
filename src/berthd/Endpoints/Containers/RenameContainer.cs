using Berth.Daemon.Http;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>204 renamed; 400, 404, 409 the name is taken.</summary>
internal static class RenameContainer
{
    public static async Task HandleAsync(ApiCall call)
    {
        await call.Engine.Containers.RenameAsync(call.Id, call.Query.Text("name"), call.Cancelled);
        await call.WriteStatusAsync(StatusCodes.Status204NoContent);
    }
}
