using Berth.Daemon.Http;
using Berth.Daemon.Mapping;
using Berth.Daemon.Streams;
using Berth.Engine;

namespace Berth.Daemon.Endpoints.Daemon;

/// <summary>200 one line for each event, until the client goes; 400.</summary>
internal static class GetEvents
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    public static Task HandleAsync(ApiCall call)
    {
        DateTimeOffset now = call.Services.Clock.GetUtcNow();
        DateTimeOffset? since = call.Query.Time("since", call.Services.Clock);
        DateTimeOffset? until = call.Query.Time("until", call.Services.Clock);
        if (until < since)
            throw FaultException.Invalid(
                $"`since` time ({call.Query.Text("since")}) cannot be after `until` time ({call.Query.Text("until")})");
        // Docker's command line cuts a duration's moment down to the second: all of that second is meant.
        if (until <= now && !call.Query.Text("until").Contains('.', StringComparison.Ordinal))
            until = until + s_second < now ? until + s_second : now;
        EventQuery query = new()
        {
            // Unlike for logs, 0 is a moment: everything that is remembered.
            Since = call.Query.Text("since") == "0" ? DateTimeOffset.UnixEpoch : since,
            Until = until,
            Filters = call.Query.Filters(
                "config", "container", "daemon", "event", "image", "label", "label!", "network", "node", "plugin", "scope", "secret",
                "service", "type", "volume"),
        };
        return LineStream.CopyJsonAsync(
            call, call.Engine.Events.Subscribe(query, call.Cancelled).Select(happened => happened.ToWire()),
            Wire.ApiJson.Wire.EventMessage);
    }
}
