using Berth.Registry.Audit;
using Berth.Registry.Database;
using Berth.Registry.Model;
using Berth.Registry.Operation.Webhooks;

namespace Berth.Registry.Repositories;

/// <summary>Tells the audit log and webhooks what happened to a repository's tags and images, in the transaction in which it does:
/// whoever changes them, by whichever way, tells it here.</summary>
public sealed class RepositoryNews(AuditLog audit, WebhookQueue queue, TimeProvider time)
{
    /// <summary>Tells one change; <see cref="Announce"/> follows the transaction.</summary>
    public async Task TellAsync(HubTransaction transaction, Caller actor, RepositoryNewsItem item, CancellationToken cancellationToken)
    {
        string details = string.Join(' ', new[] { item.Tag, item.Digest, item.Remark }.Where(part => !string.IsNullOrEmpty(part)));
        await audit.RecordAsync(transaction, actor, item.Action, item.Repository, details, cancellationToken).ConfigureAwait(false);
        // A tag that was put back to an image is to a receiver what a push of that image would be.
        bool isPush = item.Action is AuditActions.TagPush or AuditActions.ManifestPush
            || (item.Action == AuditActions.TagUndo && item.Digest is not null);
        await queue.AddAsync(
            transaction,
            new RegistryEvent
            {
                Id = Guid.NewGuid().ToString(), Type = isPush ? "push" : "delete", Timestamp = time.GetUtcNow(),
                Repository = item.Repository, Tag = item.Tag, Digest = item.Digest, MediaType = item.MediaType, Actor = actor.Name,
            }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Tells a deletion in a repository that is known by its row.</summary>
    internal async Task TellDeletionAsync(
        HubTransaction transaction, Caller actor, long repositoryId, string? tag, string? digest, string? remark,
        CancellationToken cancellationToken)
    {
        RepositoryNewsItem item = new()
        {
            Action = tag is null ? AuditActions.ManifestDelete : AuditActions.TagDelete,
            Repository = await NameAsync(transaction, repositoryId, cancellationToken).ConfigureAwait(false),
            Tag = tag, Digest = digest, Remark = remark,
        };
        await TellAsync(transaction, actor, item, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Wakes who sends; called when the transaction has ended.</summary>
    public void Announce() => queue.Announce();

    internal static async Task<string> NameAsync(HubTransaction transaction, long repositoryId, CancellationToken cancellationToken) =>
        await transaction.TextAsync($"select name from repositories where id = {repositoryId}", cancellationToken).ConfigureAwait(false)
        ?? "";
}
