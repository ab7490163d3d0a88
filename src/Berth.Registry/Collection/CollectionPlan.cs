using Berth.Registry.Hosting;

namespace Berth.Registry.Collection;

/// <summary>What a collection would remove if it ran now.</summary>
/// <param name="Blobs">Blobs that no manifest needs and that nobody asked for lately.</param>
/// <param name="Bytes">Their bytes.</param>
public sealed record CollectionPlan(long Blobs, long Bytes)
{
    /// <summary>Looks, and changes nothing.</summary>
    public static Task<CollectionPlan> LookAsync(HubServices services, CancellationToken cancellationToken)
    {
        long before = (services.Time.GetUtcNow() - services.Options.UnusedBlobTime).ToUnixTimeMilliseconds();
        return services.Database.ReadAsync(
            async (transaction, token) => (await transaction.FirstAsync(
                $"""
                select count(*), cast(coalesce(sum(b.bytes), 0) as bigint) from blobs b where not exists (
                    select 1 from repository_blobs l where l.digest = b.digest and (l.used_at > {before} or exists (
                        select 1 from manifest_references f where f.repository_id = l.repository_id and f.digest = l.digest)))
                """, row => new CollectionPlan(row.GetInt64(0), row.GetInt64(1)), token))!, cancellationToken);
    }
}
