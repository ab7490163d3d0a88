using Berth.Registry.Database;
using Berth.Registry.Model;
using Berth.Registry.Repositories;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Protocol.Manifests;

/// <summary>end-9, DELETE <c>/v2/&lt;name&gt;/manifests/&lt;reference&gt;</c>: a tag alone, or a manifest with all its tags.</summary>
internal static class DeleteManifest
{
    public static async Task AnswerAsync(RegistryCall call)
    {
        bool isDigest = call.Reference.Contains(':', StringComparison.Ordinal);
        if (isDigest)
            _ = call.Digest;
        var condition = ManifestCondition.Of(call.Request);
        await call.RequireAsync(RepositoryAccess.Delete).ConfigureAwait(false);
        await call.Services.Database.WriteAsync(
            (transaction, token) => RemoveAsync(call, transaction, condition, isDigest, token), call.Aborted).ConfigureAwait(false);
        call.Services.Operation.Queue.Announce();
        call.Response.StatusCode = StatusCodes.Status202Accepted;
    }

    private static async Task<bool> RemoveAsync(
        RegistryCall call, HubTransaction transaction, ManifestCondition condition, bool isDigest, CancellationToken cancellationToken)
    {
        RepositoryRow repository = await RepositoryTable.FindAsync(transaction, call.Repository, cancellationToken).ConfigureAwait(false)
            ?? throw call.UnknownName();
        await condition.RequireAsync(call, transaction, cancellationToken).ConfigureAwait(false);
        bool removed = isDigest
            ? await ManifestTable.RemoveAsync(transaction, repository.Id, call.Digest, call.Caller, call.Now, cancellationToken)
                .ConfigureAwait(false) is not null
            : await TagTable.RemoveAsync(transaction, repository.Id, call.Reference, call.Caller, call.Now, cancellationToken)
                .ConfigureAwait(false);
        if (!removed)
            throw new RegistryException(RegistryCode.MANIFEST_UNKNOWN, "manifest unknown");
        await call.TellAsync(
            transaction, "delete", isDigest ? null : call.Reference, isDigest ? call.Digest : default, null, cancellationToken)
            .ConfigureAwait(false);
        return true;
    }
}
