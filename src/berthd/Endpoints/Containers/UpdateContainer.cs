using Berth.Daemon.Http;
using Berth.Daemon.Mapping;
using Berth.Engine;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>200 changed; 400, 404, 409.</summary>
internal static class UpdateContainer
{
    private static readonly Wire.ApiVersion s_withPidsLimit = new(1, 40);

    public static async Task HandleAsync(ApiCall call)
    {
        Wire.UpdateContainerRequest request = await call.RequireJsonAsync(Wire.ApiJson.Wire.UpdateContainerRequest);
        if (call.Version < s_withPidsLimit)
            request.PidsLimit = null;
        IReadOnlyList<string> warnings = await call.Engine.Containers.UpdateAsync(
            call.Id, new ContainerUpdate(request.ToLimits(), request.RestartPolicy.ToPolicy()), call.Cancelled);
        await call.WriteJsonAsync(
            new Wire.UpdateContainerResponse { Warnings = warnings.Count > 0 ? warnings : null },
            Wire.ApiJson.Wire.UpdateContainerResponse);
    }
}
