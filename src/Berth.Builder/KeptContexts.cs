using Berth.Layers.Trees;
using Berth.Oci;

namespace Berth.Builder;

/// <summary>Contexts that clients sent, kept so that the next build of the same client and directory need only be sent what has
/// changed. They do not outlive the engine: after a loss of power a file's time could be right and its content not.</summary>
/// <param name="scratchDirectory">Where they are kept; <see cref="BuildContext.RemoveAbandoned"/> sweeps it.</param>
/// <param name="time">For what is listed; which one goes first does not depend on the clock.</param>
public sealed class KeptContexts(string scratchDirectory, TimeProvider time)
{
    /// <summary>How many are kept; the one unused for longest goes first.</summary>
    public const int ContextsMax = 16;

    /// <summary>Bytes of all that are kept.</summary>
    public const long BytesMax = 4L * 1024 * 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Entry> _entries = []; // Guarded by _gate.
    private long _returns; // Guarded by _gate.

    /// <summary>Takes the directory of a client's context for one build, empty when there is none; null when another build has it.
    /// </summary>
    /// <param name="key">The client's name for where the context comes from.</param>
    public KeptContext? TryTake(string key)
    {
        string name = Digest.Of(System.Text.Encoding.UTF8.GetBytes(key)).Hex;
        lock (_gate)
        {
            if (!_entries.TryGetValue(name, out Entry? entry))
                _entries[name] = entry =
                    new Entry(name, Path.Combine(scratchDirectory, $"{BuildContext.NamePrefix}kept-{name}"));
            if (entry.IsTaken)
                return null;
            entry.IsTaken = true;
            return new KeptContext(entry.Directory, bytes => GiveBack(entry, bytes));
        }
    }

    /// <summary>Those that are kept.</summary>
    public IReadOnlyList<(string Name, bool InUse, long Bytes, DateTimeOffset LastUsed)> List()
    {
        lock (_gate)
            return [.. _entries.Values.Select(entry => (entry.Name, entry.IsTaken, entry.Bytes, entry.LastUsed))];
    }

    /// <summary>Removes those that no build uses.</summary>
    /// <returns>Bytes that were freed.</returns>
    public long Clear()
    {
        lock (_gate)
            return _entries.Values.Where(entry => !entry.IsTaken).ToArray().Sum(RemoveLocked);
    }

    private void GiveBack(Entry entry, long? bytes)
    {
        lock (_gate)
        {
            (entry.IsTaken, entry.Bytes, entry.Order, entry.LastUsed) = (false, bytes ?? 0, ++_returns, time.GetUtcNow());
            if (bytes is null)
                RemoveLocked(entry);
            while (_entries.Count > ContextsMax || _entries.Values.Sum(kept => kept.Bytes) > BytesMax)
            {
                if (_entries.Values.Where(kept => !kept.IsTaken).MinBy(kept => kept.Order) is not { } oldest)
                    break;
                RemoveLocked(oldest);
            }
        }
    }

    private long RemoveLocked(Entry entry)
    {
        _entries.Remove(entry.Name);
        TreeRemover.Remove(entry.Directory);
        return entry.Bytes;
    }

    private sealed class Entry(string name, string directory)
    {
        public string Name => name;

        public string Directory => directory;

        public bool IsTaken { get; set; }

        public long Bytes { get; set; }

        public long Order { get; set; }

        public DateTimeOffset LastUsed { get; set; }
    }
}

/// <summary>A kept context in the hands of one build.</summary>
/// <param name="directory">Where it is; may not be there yet.</param>
/// <param name="giveBack">Takes its size; null when it is not to be kept.</param>
public sealed class KeptContext(string directory, Action<long?> giveBack)
{
    private Action<long?>? _giveBack = giveBack;

    /// <summary>Where it is; may not be there yet.</summary>
    public string Directory => directory;

    /// <summary>Gives it back, once.</summary>
    /// <param name="bytes">Its size; null: it is not whole and goes.</param>
    public void GiveBack(long? bytes) => Interlocked.Exchange(ref _giveBack, null)?.Invoke(bytes);
}
