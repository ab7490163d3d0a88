using Berth.Registry.Cache;
using Berth.Registry.Diary;
using Berth.Registry.Model;
using Berth.Registry.Repositories;
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
        Upstream? upstream = await call.RequirePullAsync().ConfigureAwait(false);
        if (call.Query("at") is { } at)
            reference = await ReferenceAtAsync(call, reference, at).ConfigureAwait(false);
        else if (upstream is not null)
            await call.Services.Cache.RefreshAsync(call, upstream, reference).ConfigureAwait(false);
        CachedManifest manifest =
            await call.Services.Manifests.FindAsync(call.Repository, reference, call.Aborted).ConfigureAwait(false)
            ?? throw new RegistryException(RegistryCode.MANIFEST_UNKNOWN, "manifest unknown");
        HttpResponse response = call.Response;
        response.Headers["Docker-Content-Digest"] = manifest.DigestText;
        response.Headers.ETag = manifest.ETag;
        if (call.HasAlready(manifest.ETag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }
        response.Headers.ContentType = manifest.MediaType;
        response.ContentLength = manifest.Document.Length;
        if (call.IsHead)
            return;
        call.Services.Pulls.Count(manifest.RepositoryId, manifest.DigestText.ToString(), call.Now);
        await response.BodyWriter.WriteAsync(manifest.Document, call.Aborted).ConfigureAwait(false);
    }

    // A tag as it was at a moment (?at=2026-09-24), by the tag diary.
    private static async Task<string> ReferenceAtAsync(RegistryCall call, string tag, string at)
    {
        if (tag.Contains(':', StringComparison.Ordinal) || !DiaryMoment.TryParse(at, out long milliseconds))
            throw new RegistryException(
                RegistryCode.UNSUPPORTED, StatusCodes.Status400BadRequest, "at: a tag and a day as in 2026-09-24 are expected");
        RepositoryRow repository = await call.Services.Database.ReadAsync(
            (transaction, token) => RepositoryTable.FindVisibleAsync(transaction, call.Repository, token), call.Aborted)
            .ConfigureAwait(false)
            ?? throw call.UnknownName();
        return await call.Services.Browsing.Diary.DigestAtAsync(repository.Id, tag, milliseconds, call.Aborted).ConfigureAwait(false)
            ?? throw new RegistryException(RegistryCode.MANIFEST_UNKNOWN, "manifest unknown: the tag did not exist at that moment");
    }
}
