using Berth.Oci;
using Berth.Registry.Database;
using Berth.Registry.Model;
using Berth.Registry.Repositories;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Protocol.Blobs;

/// <summary>
/// end-10, DELETE <c>/v2/&lt;name&gt;/blobs/&lt;digest&gt;</c>: takes a blob out of a repository; its bytes go with the next
/// collection.
/// </summary>
internal static class DeleteBlob
{
    public static async Task AnswerAsync(RegistryCall call)
    {
        Digest digest = call.Digest;
        await call.RequireAsync(RepositoryAccess.Delete).ConfigureAwait(false);
        await call.Services.Database.FreeAsync(
            (transaction, token) => RemoveAsync(call, transaction, digest, token), call.Aborted).ConfigureAwait(false);
        call.Response.StatusCode = StatusCodes.Status202Accepted;
    }

    private static async Task<bool> RemoveAsync(
        RegistryCall call, HubTransaction transaction, Digest digest, CancellationToken cancellationToken)
    {
        RepositoryRow repository = await RepositoryTable.FindAsync(transaction, call.Repository, cancellationToken).ConfigureAwait(false)
            ?? throw call.UnknownName();
        if (await BlobTable.IsNeededAsync(transaction, repository.Id, digest, cancellationToken).ConfigureAwait(false))
            throw new RegistryException(
                RegistryCode.UNSUPPORTED, "a manifest of this repository needs the blob: delete the manifest first");
        return await BlobTable.UnlinkAsync(transaction, repository.Id, digest, cancellationToken).ConfigureAwait(false)
            ? true
            : throw new RegistryException(RegistryCode.BLOB_UNKNOWN, "blob unknown to registry");
    }
}
