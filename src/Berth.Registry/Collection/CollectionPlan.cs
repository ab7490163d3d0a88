using Berth.Registry.Hosting;

namespace Berth.Registry.Collection;

/// <summary>What a collection would remove if it ran now.</summary>
/// <param name="Blobs">Blobs that no manifest needs and that nobody asked for lately.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="Unnamed">Files that no row names: a crash left them.</param>
/// <param name="UnnamedBytes">Their bytes.</param>
/// <param name="Examples">Some of them: locations and bytes.</param>
public sealed record CollectionPlan(
    long Blobs, long Bytes, long Unnamed, long UnnamedBytes, IReadOnlyList<(string Location, long Bytes)> Examples)
{
    private const int ExamplesMax = 100;

    /// <summary>Uploads that nobody went on with.</summary>
    public long Uploads { get; init; }

    /// <summary>What has arrived of them.</summary>
    public long UploadBytes { get; init; }

    /// <summary>Why files that no row names would not be looked for; null: they would.</summary>
    public string? SweepRefusal { get; init; }

    /// <summary>Looks, and changes nothing of what is stored.</summary>
    /// <exception cref="FaultException">Conflict: the storage is not this database's.</exception>
    public static async Task<CollectionPlan> LookAsync(HubServices services, CancellationToken cancellationToken)
    {
        await services.RequireStorageAsync(cancellationToken);
        long before = (services.Time.GetUtcNow() - services.Options.UnusedBlobTime).ToUnixTimeMilliseconds();
        (long blobs, long bytes) = await services.Database.ReadAsync(
            (transaction, token) => transaction.FirstAsync(
                $"""
                select count(*), cast(coalesce(sum(b.bytes), 0) as bigint) from blobs b where not exists (
                    select 1 from repository_blobs l where l.digest = b.digest and (l.used_at > {before} or exists (
                        select 1 from manifest_references f where f.repository_id = l.repository_id and f.digest = l.digest)))
                """, row => (row.GetInt64(0), row.GetInt64(1)), token), cancellationToken);
        (long uploads, long uploadBytes) = await services.Collector.LookForExpiredAsync(cancellationToken);
        var examples = new List<(string Location, long Bytes)>();
        (long unnamed, long unnamedBytes) = (0, 0);
        (string? refusal, IAsyncEnumerable<UnnamedFile> files) = await services.Collector.LookForUnnamedAsync(cancellationToken);
        await foreach (UnnamedFile file in files)
        {
            (unnamed, unnamedBytes) = (unnamed + 1, unnamedBytes + file.Bytes);
            if (examples.Count < ExamplesMax)
                examples.Add((file.Location, file.Bytes));
        }
        return new CollectionPlan(blobs, bytes, unnamed, unnamedBytes, examples)
        {
            Uploads = uploads, UploadBytes = uploadBytes, SweepRefusal = refusal,
        };
    }
}
