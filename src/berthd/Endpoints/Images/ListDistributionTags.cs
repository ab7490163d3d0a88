using Berth.Daemon.Http;
using Berth.Oci.References;

namespace Berth.Daemon.Endpoints.Images;

/// <summary>200 the tags that a repository has at its registry; 401, 404. Docker has no such call: it stands beside its
/// <c>/distribution/{name}/json</c>.</summary>
internal static class ListDistributionTags
{
    public static async Task HandleAsync(ApiCall call)
    {
        int? count = call.Query.SmallNumber("n");
        if (count <= 0)
            throw FaultException.Invalid("invalid value for 'n': it must be positive");
        await call.WriteJsonAsync(
            await call.Engine.Images.ListTagsAsync(
                ImageReference.Parse(call.Id), call.Query.Text("last"), count, RegistryHeaders.Login(call.Http.Request.Headers),
                call.Cancelled),
            Wire.ApiJson.Wire.StringList);
    }
}
