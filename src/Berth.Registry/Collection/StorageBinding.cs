using Berth.Registry.Database;
using Berth.Registry.Hosting;
using Berth.Registry.Storage;

namespace Berth.Registry.Collection;

/// <summary>That a database is used with the storage that has its blobs. It only looks, and writes nothing.</summary>
/// <remarks>
/// A hub that is started, or a verb that is run, with the right database and another directory or bucket would take rows for blobs that it
/// cannot remove, and put new blobs where the other hubs of the database do not find them. A storage that nobody's name is in yet is
/// known by what is in it: one of some blobs of the database has to be there.
/// </remarks>
internal sealed class StorageBinding(HubDatabase database, IBlobStorage storage, HubOptions options)
{
    // Some may be lost or damaged without the storage being another.
    private const int SampleBlobs = 32;

    /// <summary>Refuses a storage that is another database's, or has nothing of what this one names.</summary>
    /// <exception cref="FaultException">Conflict: it is another storage. Unavailable: it is away.</exception>
    public async Task RequireAsync(CancellationToken cancellationToken)
    {
        string? id = await database.ReadAsync(
            (transaction, token) => transaction.TextAsync($"select id from {(SqlText)CollectionSchema.Table}", token), cancellationToken)
            .ConfigureAwait(false);
        string? owner = await storage.OwnerAsync(cancellationToken).ConfigureAwait(false);
        if (owner is not null && owner == id)
            return;
        if (owner is not null)
            throw FaultException.Conflict($"the storage {Place} belongs to another database: name that one, or this one's storage; "
                + "if that database is gone for good, remove storage.id from the storage");
        if (!await HasBlobsAsync(cancellationToken).ConfigureAwait(false))
            throw FaultException.Conflict($"the storage {Place} has none of this database's blobs: name its storage, or mount it"
                + (id is null ? "" : $"; if its blobs are gone for good, write {id} into storage.id in the storage"));
    }

    private string Place => options.S3 is { } bucket ? $"{bucket.Endpoint} {bucket.Bucket}/{bucket.Prefix}" : options.DataDirectory;

    // A database without blobs has all of them.
    private async Task<bool> HasBlobsAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            List<string> sample = await database.ReadAsync(
                (transaction, token) => transaction.ListAsync(
                    $"select location from blobs order by digest limit {SampleBlobs}", row => row.GetString(0), token), cancellationToken)
                .ConfigureAwait(false);
            if (sample.Count == 0)
                return true;
            foreach (string location in sample)
            {
                if (await storage.BytesAsync(location, cancellationToken).ConfigureAwait(false) is not null)
                    return true;
            }
            // A collector beside may have removed them meanwhile, rows first.
            long? named = await database.ReadAsync(
                (transaction, token) => transaction.NumberAsync($"select 1 from blobs where location in {sample} limit 1", token),
                cancellationToken).ConfigureAwait(false);
            if (named is not null)
                return false;
        }
    }
}
