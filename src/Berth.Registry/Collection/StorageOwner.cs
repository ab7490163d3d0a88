using Berth.Registry.Database;
using Berth.Registry.Storage;

namespace Berth.Registry.Collection;

/// <summary>That a storage belongs to a database: only what *its* database does not name may be swept from it.</summary>
/// <remarks>
/// Without it, a collection that somebody starts with the right directory and the wrong database (<c>berth-hub gc --data DIR</c> of a
/// hub on PostgreSQL opens an empty SQLite one) would find every blob unnamed. So a database that is to own a storage has to name
/// something that is there, or nothing may be there; and the storage notes whose it is.
/// </remarks>
internal sealed class StorageOwner(HubDatabase database, IBlobStorage storage)
{
    // How much of a storage is looked at for something that the database names.
    private const int FilesMax = 10_000;
    private const int PageRows = 500;

    /// <summary>Why nothing may be swept; null: the storage is this database's.</summary>
    public async Task<string?> RefusalAsync(CancellationToken cancellationToken)
    {
        string id = await IdAsync(cancellationToken).ConfigureAwait(false);
        string? owner = await storage.OwnerAsync(cancellationToken).ConfigureAwait(false);
        if (owner is null && await NamesSomethingAsync(cancellationToken).ConfigureAwait(false))
        {
            await SetOwnerAsync(id, cancellationToken).ConfigureAwait(false);
            owner = await storage.OwnerAsync(cancellationToken).ConfigureAwait(false);
        }
        return owner == id ? null : Refusal(owner);
    }

    /// <summary>Why nothing would be swept; notes nothing.</summary>
    public async Task<string?> LookAsync(CancellationToken cancellationToken)
    {
        string? id = await database.ReadAsync(
            (transaction, token) => transaction.TextAsync($"select id from storage_owner", token), cancellationToken).ConfigureAwait(false);
        string? owner = await storage.OwnerAsync(cancellationToken).ConfigureAwait(false);
        bool isOwn = owner is null ? await NamesSomethingAsync(cancellationToken).ConfigureAwait(false) : owner == id;
        return isOwn ? null : Refusal(owner);
    }

    private static string Refusal(string? owner) =>
        owner is null ? "the database names nothing of what the storage has: is it the right one?"
            : "the storage belongs to another database: if that is gone for good, remove storage.id from the storage";

    // A small file, which a full disk may have no room for; who collects wants to make some.
    private async Task SetOwnerAsync(string id, CancellationToken cancellationToken)
    {
        try
        {
            await storage.SetOwnerAsync(id, cancellationToken).ConfigureAwait(false);
        }
        catch (FaultException full) when (full.Kind is FaultKind.Unavailable && database.TryGiveRoom())
        {
            await storage.SetOwnerAsync(id, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The database's random name, which it gets once.</summary>
    public Task<string> IdAsync(CancellationToken cancellationToken) => database.FreeAsync(
        async (transaction, token) =>
        {
            string fresh = UploadIds.Next();
            await transaction.ExecuteAsync(
                $"insert into storage_owner(one, id) values (1, {fresh}) on conflict (one) do nothing", token).ConfigureAwait(false);
            return (await transaction.TextAsync($"select id from storage_owner", token).ConfigureAwait(false))!;
        }, cancellationToken);

    private async Task<bool> NamesSomethingAsync(CancellationToken cancellationToken)
    {
        bool isEmpty = true;
        IAsyncEnumerable<StoredFile[]> pages = storage.FilesAsync(cancellationToken).Take(FilesMax).Chunk(PageRows);
        await foreach (StoredFile[] page in pages.ConfigureAwait(false))
        {
            isEmpty = false;
            long? named = await database.ReadAsync(
                (transaction, token) => transaction.NumberAsync(
                    $"select 1 from blobs where location in {page.Select(file => file.Location)} limit 1", token), cancellationToken)
                .ConfigureAwait(false);
            if (named is not null)
                return true;
        }
        return isEmpty;
    }
}
