using Berth.Registry.Database;
using Berth.Registry.Protocol;

namespace Berth.Registry.Repositories;

/// <summary>The quotas' rows. Use is counted by <see cref="BlobTable"/> and <see cref="ManifestTable"/>, in the transactions that change
/// it: a blob once for a namespace, a manifest's document for each repository that has it, since each has it for itself.</summary>
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
            select coalesce((select sum(b.bytes) from blobs b
                    where b.digest in (select digest from repository_blobs where namespace = {space})), 0)
                + coalesce((select sum(m.bytes) from manifests m join repositories r on r.id = m.repository_id
                    where r.namespace = {space}), 0)
            """, cancellationToken).ConfigureAwait(false) ?? 0;

    /// <summary>Counts all namespaces anew.</summary>
    public static Task<int> RecountAsync(HubTransaction transaction, CancellationToken cancellationToken) =>
        transaction.ExecuteAsync((SqlText)RegistrySchema.CountQuotas, cancellationToken);

    /// <summary>Adds to what a namespace uses, or takes off.</summary>
    /// <exception cref="RegistryException">DENIED: it would be more than the namespace may use.</exception>
    internal static async Task ChargeAsync(HubTransaction transaction, string space, long bytes, CancellationToken cancellationToken)
    {
        (long Used, long? Max) quota = await transaction.FirstAsync(
            $"""
            insert into quotas(namespace, bytes_used) values ({space}, {bytes})
            on conflict (namespace) do update set bytes_used = quotas.bytes_used + excluded.bytes_used
            returning bytes_used, bytes_max
            """, reader => (reader.GetInt64(0), reader.IsDBNull(1) ? null : (long?)reader.GetInt64(1)), cancellationToken)
            .ConfigureAwait(false);
        if (bytes > 0 && quota.Max is { } max && quota.Used > max)
            throw new RegistryException(RegistryCode.DENIED,
                $"the quota of {(space.Length > 0 ? space : "names without a namespace")} is {max} bytes, and {quota.Used} would be used");
    }
}
