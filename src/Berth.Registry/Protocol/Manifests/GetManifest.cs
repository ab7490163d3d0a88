using Berth.Registry.Model;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Protocol.Manifests;

/// <summary>end-3, GET and HEAD <c>/v2/&lt;name&gt;/manifests/&lt;reference&gt;</c>.</summary>
/// <remarks>A manifest is sent as it was pushed, whatever types the request accepts: any other bytes would have another digest.</remarks>
internal static class GetManifest
{
    public static async Task AnswerAsync(RegistryCall call)
    {
        string reference = call.Reference;
        if (reference.Contains(':', StringComparison.Ordinal))
            reference = call.Digest.ToString();
        else if (!TagName.IsValid(reference))
            throw new RegistryException(RegistryCode.MANIFEST_UNKNOWN, "manifest unknown: not a tag");
        await call.RequireAsync(RepositoryAccess.Pull).ConfigureAwait(false);
        CachedManifest manifest =
            await call.Services.Manifests.FindAsync(call.Repository, reference, call.Aborted).ConfigureAwait(false)
            ?? throw new RegistryException(RegistryCode.MANIFEST_UNKNOWN, "manifest unknown");
        HttpResponse response = call.Response;
        response.Headers["Docker-Content-Digest"] = manifest.DigestText;
        response.Headers.ETag = manifest.ETag;
        if (call.Request.Headers.IfNoneMatch.Count > 0 && call.Request.Headers.IfNoneMatch.ToString() is { } given
            && (given == "*" || given.Contains(manifest.ETag.ToString(), StringComparison.Ordinal)))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }
        response.Headers.ContentType = manifest.MediaType;
        response.ContentLength = manifest.Document.Length;
        if (call.IsHead)
            return;
        call.Services.Pulls.Count(manifest.RepositoryId);
        await response.BodyWriter.WriteAsync(manifest.Document, call.Aborted).ConfigureAwait(false);
    }
}
