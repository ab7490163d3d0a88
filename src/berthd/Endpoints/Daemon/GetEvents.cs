using Berth.Daemon.Http;
using Berth.Daemon.Mapping;
using Berth.Daemon.Streams;
using Berth.Engine;

namespace Berth.Daemon.Endpoints.Daemon;

/// <summary>200 one line for each event, until the client goes; 400.</summary>
internal static class GetEvents
{
    public static Task HandleAsync(ApiCall call)
    {
        EventQuery query = new()
        {
            Since = call.Query.Time("since", call.Services.Clock),
            Until = call.Query.Time("until", call.Services.Clock),
            Filters = call.Query.Filters(
                "config", "container", "daemon", "event", "image", "label", "label!", "network", "node", "plugin", "scope", "secret",
                "service", "type", "volume"),
        };
        return LineStream.CopyJsonAsync(
            call, call.Engine.Events.Subscribe(query, call.Cancelled).Select(happened => happened.ToWire()),
            Wire.ApiJson.Wire.EventMessage);
    }
}
