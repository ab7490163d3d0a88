using Berth.Daemon.Http;
using Berth.Daemon.Mapping;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>204 stopped, 304 did not run; 404.</summary>
internal static class StopContainer
{
    private static readonly Wire.ApiVersion s_withSignal = new(1, 42);

    /// <summary>The signal asked for; older clients could not ask.</summary>
    internal static string? SignalOf(ApiCall call) => call.Version < s_withSignal ? null : call.Query.TextOrNull("signal");

    public static async Task HandleAsync(ApiCall call)
    {
        bool stopped = await call.Engine.Containers.StopAsync(
            call.Id, SignalOf(call), call.Query.SmallNumber("t"), call.Cancelled);
        await call.WriteStatusAsync(stopped ? StatusCodes.Status204NoContent : StatusCodes.Status304NotModified);
    }
}
