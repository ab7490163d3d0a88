using Berth.Oci;
using Berth.Registry.Database;
using Berth.Registry.Diary;
using Berth.Registry.Model;

namespace Berth.Registry.Repositories;

/// <summary>The tags' rows. Every move of a tag goes through here.</summary>
public static class TagTable
{
    /// <summary>Makes a tag name a manifest of its repository, with a line in the tag diary.</summary>
    /// <exception cref="FaultException">Conflict: the tag is immutable and names another manifest.</exception>
    public static Task SetAsync(
        HubTransaction transaction, RepositoryRow repository, string tag, Digest digest, Caller caller, long now,
        CancellationToken cancellationToken) =>
        SetAsync(transaction, repository, tag, digest, caller, now, TagMoveReason.Push, cancellationToken);

    /// <summary>As for a push, where something else than a push is why.</summary>
    public static async Task SetAsync(
        HubTransaction transaction, RepositoryRow repository, string tag, Digest digest, Caller caller, long now, TagMoveReason reason,
        CancellationToken cancellationToken)
    {
        string? from = await TagDiary.CurrentAsync(transaction, repository.Id, tag, cancellationToken).ConfigureAwait(false);
        if (from is not null && from != digest.ToString())
            await TagDiary.RequireMovableAsync(transaction, repository.Id, tag, digest.ToString(), cancellationToken).ConfigureAwait(false);
        await transaction.ExecuteAsync(
            $"""
            insert into tags(repository_id, name, manifest_digest, updated_at, updated_by)
            values ({repository.Id}, {tag}, {digest}, {now}, {caller.Name})
            on conflict (repository_id, name) do update
            set manifest_digest = excluded.manifest_digest, updated_at = excluded.updated_at, updated_by = excluded.updated_by
            """, cancellationToken).ConfigureAwait(false);
        TagMove move = new()
        {
            Id = 0, Tag = tag, From = from, To = digest.ToString(), MovedAt = now, MovedBy = caller.Name, Reason = reason,
        };
        await TagDiary.RecordAsync(transaction, repository.Id, move, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Removes a tag, with a line in the tag diary. What it named; null: there is no such tag.</summary>
    /// <exception cref="FaultException">Conflict: the tag is immutable.</exception>
    public static async Task<string?> RemoveAsync(
        HubTransaction transaction, long repositoryId, string tag, Caller caller, long now, CancellationToken cancellationToken)
    {
        string? from = await TagDiary.CurrentAsync(transaction, repositoryId, tag, cancellationToken).ConfigureAwait(false);
        if (from is null)
            return null;
        await TagDiary.RequireMovableAsync(transaction, repositoryId, tag, null, cancellationToken).ConfigureAwait(false);
        await transaction.ExecuteAsync(
            $"delete from tags where repository_id = {repositoryId} and name = {tag}", cancellationToken).ConfigureAwait(false);
        TagMove move = new()
        {
            Id = 0, Tag = tag, From = from, MovedAt = now, MovedBy = caller.Name, Reason = TagMoveReason.Delete,
        };
        await TagDiary.RecordAsync(transaction, repositoryId, move, cancellationToken).ConfigureAwait(false);
        return from;
    }

    /// <summary>Tags after one, in the order of their bytes.</summary>
    public static Task<List<string>> ListAsync(
        HubTransaction transaction, long repositoryId, string after, int count, CancellationToken cancellationToken) =>
        transaction.ListAsync(
            $"select name from tags where repository_id = {repositoryId} and name > {after} order by name limit {count}",
            reader => reader.GetString(0), cancellationToken);
}
