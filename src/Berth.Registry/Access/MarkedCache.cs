using Berth.Registry.Database;

namespace Berth.Registry.Access;

/// <summary>Keeps what was read from the database while nothing in it changed: answers are never older than the request that
/// asks.</summary>
/// <remarks>Bounded; emptied as a whole when the database has another mark.</remarks>
internal sealed class MarkedCache<TKey, TValue>(HubDatabase database, int entriesMax)
    where TKey : notnull
{
    private readonly Lock _gate = new();
    private readonly Dictionary<TKey, TValue> _entries = []; // Guarded by _gate.
    private DatabaseMark _mark;                              // Guarded by _gate.

    /// <summary>What is kept for a key, or what is read for it now.</summary>
    public async ValueTask<TValue> GetAsync(TKey key, Func<TKey, CancellationToken, Task<TValue>> read, CancellationToken cancellationToken)
    {
        DatabaseMark mark = await database.MarkAsync(cancellationToken);
        lock (_gate)
        {
            if (mark != _mark)
            {
                _entries.Clear();
                _mark = mark;
            }
            else if (_entries.TryGetValue(key, out TValue? known))
                return known;
        }
        TValue value = await read(key, cancellationToken);
        lock (_gate)
        {
            // Read after this mark was taken, so it is good for it; not for a newer one.
            if (mark == _mark)
            {
                if (_entries.Count >= entriesMax)
                    _entries.Clear();
                _entries[key] = value;
            }
        }
        return value;
    }
}
