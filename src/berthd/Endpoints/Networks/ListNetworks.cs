using Berth.Daemon.Http;
using Berth.Daemon.Mapping;

namespace Berth.Daemon.Endpoints.Networks;

/// <summary>200 a list; 400.</summary>
internal static class ListNetworks
{
    private static readonly Wire.ApiVersion s_withoutContainers = new(1, 28);

    public static Task HandleAsync(ApiCall call)
    {
        var networks = call.Engine.Networks.List(
            call.Query.Filters("dangling", "driver", "id", "label", "label!", "name", "scope", "type"));
        bool containers = call.Version < s_withoutContainers;
        return call.WriteJsonAsync([.. networks.Select(network => network.ToWire(containers))], Wire.ApiJson.Wire.NetworkInspectList);
    }
}
