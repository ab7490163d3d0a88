using Berth.Registry.Hosting;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Protocol;

/// <summary>Everything beneath <c>/v2</c>.</summary>
internal sealed class RegistryEndpoints(HubServices services)
{
    private static readonly PathString s_root = new("/v2");

    public bool Owns(HttpContext context) => context.Request.Path.StartsWithSegments(s_root, StringComparison.Ordinal);

    public async Task HandleAsync(HttpContext context)
    {
        HttpResponse response = context.Response;
        response.Headers["Docker-Distribution-Api-Version"] = "registry/2.0";
        if (await services.Callers.ReadAsync(context, context.RequestAborted).ConfigureAwait(false) is null)
        {
            response.StatusCode = StatusCodes.Status401Unauthorized;
            response.Headers.WWWAuthenticate = services.Callers.ChallengeFor(context, null, Model.RepositoryAccess.None);
            return;
        }
        response.StatusCode = context.Request.Path.Value is "/v2/" or "/v2" ? StatusCodes.Status200OK : StatusCodes.Status404NotFound;
    }
}
