using System.Runtime.CompilerServices;
using Berth.Registry.Database;
using Berth.Registry.Hosting;
using Berth.Registry.Storage;

namespace Berth.Registry.Collection;

/// <summary>What the storage has and no row of the database names: a crash, or a loss of power that undid a row, left it.</summary>
/// <remarks>
/// <para>
/// Nothing is taken that an upload is just writing, in whichever process. The upload's row is committed before its first byte is
/// written and goes in the transaction that adds the blob's row, and a blob's row goes in the one that adds it to <c>discarded</c>:
/// so whoever has a file to finish is named by one of the three tables at any moment, and IDs are never given again. Without any of
/// them, nobody can make the file a blob any more, for that takes the upload's row.
/// </para>
/// <para>
/// Beyond that, what was written to lately stays, by the storage's own clock: imports and restores have no rows for what they write.
/// What is found is added to <c>discarded</c> in a serialisable transaction that looks again; from there on it is removed and counted
/// like everything that a collection gives up.
/// </para>
/// </remarks>
internal sealed class UnnamedFiles(HubDatabase database, IBlobStorage storage, TimeProvider time, HubOptions options)
{
    // Names that one statement asks for, and rows of one transaction: what others may have to wait for.
    private const int PageRows = 500;
    private const int BatchRows = 50;

    // The longest that an import or a restore may take for what it adds in one transaction.
    private static readonly TimeSpan s_timeWithoutRow = TimeSpan.FromDays(7);

    private readonly Discarded _discarded = new(database, storage);

    /// <summary>Gives up all that <see cref="FindAsync"/> finds; how many.</summary>
    public async Task<long> DiscardAsync(CancellationToken cancellationToken)
    {
        long count = 0;
        await foreach (UnnamedFile[] batch in FindAsync(cancellationToken).Chunk(BatchRows).ConfigureAwait(false))
        {
            List<string> added = await database.FreeAsync(
                (transaction, token) => DiscardAsync(transaction, batch, token), cancellationToken).ConfigureAwait(false);
            // What another has removed and counted since it was listed, is nothing that was found.
            count += added.Count - await _discarded.ConfirmAsync(added, cancellationToken).ConfigureAwait(false);
        }
        return count;
    }

    /// <summary>All that is old enough and has no row. However much the storage has, a page of it is in memory.</summary>
    public async IAsyncEnumerable<UnnamedFile> FindAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        DateTimeOffset now = await storage.ClockAsync(cancellationToken).ConfigureAwait(false);
        await foreach (StoredFile[] page in storage.FilesAsync(cancellationToken).Chunk(PageRows).ConfigureAwait(false))
        {
            List<StoredFile> unnamed = await database.ReadAsync(
                (transaction, token) => WithoutRowAsync(transaction, page, token), cancellationToken).ConfigureAwait(false);
            foreach (StoredFile file in unnamed)
            {
                StoredState? state = await storage.LookAsync(file, cancellationToken).ConfigureAwait(false);
                if (state is not null && now - state.ChangedAt >= TimeSpared(file))
                    yield return new UnnamedFile(file.Location, file.UploadId, state.Bytes);
            }
        }
    }

    private TimeSpan TimeSpared(StoredFile file) => UploadIds.HasRow(file.UploadId) || options.UnusedBlobTime > s_timeWithoutRow
        ? options.UnusedBlobTime
        : s_timeWithoutRow;

    private static async Task<List<StoredFile>> WithoutRowAsync(
        HubTransaction transaction, StoredFile[] page, CancellationToken cancellationToken)
    {
        // First what nearly all have; then the tables in the order in which a file passes from one to the next, so that what moves on
        // between two statements is met by the second.
        List<StoredFile> rest = [.. page];
        await LeaveOutAsync($"select location from blobs where location in {Locations(rest)}", file => file.Location);
        if (rest.Count == 0)
            return rest;
        await LeaveOutAsync($"select id from uploads where id in {rest.Select(file => file.UploadId).Distinct()}", file => file.UploadId);
        await LeaveOutAsync($"select location from blobs where location in {Locations(rest)}", file => file.Location);
        await LeaveOutAsync($"select location from discarded where location in {Locations(rest)}", file => file.Location);
        return rest;

        async Task LeaveOutAsync(SqlText sql, Func<StoredFile, string> key)
        {
            HashSet<string> named =
                [.. await transaction.ListAsync(sql, reader => reader.GetString(0), cancellationToken).ConfigureAwait(false)];
            rest.RemoveAll(file => named.Contains(key(file)));
        }
    }

    private async Task<List<string>> DiscardAsync(HubTransaction transaction, UnnamedFile[] files, CancellationToken cancellationToken)
    {
        long now = time.GetUtcNow().ToUnixTimeMilliseconds();
        var added = new List<string>();
        foreach (UnnamedFile file in files)
        {
            long? named = await transaction.NumberAsync(
                $"""
                select 1 where exists(select 1 from uploads where id = {file.UploadId})
                    or exists(select 1 from blobs where location = {file.Location})
                """, cancellationToken).ConfigureAwait(false);
            if (named is null && await Discarded.AddFoundAsync(transaction, file.Location, file.Bytes, now, cancellationToken)
                .ConfigureAwait(false))
                added.Add(file.Location);
        }
        return added;
    }

    private static IEnumerable<string> Locations(List<StoredFile> files) => files.Select(file => file.Location);
}

/// <summary>Something in the storage that nothing names.</summary>
/// <param name="Location">Where.</param>
/// <param name="UploadId">Whose it was.</param>
/// <param name="Bytes">How much.</param>
internal sealed record UnnamedFile(string Location, string UploadId, long Bytes);
