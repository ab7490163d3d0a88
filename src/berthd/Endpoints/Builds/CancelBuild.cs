using Berth.Daemon.Http;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Builds;

/// <summary>204 cancelled or not there; 400.</summary>
internal static class CancelBuild
{
    public static Task HandleAsync(ApiCall call)
    {
        if (call.Query.TextOrNull("id") is not { } id)
            throw FaultException.Invalid("build ID not provided");
        call.Engine.Builds.Cancel(id);
        return call.WriteStatusAsync(StatusCodes.Status204NoContent);
    }
}
