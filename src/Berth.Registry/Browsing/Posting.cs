namespace Berth.Registry.Browsing;

/// <summary>Which slots of a <see cref="SearchIndex"/> have a word: a list while they are few, a bitmap when they are many.</summary>
internal struct Posting
{
    // A list of so many is searched in about the time in which a bitmap is joined to another.
    private const int ListMax = 4096;
    private const int BitsPerNumber = 64;

    private int _only;      // The slot, while there is one and no array.
    private int[]? _list;
    private ulong[]? _bits;

    /// <summary>How many slots.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a slot that it does not have.</summary>
    public void Add(int slot)
    {
        if (_bits is not null || Count == ListMax)
            Mark(slot);
        else if (Count == 0 && _list is null)
            _only = slot;
        else
        {
            _list ??= [_only, 0, 0, 0];
            if (_list.Length == Count)
                Array.Resize(ref _list, Count * 2);
            _list[Count] = slot;
        }
        Count++;
    }

    /// <summary>Takes away a slot that it has.</summary>
    public void Remove(int slot)
    {
        Count--;
        if (_bits is not null)
            _bits[slot / BitsPerNumber] &= ~(1UL << (slot % BitsPerNumber));
        else if (_list is not null)
            _list[Array.IndexOf(_list, slot, 0, Count + 1)] = _list[Count];
    }

    /// <summary>Sets the bits of its slots.</summary>
    public readonly void AddTo(ulong[] bits)
    {
        if (_bits is not null)
        {
            // Its end may have been reserved for slots that nobody has yet.
            for (int i = 0; i < Math.Min(_bits.Length, bits.Length); i++)
                bits[i] |= _bits[i];
        }
        else if (_list is null && Count > 0)
            bits[_only / BitsPerNumber] |= 1UL << (_only % BitsPerNumber);
        else
        {
            foreach (int slot in _list.AsSpan(0, Count))
                bits[slot / BitsPerNumber] |= 1UL << (slot % BitsPerNumber);
        }
    }

    private void Mark(int slot)
    {
        if (_bits is null)
        {
            ulong[] bits = new ulong[(_list!.Max() / BitsPerNumber) + 1];
            AddTo(bits);
            (_bits, _list) = (bits, null);
        }
        if (slot / BitsPerNumber >= _bits.Length)
            Array.Resize(ref _bits, Math.Max(_bits.Length * 2, (slot / BitsPerNumber) + 1));
        _bits[slot / BitsPerNumber] |= 1UL << (slot % BitsPerNumber);
    }
}
