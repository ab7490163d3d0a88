using Berth.Registry.Model;
using Berth.Registry.Tokens;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Protocol;

/// <summary>end-1, GET <c>/v2/</c>: this is a registry, and credentials that came along are right.</summary>
internal static class VersionCheck
{
    // Clients ask here first and without credentials: the challenge tells them where to sign in, and where to get a token for public
    // things.
    public static Task AnswerAsync(RegistryCall call)
    {
        if (call.Request.Headers.Authorization.Count == 0 && call.Services.Callers is not OpenCallers)
        {
            call.Response.Headers.WWWAuthenticate = call.Services.Callers.ChallengeFor(call.Http, null, RepositoryAccess.None);
            throw new RegistryException(RegistryCode.UNAUTHORIZED, "authentication required");
        }
        call.Response.StatusCode = StatusCodes.Status200OK;
        return call.WriteJsonAsync(
            json =>
            {
                json.WriteStartObject();
                json.WriteEndObject();
            }, "application/json; charset=utf-8");
    }
}
