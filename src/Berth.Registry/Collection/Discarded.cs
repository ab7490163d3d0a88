using Berth.Registry.Database;
using Berth.Registry.Storage;

namespace Berth.Registry.Collection;

/// <summary>What was given up and is still stored: the table <c>discarded</c>, by which bytes that become free are counted once.</summary>
/// <remarks>
/// <para>
/// First the bytes go, which any number of collections may try at once, in whichever process; then the row, which one of them removes:
/// that one has freed them. Services do not say whether there was something to delete, so what they answer counts nothing. Who is
/// interrupted between the two leaves the row, and whoever comes next removes and counts it.
/// </para>
/// <para>
/// So nothing may get a second row when its first is gone. A blob's location and an upload's ID get theirs in the transaction that
/// removes their own rows, which exist once. What a listing found may have been removed and counted since: its row is unconfirmed until
/// somebody has looked, after it was added, and found the bytes there. No row before it can have been theirs then.
/// </para>
/// </remarks>
internal sealed class Discarded(HubDatabase database, IBlobStorage storage)
{
    // Changes of one transaction: what others may have to wait for.
    private const int BatchRows = 50;

    /// <summary>Adds what a listing found, unconfirmed. False: it has its row already.</summary>
    public static async Task<bool> AddFoundAsync(
        HubTransaction transaction, string location, long bytes, long now, CancellationToken cancellationToken) =>
        await transaction.ExecuteAsync(
            $"""
            insert into discarded(location, bytes, discarded_at, confirmed) values ({location}, {bytes}, {now}, 0)
            on conflict (location) do nothing
            """, cancellationToken).ConfigureAwait(false) > 0;

    /// <summary>Looks whether what a listing found is there, and forgets what is not; how many were forgotten.</summary>
    public async Task<int> ConfirmAsync(IReadOnlyList<string> locations, CancellationToken cancellationToken)
    {
        if (locations.Count == 0)
            return 0;
        var there = new List<(string Location, long? Bytes)>();
        foreach (string location in locations)
            there.Add((location, await storage.BytesAsync(location, cancellationToken).ConfigureAwait(false)));
        return await database.FreeAsync(
            async (transaction, token) =>
            {
                int forgotten = 0;
                foreach ((string location, long? bytes) in there)
                {
                    if (bytes is null)
                        forgotten += await transaction.ExecuteAsync(
                            $"delete from discarded where location = {location} and confirmed = 0", token).ConfigureAwait(false);
                    else
                        await transaction.ExecuteAsync(
                            $"update discarded set confirmed = 1, bytes = {bytes} where location = {location} and confirmed = 0", token)
                            .ConfigureAwait(false);
                }
                return forgotten;
            }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Removes all of it from the storage; the bytes that this call freed.</summary>
    public async Task<long> RemoveAsync(CancellationToken cancellationToken)
    {
        long freed = 0;
        while (true)
        {
            List<(string Location, bool IsConfirmed)> rows = await database.ReadAsync(
                (transaction, token) => transaction.ListAsync(
                    $"select location, confirmed from discarded order by location limit {BatchRows}",
                    reader => (reader.GetString(0), reader.GetInt64(1) != 0), token), cancellationToken).ConfigureAwait(false);
            await ConfirmAsync([.. rows.Where(row => !row.IsConfirmed).Select(row => row.Location)], cancellationToken)
                .ConfigureAwait(false);
            string[] locations = [.. rows.Select(row => row.Location)];
            foreach (string location in locations)
                await storage.DeleteAsync(location, cancellationToken).ConfigureAwait(false);
            freed += await TakeAsync(locations, cancellationToken).ConfigureAwait(false);
            if (locations.Length < BatchRows)
                return freed;
        }
    }

    // Durable before it is counted: a row that a loss of power brought back would be counted again.
    private async Task<long> TakeAsync(string[] locations, CancellationToken cancellationToken)
    {
        if (locations.Length == 0)
            return 0;
        List<long> taken = await database.FreeAsync(
            (transaction, token) => transaction.ListAsync(
                $"delete from discarded where location in {locations} and confirmed = 1 returning bytes",
                reader => reader.GetInt64(0), token),
            cancellationToken).ConfigureAwait(false);
        return taken.Sum();
    }
}
