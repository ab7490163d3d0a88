using Berth.Registry.Database;

namespace Berth.Registry.Repositories;

/// <summary>The quotas' rows. Use is counted by <see cref="BlobTable"/>, in the transactions that change it.</summary>
public static class QuotaTable
{
    /// <summary>The quota of a namespace.</summary>
    public static async Task<Quota> FindAsync(HubTransaction transaction, string space, CancellationToken cancellationToken) =>
        await transaction.FirstAsync(
            $"select bytes_used, bytes_max from quotas where namespace = {space}",
            reader => new Quota(reader.GetInt64(0), reader.IsDBNull(1) ? null : reader.GetInt64(1)), cancellationToken)
            .ConfigureAwait(false) ?? new Quota(0, null);

    /// <summary>Sets the most that a namespace may use; null: no limit. What is there already stays, also beyond it.</summary>
    public static Task<int> SetAsync(HubTransaction transaction, string space, long? bytesMax, CancellationToken cancellationToken) =>
        transaction.ExecuteAsync(
            $"""
            insert into quotas(namespace, bytes_used, bytes_max) values ({space}, 0, {bytesMax})
            on conflict (namespace) do update set bytes_max = excluded.bytes_max
            """, cancellationToken);

    /// <summary>Counts from the rows themselves: what <see cref="Quota.BytesUsed"/> must be equal to.</summary>
    public static async Task<long> CountAsync(HubTransaction transaction, string space, CancellationToken cancellationToken) =>
        await transaction.NumberAsync(
            $"""
            select sum(b.bytes) from blobs b
            where b.digest in (select digest from repository_blobs where namespace = {space})
            """, cancellationToken).ConfigureAwait(false) ?? 0;
}
