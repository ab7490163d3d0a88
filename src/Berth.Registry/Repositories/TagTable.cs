using Berth.Oci;
using Berth.Registry.Database;
using Berth.Registry.Model;

namespace Berth.Registry.Repositories;

/// <summary>The tags' rows. Every move of a tag goes through here.</summary>
public static class TagTable
{
    /// <summary>Makes a tag name a manifest of its repository.</summary>
    public static Task SetAsync(
        HubTransaction transaction, RepositoryRow repository, string tag, Digest digest, Caller caller, long now,
        CancellationToken cancellationToken) => transaction.ExecuteAsync(
            $"""
            insert into tags(repository_id, name, manifest_digest, updated_at, updated_by)
            values ({repository.Id}, {tag}, {digest}, {now}, {caller.Name})
            on conflict (repository_id, name) do update
            set manifest_digest = excluded.manifest_digest, updated_at = excluded.updated_at, updated_by = excluded.updated_by
            """, cancellationToken);

    /// <summary>Removes a tag. False: there is none.</summary>
    public static async Task<bool> RemoveAsync(
        HubTransaction transaction, RepositoryRow repository, string tag, CancellationToken cancellationToken) =>
        await transaction.ExecuteAsync(
            $"delete from tags where repository_id = {repository.Id} and name = {tag}", cancellationToken).ConfigureAwait(false) > 0;

    /// <summary>Tags after one, in the order of their bytes.</summary>
    public static Task<List<string>> ListAsync(
        HubTransaction transaction, long repositoryId, string after, int count, CancellationToken cancellationToken) =>
        transaction.ListAsync(
            $"select name from tags where repository_id = {repositoryId} and name > {after} order by name limit {count}",
            reader => reader.GetString(0), cancellationToken);
}
