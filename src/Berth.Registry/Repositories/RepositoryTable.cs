using Berth.Registry.Database;
using Berth.Registry.Model;

namespace Berth.Registry.Repositories;

/// <summary>The repositories' rows.</summary>
/// <remarks>
/// A repository comes into being with its first manifest, or when somebody makes it. Blobs are sent before that: until then their
/// repository is hidden, which is a visibility. It is in no list and no page, has the rights of a private one, and goes when nothing is
/// in it any more.
/// </remarks>
public static class RepositoryTable
{
    /// <summary>The visibility of what is none yet.</summary>
    internal const string Hidden = "hidden";

    // Rows of one transaction: what others may have to wait for.
    private const int BatchRows = 50;

    /// <summary>A repository by its name, also one that is hidden; null: none.</summary>
    public static async Task<RepositoryRow?> FindAsync(
        HubTransaction transaction, RepositoryName name, CancellationToken cancellationToken) =>
        await transaction.NumberAsync($"select id from repositories where name = {name}", cancellationToken).ConfigureAwait(false) is { } id
            ? new RepositoryRow(id, name)
            : null;

    /// <summary>A repository by its name that has come into being; null: none.</summary>
    public static async Task<RepositoryRow?> FindVisibleAsync(
        HubTransaction transaction, RepositoryName name, CancellationToken cancellationToken) =>
        await transaction.NumberAsync(
            $"select id from repositories where name = {name} and visibility <> {Hidden}", cancellationToken)
            .ConfigureAwait(false) is { } id
            ? new RepositoryRow(id, name)
            : null;

    /// <summary>A repository by its name for what is sent before its first manifest: one that is made now is hidden.</summary>
    public static async Task<RepositoryRow> FindOrBeginAsync(
        HubTransaction transaction, RepositoryName name, long now, CancellationToken cancellationToken) =>
        await FindAsync(transaction, name, cancellationToken).ConfigureAwait(false)
            ?? await InsertAsync(transaction, name, Hidden, now, cancellationToken).ConfigureAwait(false);

    /// <summary>A repository by its name, which comes into being now where it was not or was hidden; it belongs to the account that its
    /// namespace names.</summary>
    public static async Task<RepositoryRow> FindOrCreateAsync(
        HubTransaction transaction, RepositoryName name, string visibility, long now, CancellationToken cancellationToken)
    {
        (long Id, string Visibility)? found = await transaction.FirstAsync<(long, string)?>(
            $"select id, visibility from repositories where name = {name}", reader => (reader.GetInt64(0), reader.GetString(1)),
            cancellationToken).ConfigureAwait(false);
        if (found is not { } there)
            return await InsertAsync(transaction, name, visibility, now, cancellationToken).ConfigureAwait(false);
        if (there.Visibility == Hidden)
            await transaction.ExecuteAsync(
                $"""
                update repositories set visibility = {visibility}, created_at = {now},
                    account_id = (select id from accounts where name = {name.Namespace}) where id = {there.Id}
                """, cancellationToken).ConfigureAwait(false);
        return new RepositoryRow(there.Id, name);
    }

    /// <summary>Names after one, in the order of their bytes, whoever may see them.</summary>
    public static Task<List<string>> NamesAsync(HubTransaction transaction, string after, int count, CancellationToken cancellationToken) =>
        transaction.ListAsync(
            $"select name from repositories where name > {after} and visibility <> {Hidden} order by name limit {count}",
            reader => reader.GetString(0), cancellationToken);

    /// <summary>How many an account has, by its name or its row; hidden ones are none.</summary>
    internal static async Task<long> CountOfAsync(
        HubTransaction transaction, string space, long accountId, CancellationToken cancellationToken) =>
        await transaction.NumberAsync(
            $"""
            select count(*) from repositories where (namespace = {space} or account_id = {accountId}) and visibility <> {Hidden}
            """, cancellationToken).ConfigureAwait(false) ?? 0;

    /// <summary>Removes a repository with all that is in it. What no other of its namespace has is no longer charged.</summary>
    internal static async Task RemoveAsync(HubTransaction transaction, long id, string space, CancellationToken cancellationToken)
    {
        await transaction.ExecuteAsync($"""
            update quotas set bytes_used = bytes_used - coalesce((
                select cast(sum(b.bytes) as bigint) from repository_blobs o join blobs b on b.digest = o.digest
                where o.repository_id = {id} and not exists (
                    select 1 from repository_blobs r
                    where r.namespace = o.namespace and r.digest = o.digest and r.repository_id <> {id})), 0)
                - coalesce((select cast(sum(m.bytes) as bigint) from manifests m where m.repository_id = {id}), 0)
            where namespace = {space}
            """, cancellationToken).ConfigureAwait(false);
        await transaction.ExecuteAsync($"delete from repositories where id = {id}", cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Removes what an account, which is about to go, has begun to push and not ended.</summary>
    internal static async Task RemoveHiddenAsync(
        HubTransaction transaction, string space, long accountId, CancellationToken cancellationToken)
    {
        List<(long Id, string Space)> hidden = await transaction.ListAsync(
            $"""
            select id, namespace from repositories where (namespace = {space} or account_id = {accountId}) and visibility = {Hidden}
            """, reader => (reader.GetInt64(0), reader.GetString(1)), cancellationToken).ConfigureAwait(false);
        foreach ((long id, string of) in hidden)
            await RemoveAsync(transaction, id, of, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Removes hidden repositories that nothing is in and nothing is being sent to, at most <see cref="BatchRows"/>. False: there
    /// may be more.</summary>
    internal static async Task<bool> RemoveEmptyAsync(HubTransaction transaction, CancellationToken cancellationToken) =>
        await transaction.ExecuteAsync(
            $"""
            delete from repositories where id in (select r.id from repositories r where r.visibility = {Hidden}
                and not exists(select 1 from uploads u where u.repository_id = r.id)
                and not exists(select 1 from repository_blobs l where l.repository_id = r.id) order by r.id limit {BatchRows})
            """, cancellationToken).ConfigureAwait(false) < BatchRows;

    private static async Task<RepositoryRow> InsertAsync(
        HubTransaction transaction, RepositoryName name, string visibility, long now, CancellationToken cancellationToken)
    {
        long? id = await transaction.NumberAsync(
            $"""
            insert into repositories(account_id, name, namespace, visibility, created_at)
            values ((select id from accounts where name = {name.Namespace}), {name}, {name.Namespace}, {visibility}, {now}) returning id
            """, cancellationToken).ConfigureAwait(false);
        return new RepositoryRow(id!.Value, name);
    }
}
