using Berth.Daemon.Http;
using Berth.Daemon.Mapping;
using Berth.Daemon.Streams;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>200 one line of counts a second, or one only; 404.</summary>
internal static class ContainerStats
{
    public static async Task HandleAsync(ApiCall call)
    {
        bool stream = call.Query.Flag("stream", missing: true);
        await LineStream.CopyJsonAsync(
            call,
            call.Engine.Containers.Statistics(call.Id, stream, call.Query.Flag("one-shot"), call.Cancelled)
                .Select(sample => sample.ToWire()),
            Wire.ApiJson.Wire.ContainerStatistics);
    }
}
