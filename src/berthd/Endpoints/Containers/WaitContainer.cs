using Berth.Daemon.Http;
using Berth.Engine;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>200 when it has ended; 400, 404. Clients start the container only after they have these headers.</summary>
internal static class WaitContainer
{
    public static async Task HandleAsync(ApiCall call)
    {
        Task<WaitOutcome> ended = call.Engine.Containers.Wait(call.Id, Condition(call.Query.Text("condition")), call.Cancelled);
        if (ended.IsFaulted)
            await ended;
        await call.StartAsync("application/json");
        WaitOutcome outcome = await ended;
        await JsonBody.WriteAsync(
            call,
            new Wire.WaitResponse
            {
                StatusCode = outcome.StatusCode,
                Error = outcome.Error is { } error ? new Wire.WaitError { Message = error } : null,
            },
            Wire.ApiJson.Wire.WaitResponse);
    }

    private static WaitCondition Condition(string text) => text switch
    {
        "" or "not-running" => WaitCondition.NotRunning,
        "next-exit" => WaitCondition.NextExit,
        "removed" => WaitCondition.Removed,
        _ => throw FaultException.Invalid($"invalid condition: \"{text}\""),
    };
}
