using Berth.Registry.Database;
using Berth.Registry.Repositories;

namespace Berth.Registry.Browsing;

/// <summary>Keeps a <see cref="SearchIndex"/> in step with the database: what was committed before a search began is in its answer,
/// whichever process did it.</summary>
/// <remarks>
/// Triggers write a version for each repository that changes (<see cref="BrowsingSchema"/>). While the database's mark is the same,
/// nothing is read; else what has a newer version than was seen.
/// </remarks>
internal sealed class SearchFeed(HubDatabase database)
{
    private readonly Lock _gate = new();
    private readonly Lock _using = new();      // A search takes a tenth of a millisecond.
    private SearchIndex? _index;               // Used and changed under _using.
    private long _seen;                        // By the one reading that runs.
    private DatabaseMark? _mark;               // Guarded by _gate: what was committed before it is in the index.
    private Task? _waiting;                    // Guarded by _gate: a reading that has not begun, for all who come before it does.
    private Task _last = Task.CompletedTask;   // Guarded by _gate.

    /// <summary>Finds rows of the present state.</summary>
    public async Task<List<RepositorySummary>> FindAsync(
        SearchFilter search, PageMark? after, int limit, CancellationToken cancellationToken)
    {
        await FollowAsync(cancellationToken).ConfigureAwait(false);
        lock (_using)
            return _index!.Find(search, after, limit);
    }

    /// <summary>Takes in what has changed: all, at the first time.</summary>
    public async Task FollowAsync(CancellationToken cancellationToken)
    {
        DatabaseMark mark = await database.MarkAsync(cancellationToken).ConfigureAwait(false);
        Task reading;
        lock (_gate)
        {
            if (mark == _mark)
                return;
            if (_waiting is null)
                _last = _waiting = ReadAsync(_last);
            reading = _waiting;
        }
        await reading.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    // Not by the one who waits for it: others may wait for the same.
    private async Task ReadAsync(Task former)
    {
        await former.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        lock (_gate)
            _waiting = null;
        DatabaseMark mark = await database.MarkAsync(default).ConfigureAwait(false);
        if (_index is null)
            await FillAsync().ConfigureAwait(false);
        else
            await CatchUpAsync().ConfigureAwait(false);
        lock (_gate)
            _mark = mark;
    }

    private async Task FillAsync()
    {
        await BrowsingSchema.ForgetForeignVersionsAsync(database).ConfigureAwait(false);
        SearchIndex index = new();
        _seen = await database.ReadAsync(
            async (transaction, token) =>
            {
                // First the version: what changes while the rows are read is read again.
                long seen = await SeenAsync(transaction, token).ConfigureAwait(false);
                await transaction.ListAsync(
                    $"select {(SqlText)SearchRow.Columns} from repositories r where r.visibility <> {RepositoryTable.Hidden}",
                    row =>
                    {
                        index.Load(SearchRow.Read(row)!.Value);
                        return true;
                    }, token).ConfigureAwait(false);
                return seen;
            }, default).ConfigureAwait(false);
        index.Sort();
        _index = index;
    }

    private async Task CatchUpAsync()
    {
        (List<(long Id, SearchRow? Row)> changes, long seen) = await database.ReadAsync(
            async (transaction, token) =>
            {
                long next = await SeenAsync(transaction, token).ConfigureAwait(false);
                return (await transaction.ListAsync(
                    $"""
                    select {(SqlText)SearchRow.Columns}, c.repository_id from repository_changes c
                    left join repositories r on r.id = c.repository_id and r.visibility <> {RepositoryTable.Hidden}
                    where c.version >= {_seen}
                    """, row => (row.GetInt64(row.FieldCount - 1), SearchRow.Read(row)), token).ConfigureAwait(false), next);
            }, default).ConfigureAwait(false);
        lock (_using)
        {
            foreach ((long id, SearchRow? row) in changes)
            {
                if (row is null)
                    _index!.Remove(id);
                else
                    _index!.Put(row.Value);
            }
        }
        _seen = seen;
    }

    private async Task<long> SeenAsync(HubTransaction transaction, CancellationToken cancellationToken) =>
        (await transaction.NumberAsync(BrowsingSchema.SeenVersion(database.Dialect), cancellationToken).ConfigureAwait(false))!.Value;
}
