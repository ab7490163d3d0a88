namespace Berth.Registry.Browsing;

/// <summary>A number of each slot of a <see cref="SearchIndex"/>, by which a page is ordered, and the greatest of each block of
/// slots.</summary>
internal sealed class SearchColumn
{
    /// <summary>Slots of a block.</summary>
    public const int Block = 64;

    private long[] _values = [];
    private long[] _greatest = [];

    /// <summary>The number of a slot.</summary>
    public long this[int slot] => _values[slot];

    /// <summary>No slot of a block has more; after changes perhaps all have less.</summary>
    public long GreatestOf(int block) => _greatest[block];

    /// <summary>Makes room for some slots, a multiple of <see cref="Block"/>.</summary>
    public void Grow(int slots)
    {
        Array.Resize(ref _values, slots);
        Array.Resize(ref _greatest, slots / Block);
    }

    /// <summary>Sets the number of a slot.</summary>
    public void Set(int slot, long value)
    {
        long former = _values[slot];
        _values[slot] = value;
        ref long greatest = ref _greatest[slot / Block];
        if (value >= greatest)
            greatest = value;
        else if (former == greatest)
        {
            greatest = long.MinValue;
            foreach (long other in _values.AsSpan(slot / Block * Block, Block))
                greatest = Math.Max(greatest, other);
        }
    }
}
