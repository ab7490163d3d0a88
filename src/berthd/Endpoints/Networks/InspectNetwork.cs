using Berth.Daemon.Http;
using Berth.Daemon.Mapping;

namespace Berth.Daemon.Endpoints.Networks;

/// <summary>200 a network with its containers; 404.</summary>
internal static class InspectNetwork
{
    public static Task HandleAsync(ApiCall call) => call.Query.Text("scope") is "" or "local"
        ? call.WriteJsonAsync(call.Engine.Networks.Inspect(call.Id).ToWire(containers: true), Wire.ApiJson.Wire.NetworkInspect)
        : throw FaultException.NotFound($"network {call.Id} not found");
}
