using Berth.Daemon.Http;
using Berth.Daemon.Mapping;

namespace Berth.Daemon.Endpoints.Networks;

/// <summary>200 a list; 400.</summary>
internal static class ListNetworks
{
    public static Task HandleAsync(ApiCall call)
    {
        var networks = call.Engine.Networks.List(
            call.Query.Filters("dangling", "driver", "id", "label", "label!", "name", "scope", "type"));
        return call.WriteJsonAsync(
            [.. networks.Select(network => network.ToWire(containers: false))], Wire.ApiJson.Wire.NetworkInspectList);
    }
}
