using Berth.Registry.Audit;
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
        await call.Services.Database.FreeAsync(
            (transaction, token) => RemoveAsync(call, transaction, condition, isDigest, token), call.Aborted).ConfigureAwait(false);
        call.Services.News.Announce();
        call.Response.StatusCode = StatusCodes.Status202Accepted;
    }

    private static async Task<bool> RemoveAsync(
        RegistryCall call, HubTransaction transaction, ManifestCondition condition, bool isDigest, CancellationToken cancellationToken)
    {
        RepositoryRow repository = await RepositoryTable.FindAsync(transaction, call.Repository, cancellationToken).ConfigureAwait(false)
            ?? throw call.UnknownName();
        await condition.RequireAsync(call, transaction, cancellationToken).ConfigureAwait(false);
        return isDigest
            ? await RemoveImageAsync(call, transaction, repository.Id, cancellationToken).ConfigureAwait(false)
            : await RemoveTagAsync(call, transaction, repository.Id, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<bool> RemoveTagAsync(
        RegistryCall call, HubTransaction transaction, long repositoryId, CancellationToken cancellationToken)
    {
        string digest = await TagTable.RemoveAsync(transaction, repositoryId, call.Reference, call.Caller, call.Now, cancellationToken)
            .ConfigureAwait(false) ?? throw Unknown();
        await TellAsync(call, transaction, call.Reference, digest, cancellationToken).ConfigureAwait(false);
        return true;
    }

    private static async Task<bool> RemoveImageAsync(
        RegistryCall call, HubTransaction transaction, long repositoryId, CancellationToken cancellationToken)
    {
        List<string> tags = await ManifestTable
            .RemoveAsync(transaction, repositoryId, call.Digest, call.Caller, call.Now, cancellationToken)
            .ConfigureAwait(false) ?? throw Unknown();
        foreach (string? tag in tags.Append<string?>(null))
            await TellAsync(call, transaction, tag, call.Digest.ToString(), cancellationToken).ConfigureAwait(false);
        return true;
    }

    private static Task TellAsync(
        RegistryCall call, HubTransaction transaction, string? tag, string digest, CancellationToken cancellationToken) =>
        call.Services.News.TellAsync(
            transaction, call.Caller,
            new RepositoryNewsItem
            {
                Action = tag is null ? AuditActions.ManifestDelete : AuditActions.TagDelete, Repository = call.Repository.Value, Tag = tag,
                Digest = digest,
            }, cancellationToken);

    private static RegistryException Unknown() => new(RegistryCode.MANIFEST_UNKNOWN, "manifest unknown");
}
