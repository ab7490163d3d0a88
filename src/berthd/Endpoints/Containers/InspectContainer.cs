using Berth.Daemon.Http;
using Berth.Daemon.Mapping;
using Berth.Engine;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>200 all about one container; 404.</summary>
internal static class InspectContainer
{
    public static async Task HandleAsync(ApiCall call)
    {
        ContainerDetails container =
            await call.Engine.Containers.InspectAsync(call.Id, call.Query.Flag("size"), call.Cancelled);
        await call.WriteJsonAsync(container.ToWire().Show(call.Version), Wire.ApiJson.Wire.ContainerInspect);
    }
}
