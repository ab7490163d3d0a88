namespace Berth.Builder.Solving;

/// <summary>One holder at a time for each name: two builds that need the same step make it once.</summary>
internal sealed class KeyedLocks
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Entry> _entries = []; // Guarded by _gate.

    public async Task<IDisposable> TakeAsync(string name, CancellationToken cancellationToken)
    {
        Entry? entry;
        lock (_gate)
        {
            if (!_entries.TryGetValue(name, out entry))
                _entries[name] = entry = new Entry(this, name);
            entry.Users++;
        }
        try
        {
            await entry.Turn.WaitAsync(cancellationToken).ConfigureAwait(false);
            return entry;
        }
        catch
        {
            Leave(entry);
            throw;
        }
    }

    /// <summary>True while somebody holds or waits for the name.</summary>
    public bool IsTaken(string name)
    {
        lock (_gate)
            return _entries.ContainsKey(name);
    }

    private void Leave(Entry entry)
    {
        lock (_gate)
        {
            if (--entry.Users == 0)
            {
                _entries.Remove(entry.Name);
                entry.Turn.Dispose();
            }
        }
    }

    private sealed class Entry(KeyedLocks owner, string name) : IDisposable
    {
        public string Name => name;

        public int Users { get; set; }

        public SemaphoreSlim Turn { get; } = new(1, 1);

        public void Dispose()
        {
            Turn.Release();
            owner.Leave(this);
        }
    }
}
