using Berth.Daemon.Http;
using Berth.Daemon.Mapping;
using Berth.Engine;
using Berth.Oci.References;

namespace Berth.Daemon.Endpoints.Images;

/// <summary>200 what a registry has; 401, 404.</summary>
internal static class InspectDistribution
{
    public static async Task HandleAsync(ApiCall call)
    {
        RegistryImage image = await call.Engine.Images.LookUpAsync(
            ImageReference.Parse(call.Id).WithDefaultTag(), RegistryHeaders.Login(call.Http.Request.Headers), call.Cancelled);
        await call.WriteJsonAsync(
            new Wire.DistributionInspect
            {
                Descriptor = image.Descriptor.ToWire(),
                Platforms = [.. image.Platforms.Select(platform => platform.ToWire())],
            },
            Wire.ApiJson.Wire.DistributionInspect);
    }
}
