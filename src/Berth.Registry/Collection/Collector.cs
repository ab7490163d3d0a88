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

    private readonly Discarded _discarded = new(database, storage);
    private readonly UnnamedFiles _unnamed = new(database, storage, time, options);
    private readonly StorageOwner _owner = new(database, storage);
    private readonly StorageBinding _binding = new(database, storage, options);

    /// <summary>Runs one whole collection from beginning to end. It may be given up and run again at any point.</summary>
    public Task<CollectionReport> RunAsync(CancellationToken cancellationToken) => RunAsync(sweeps: true, cancellationToken);

    /// <summary>Runs one collection.</summary>
    /// <param name="sweeps">Whether the storage is gone through for what no row names: that takes the longest, and finds something only
    /// after a crash.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="FaultException">Conflict: the storage is not this database's; nothing was changed.</exception>
    public async Task<CollectionReport> RunAsync(bool sweeps, CancellationToken cancellationToken)
    {
        // Before any row goes: what was given up in a storage that has it not would never be freed.
        await _binding.RequireAsync(cancellationToken).ConfigureAwait(false);
        long uploads = await ExpireUploadsAsync(cancellationToken).ConfigureAwait(false);
        long unlinked = await UnlinkAsync(cancellationToken).ConfigureAwait(false);
        await RemoveEmptyRepositoriesAsync(cancellationToken).ConfigureAwait(false);
        long removed = await DiscardAsync(cancellationToken).ConfigureAwait(false);
        // The sweep may take long and has something to write: on a full disk the room for it is made first.
        long freed = database.IsDiskFull ? await RemoveDiscardedAsync(cancellationToken).ConfigureAwait(false) : 0;
        string? refusal = sweeps ? await _owner.RefusalAsync(cancellationToken).ConfigureAwait(false) : null;
        long unnamed = sweeps && refusal is null ? await _unnamed.DiscardAsync(cancellationToken).ConfigureAwait(false) : 0;
        freed += await RemoveDiscardedAsync(cancellationToken).ConfigureAwait(false);
        database.KeepRoom();
        return new CollectionReport(uploads, unlinked, removed, unnamed, freed) { SweepRefusal = refusal };
    }

    /// <summary>The uploads that would be forgotten now, and what there is of them.</summary>
    internal async Task<(long Uploads, long Bytes)> LookForExpiredAsync(CancellationToken cancellationToken)
    {
        (long before, long now) = (UploadsExpiredBefore, Now);
        List<string> expired = await database.ReadAsync(
            (transaction, token) => UploadTable.ExpiredAsync(transaction, before, now, UploadTable.UploadsMax, token), cancellationToken)
            .ConfigureAwait(false);
        long bytes = 0;
        foreach (string id in expired)
        {
            await foreach (StoredFile piece in storage.PiecesAsync(id, cancellationToken).ConfigureAwait(false))
                bytes += await storage.BytesAsync(piece.Location, cancellationToken).ConfigureAwait(false) ?? 0;
        }
        return (expired.Count, bytes);
    }

    /// <summary>What a sweep would remove if it ran now, and why it would not run.</summary>
    internal async Task<(string? Refusal, IAsyncEnumerable<UnnamedFile> Files)> LookForUnnamedAsync(CancellationToken cancellationToken)
    {
        string? refusal = await _owner.LookAsync(cancellationToken).ConfigureAwait(false);
        return (refusal, refusal is null ? _unnamed.FindAsync(cancellationToken) : AsyncEnumerable.Empty<UnnamedFile>());
    }

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Forgets uploads that nobody went on with and gives up their bytes; how many.</summary>
    internal async Task<long> ExpireUploadsAsync(CancellationToken cancellationToken)
    {
        long count = 0;
        while (true)
        {
            (long before, long now) = (UploadsExpiredBefore, Now);
            List<string> expired = await database.ReadAsync(
                (transaction, token) => UploadTable.ExpiredAsync(transaction, before, now, BatchRows, token), cancellationToken)
                .ConfigureAwait(false);
            var pieces = new List<StoredFile>();
            foreach (string id in expired)
            {
                await foreach (StoredFile piece in storage.PiecesAsync(id, cancellationToken).ConfigureAwait(false))
                    pieces.Add(piece);
            }
            ILookup<string, StoredFile> found = pieces.ToLookup(piece => piece.UploadId);
            count += await database.FreeAsync(
                (transaction, token) => ExpireUploadsAsync(transaction, expired, found, (before, now), token), cancellationToken)
                .ConfigureAwait(false);
            if (expired.Count < BatchRows)
                return count;
        }
    }

    // Since when an upload must have been gone on with to stay.
    private long UploadsExpiredBefore => Now - (long)options.UploadTime.TotalMilliseconds;

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
                count += await database.FreeAsync(
                    (transaction, token) => UnlinkAsync(transaction, batch, token), cancellationToken).ConfigureAwait(false);
            if (page.Count < PageRows)
                return count;
            last = (page[^1].RepositoryId, page[^1].Digest);
        }
    }

    /// <summary>Removes what came to be with an upload and got no manifest.</summary>
    internal async Task RemoveEmptyRepositoriesAsync(CancellationToken cancellationToken)
    {
        bool areAll;
        do
            areAll = await database.FreeAsync(RepositoryTable.RemoveEmptyAsync, cancellationToken).ConfigureAwait(false);
        while (!areAll);
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
                count += await database.FreeAsync(
                    (transaction, token) => DiscardAsync(transaction, batch, token), cancellationToken).ConfigureAwait(false);
            if (page.Count < PageRows)
                return count;
            last = page[^1].Digest;
        }
    }

    /// <summary>Removes from the storage what was given up, also by a collection that did not end; the bytes that this one freed.</summary>
    internal Task<long> RemoveDiscardedAsync(CancellationToken cancellationToken) => _discarded.RemoveAsync(cancellationToken);

    // What there is of an upload is given up in the transaction that removes its row: a sweep, which would count what has no row, finds
    // it in "discarded".
    private static async Task<int> ExpireUploadsAsync(
        HubTransaction transaction, List<string> ids, ILookup<string, StoredFile> pieces, (long Before, long Now) time,
        CancellationToken cancellationToken)
    {
        int count = 0;
        foreach (string id in ids)
        {
            if (!await UploadTable.RemoveExpiredAsync(transaction, id, time.Before, time.Now, cancellationToken).ConfigureAwait(false))
                continue;
            count++;
            foreach (StoredFile piece in pieces[id])
                await Discarded.AddFoundAsync(transaction, piece.Location, piece.State?.Bytes ?? 0, time.Now, cancellationToken)
                    .ConfigureAwait(false);
        }
        return count;
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
