using Berth.Daemon.Http;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>200 the terminal has the new size; 400, 404, 409 not running.</summary>
internal static class ResizeContainer
{
    public static async Task HandleAsync(ApiCall call)
    {
        (int rows, int columns) = TerminalSize.Read(call.Query);
        await call.Engine.Containers.ResizeAsync(call.Id, rows, columns, call.Cancelled);
        await call.WriteStatusAsync(StatusCodes.Status200OK);
    }
}
