using Berth.Registry.Database;
using Berth.Registry.Model;

namespace Berth.Registry.Repositories;

/// <summary>The repositories' rows.</summary>
public static class RepositoryTable
{
    /// <summary>A repository by its name; null: none.</summary>
    public static async Task<RepositoryRow?> FindAsync(
        HubTransaction transaction, RepositoryName name, CancellationToken cancellationToken) =>
        await transaction.NumberAsync($"select id from repositories where name = {name}", cancellationToken).ConfigureAwait(false) is { } id
            ? new RepositoryRow(id, name)
            : null;

    /// <summary>A repository by its name, made now where there is none; it belongs to the account that its namespace names.</summary>
    public static async Task<RepositoryRow> FindOrCreateAsync(
        HubTransaction transaction, RepositoryName name, string visibility, long now, CancellationToken cancellationToken)
    {
        if (await FindAsync(transaction, name, cancellationToken).ConfigureAwait(false) is { } found)
            return found;
        long? account = await transaction.NumberAsync(
            $"select id from accounts where name = {name.Namespace}", cancellationToken).ConfigureAwait(false);
        long? id = await transaction.NumberAsync(
            $"""
            insert into repositories(account_id, name, namespace, visibility, created_at)
            values ({account}, {name}, {name.Namespace}, {visibility}, {now}) returning id
            """, cancellationToken).ConfigureAwait(false);
        return new RepositoryRow(id!.Value, name);
    }

    /// <summary>Names after one, in the order of their bytes, whoever may see them.</summary>
    public static Task<List<string>> NamesAsync(HubTransaction transaction, string after, int count, CancellationToken cancellationToken) =>
        transaction.ListAsync(
            $"select name from repositories where name > {after} order by name limit {count}",
            reader => reader.GetString(0), cancellationToken);
}
