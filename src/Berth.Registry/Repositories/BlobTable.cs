using Berth.Oci;
using Berth.Registry.Database;
using Berth.Registry.Model;
using Berth.Registry.Protocol;

namespace Berth.Registry.Repositories;

/// <summary>
/// Which blobs there are, and to which repositories they belong. All that is counted (sizes, quotas) changes here, together with
/// the rows.
/// </summary>
/// <remarks>
/// A namespace is charged for a blob once, however many of its repositories have it; a blob of several namespaces is charged to each.
/// </remarks>
public static class BlobTable
{
    /// <summary>A blob of a repository; null: it is not there.</summary>
    public static Task<BlobRow?> FindAsync(
        HubTransaction transaction, RepositoryName repository, Digest digest, CancellationToken cancellationToken) =>
        transaction.FirstAsync(
            $"""
            select l.repository_id, b.bytes, b.location, l.used_at
            from repositories r join repository_blobs l on l.repository_id = r.id join blobs b on b.digest = l.digest
            where r.name = {repository} and l.digest = {digest}
            """, reader => new BlobRow(reader.GetInt64(0), reader.GetInt64(1), reader.GetString(2), reader.GetInt64(3)), cancellationToken);

    /// <summary>The bytes of a blob, of whichever repository; null: nobody has it.</summary>
    public static Task<long?> BytesAsync(HubTransaction transaction, Digest digest, CancellationToken cancellationToken) =>
        transaction.NumberAsync($"select bytes from blobs where digest = {digest}", cancellationToken);

    /// <summary>
    /// Adds a blob that the storage has just finished. False: another was quicker, and this location is to be discarded.
    /// </summary>
    /// <exception cref="RegistryException">BLOB_UPLOAD_UNKNOWN: a collection has given up the location.</exception>
    public static async Task<bool> AddAsync(
        HubTransaction transaction, Digest digest, long bytes, string location, long now, CancellationToken cancellationToken)
    {
        if (await transaction.NumberAsync($"select 1 from discarded where location = {location}", cancellationToken)
            .ConfigureAwait(false) is not null)
            throw new RegistryException(RegistryCode.BLOB_UPLOAD_UNKNOWN, "the upload was given up: it took too long");
        int added = await transaction.ExecuteAsync(
            $"""
            insert into blobs(digest, bytes, location, created_at) values ({digest}, {bytes}, {location}, {now})
            on conflict (digest) do nothing
            """, cancellationToken).ConfigureAwait(false);
        if (added == 0)
            await DiscardAsync(transaction, location, bytes, now, cancellationToken).ConfigureAwait(false);
        return added > 0;
    }

    /// <summary>Remembers that a location is needed by nothing and is to be removed.</summary>
    public static Task<int> DiscardAsync(
        HubTransaction transaction, string location, long bytes, long now, CancellationToken cancellationToken) => transaction.ExecuteAsync(
            $"insert into discarded(location, bytes, discarded_at) values ({location}, {bytes}, {now})", cancellationToken);

    /// <summary>Makes a blob, which must exist, one of a repository, or notes that it was asked for again.</summary>
    /// <exception cref="RegistryException">DENIED: the namespace's quota does not allow it.</exception>
    public static async Task LinkAsync(
        HubTransaction transaction, RepositoryRow repository, Digest digest, long bytes, long now, CancellationToken cancellationToken)
    {
        if (await TouchAsync(transaction, repository.Id, digest, now, cancellationToken).ConfigureAwait(false))
            return;
        string space = repository.Name.Namespace;
        if (!await NamespaceHasAsync(transaction, space, digest, cancellationToken).ConfigureAwait(false))
            await QuotaTable.ChargeAsync(transaction, space, bytes, cancellationToken).ConfigureAwait(false);
        await transaction.ExecuteAsync(
            $"""
            insert into repository_blobs(repository_id, digest, namespace, used_at) values ({repository.Id}, {digest}, {space}, {now})
            """, cancellationToken).ConfigureAwait(false);
        await transaction.ExecuteAsync(
            $"update repositories set bytes = bytes + {bytes} where id = {repository.Id}", cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Notes that a blob of a repository was asked for. False: it is not there.</summary>
    public static async Task<bool> TouchAsync(
        HubTransaction transaction, long repositoryId, Digest digest, long now, CancellationToken cancellationToken) =>
        await transaction.ExecuteAsync(
            $"update repository_blobs set used_at = {now} where repository_id = {repositoryId} and digest = {digest}",
            cancellationToken).ConfigureAwait(false) > 0;

    /// <summary>Takes a blob out of a repository. False: it was not there.</summary>
    public static async Task<bool> UnlinkAsync(
        HubTransaction transaction, long repositoryId, Digest digest, CancellationToken cancellationToken)
    {
        (string Space, long Bytes)? row = await transaction.FirstAsync<(string, long)?>(
            $"""
            select l.namespace, b.bytes from repository_blobs l join blobs b on b.digest = l.digest
            where l.repository_id = {repositoryId} and l.digest = {digest}
            """, reader => (reader.GetString(0), reader.GetInt64(1)), cancellationToken).ConfigureAwait(false);
        if (row is not { } link)
            return false;
        await transaction.ExecuteAsync(
            $"delete from repository_blobs where repository_id = {repositoryId} and digest = {digest}", cancellationToken)
            .ConfigureAwait(false);
        await transaction.ExecuteAsync(
            $"update repositories set bytes = bytes - {link.Bytes} where id = {repositoryId}", cancellationToken).ConfigureAwait(false);
        if (!await NamespaceHasAsync(transaction, link.Space, digest, cancellationToken).ConfigureAwait(false))
            await QuotaTable.ChargeAsync(transaction, link.Space, -link.Bytes, cancellationToken).ConfigureAwait(false);
        return true;
    }

    /// <summary>True while a manifest of the repository needs the blob.</summary>
    public static async Task<bool> IsNeededAsync(
        HubTransaction transaction, long repositoryId, Digest digest, CancellationToken cancellationToken) =>
        await transaction.NumberAsync(
            $"select 1 from manifest_references where repository_id = {repositoryId} and digest = {digest} limit 1",
            cancellationToken).ConfigureAwait(false) is not null;

    private static async Task<bool> NamespaceHasAsync(
        HubTransaction transaction, string space, Digest digest, CancellationToken cancellationToken) =>
        await transaction.NumberAsync(
            $"select 1 from repository_blobs where namespace = {space} and digest = {digest} limit 1",
            cancellationToken).ConfigureAwait(false) is not null;
}
