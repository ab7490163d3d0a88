using Berth.Oci;
using Berth.Registry.Database;
using Berth.Registry.Hosting;
using Berth.Registry.Repositories;
using Berth.Registry.Storage;

namespace Berth.Registry.Collection;

/// <summary>Removes what nothing needs, while everything goes on: pushes, mounts, pulls and other collectors.</summary>
/// <remarks>
/// A blob leaves a repository when no manifest there needs it and nobody pushed, mounted or asked for it for a while; it leaves the
/// hub when no
/// repository has it. Each step is a small serialisable transaction that looks again, so a push or mount is before it and keeps the
/// blob, or after
/// it and finds the blob gone, and sends it. A location that was given up belongs to nobody else ever, so its removal needs no lock
/// at all.
/// </remarks>
public sealed class Collector(HubDatabase database, IBlobStorage storage, TimeProvider time, HubOptions options)
{
    // Rows that one statement looks at, and changes of one transaction: what others may have to wait for.
    private const int PageRows = 1000;
    private const int BatchRows = 50;

    private readonly UnnamedFiles _unnamed = new(database, storage, time, options);
    private readonly StorageOwner _owner = new(database, storage);

    /// <summary>Runs one whole collection from beginning to end. It may be given up and run again at any point.</summary>
    public Task<CollectionReport> RunAsync(CancellationToken cancellationToken) => RunAsync(sweeps: true, cancellationToken);

    /// <summary>Runs one collection.</summary>
    /// <param name="sweeps">Whether the storage is gone through for what no row names: that takes the longest, and finds something only
    /// after a crash.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<CollectionReport> RunAsync(bool sweeps, CancellationToken cancellationToken)
    {
        (long uploads, long uploadBytes) = await ExpireUploadsAsync(cancellationToken).ConfigureAwait(false);
        long unlinked = await UnlinkAsync(cancellationToken).ConfigureAwait(false);
        long removed = await DiscardAsync(cancellationToken).ConfigureAwait(false);
        string? refusal = sweeps ? await _owner.RefusalAsync(cancellationToken).ConfigureAwait(false) : null;
        long unnamed = sweeps && refusal is null ? await _unnamed.DiscardAsync(cancellationToken).ConfigureAwait(false) : 0;
        long freed = await RemoveDiscardedAsync(cancellationToken).ConfigureAwait(false);
        return new CollectionReport(uploads, unlinked, removed, unnamed, uploadBytes + freed) { SweepRefusal = refusal };
    }

    /// <summary>What a sweep would remove if it ran now, and why it would not run.</summary>
    internal async Task<(string? Refusal, IAsyncEnumerable<UnnamedFile> Files)> LookForUnnamedAsync(CancellationToken cancellationToken)
    {
        string? refusal = await _owner.RefusalAsync(cancellationToken).ConfigureAwait(false);
        return (refusal, refusal is null ? _unnamed.FindAsync(cancellationToken) : AsyncEnumerable.Empty<UnnamedFile>());
    }

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Forgets uploads that nobody went on with; how many, and the bytes that became free.</summary>
    internal async Task<(long Count, long Bytes)> ExpireUploadsAsync(CancellationToken cancellationToken)
    {
        long count = 0;
        long freed = 0;
        while (true)
        {
            long now = Now;
            long before = now - (long)options.UploadTime.TotalMilliseconds;
            List<string> expired = await database.WriteAsync(
                async (transaction, token) =>
                {
                    List<string> ids = await UploadTable.ExpiredAsync(transaction, before, now, BatchRows, token).ConfigureAwait(false);
                    foreach (string id in ids)
                        await UploadTable.RemoveAsync(transaction, id, token).ConfigureAwait(false);
                    return ids;
                }, cancellationToken).ConfigureAwait(false);
            foreach (string id in expired)
                freed += await storage.CancelAsync(id, cancellationToken).ConfigureAwait(false);
            count += expired.Count;
            if (expired.Count < BatchRows)
                return (count, freed);
        }
    }

    /// <summary>Takes blobs out of repositories that do not need them.</summary>
    internal async Task<long> UnlinkAsync(CancellationToken cancellationToken)
    {
        long count = 0;
        (long Repository, string Digest) last = (0, "");
        while (true)
        {
            (long, string) from = last;
            List<LinkRow> page = await database.ReadAsync(
                (transaction, token) => LinkRow.PageAsync(transaction, from, PageRows, token), cancellationToken).ConfigureAwait(false);
            foreach (LinkRow[] batch in page.Where(link => !link.IsNeeded && IsOld(link.UsedAt)).Chunk(BatchRows))
                count += await database.WriteAsync(
                    (transaction, token) => UnlinkAsync(transaction, batch, token), cancellationToken).ConfigureAwait(false);
            if (page.Count < PageRows)
                return count;
            last = (page[^1].RepositoryId, page[^1].Digest);
        }
    }

    /// <summary>Gives up the locations of blobs that no repository has.</summary>
    internal async Task<long> DiscardAsync(CancellationToken cancellationToken)
    {
        long count = 0;
        string last = "";
        while (true)
        {
            string from = last;
            List<(string Digest, bool IsLinked)> page = await database.ReadAsync(
                (transaction, token) => transaction.ListAsync(
                    $"""
                    select b.digest, case when exists(select 1 from repository_blobs l where l.digest = b.digest) then 1 else 0 end
                    from blobs b where b.digest > {from} order by b.digest limit {PageRows}
                    """, reader => (reader.GetString(0), reader.GetInt32(1) != 0), token), cancellationToken).ConfigureAwait(false);
            foreach (string[] batch in page.Where(blob => !blob.IsLinked).Select(blob => blob.Digest).Chunk(BatchRows))
                count += await database.WriteAsync(
                    (transaction, token) => DiscardAsync(transaction, batch, token), cancellationToken).ConfigureAwait(false);
            if (page.Count < PageRows)
                return count;
            last = page[^1].Digest;
        }
    }

    /// <summary>Removes from the storage what was given up, also by a collection that did not end.</summary>
    internal async Task<long> RemoveDiscardedAsync(CancellationToken cancellationToken)
    {
        long freed = 0;
        while (true)
        {
            List<string> locations = await database.ReadAsync(
                (transaction, token) => transaction.ListAsync(
                    $"select location from discarded order by location limit {BatchRows}", reader => reader.GetString(0), token),
                cancellationToken).ConfigureAwait(false);
            // The row goes last: who is interrupted finds it again.
            foreach (string location in locations)
                freed += await storage.DeleteAsync(location, cancellationToken).ConfigureAwait(false);
            if (locations.Count > 0)
                await database.WriteAsync(
                    Durability.Process,
                    (transaction, token) => transaction.ExecuteAsync($"delete from discarded where location in {locations}", token),
                    cancellationToken).ConfigureAwait(false);
            if (locations.Count < BatchRows)
                return freed;
        }
    }

    private bool IsOld(long usedAt) => Now - usedAt >= options.UnusedBlobTime.TotalMilliseconds;

    private async Task<int> UnlinkAsync(HubTransaction transaction, LinkRow[] links, CancellationToken cancellationToken)
    {
        int count = 0;
        foreach (LinkRow link in links)
        {
            LinkRow? now = await LinkRow.FindAsync(transaction, link.RepositoryId, link.Digest, cancellationToken).ConfigureAwait(false);
            if (now is { IsNeeded: false } && IsOld(now.UsedAt)
                && await BlobTable.UnlinkAsync(transaction, now.RepositoryId, Digest.Parse(now.Digest), cancellationToken)
                    .ConfigureAwait(false))
                count++;
        }
        return count;
    }

    private async Task<int> DiscardAsync(HubTransaction transaction, string[] digests, CancellationToken cancellationToken)
    {
        List<(string Location, long Bytes)> given = await transaction.ListAsync(
            $"""
            delete from blobs where digest in {digests} and not exists(select 1 from repository_blobs l where l.digest = blobs.digest)
            returning location, bytes
            """, reader => (reader.GetString(0), reader.GetInt64(1)), cancellationToken).ConfigureAwait(false);
        foreach ((string location, long bytes) in given)
            await BlobTable.DiscardAsync(transaction, location, bytes, Now, cancellationToken).ConfigureAwait(false);
        return given.Count;
    }
}
