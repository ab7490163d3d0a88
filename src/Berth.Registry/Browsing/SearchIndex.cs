using System.Numerics;
using System.Runtime.InteropServices;

namespace Berth.Registry.Browsing;

/// <summary>The words of all repositories in memory, and what lists are ordered by: finds a page's rows without the database.</summary>
/// <remarks>
/// A repository has a slot, and each word knows the slots that have it. The words are sorted, so all with a beginning stand together. A
/// search joins bitmaps, one bit a slot, and keeps the best of what remains. For one thread at a time: see
/// <see cref="SearchFeed"/>.
/// </remarks>
internal sealed class SearchIndex
{
    private readonly SearchColumn _pulls = new();
    private readonly SearchColumn _updated = new();
    private readonly SearchColumn _stars = new();
    private readonly Dictionary<long, int> _slots = [];
    private readonly List<int> _free = [];
    private readonly List<string> _words = []; // Sorted by their characters' numbers.
    private readonly List<Posting> _postings = []; // Of the word in the same place.
    private readonly Dictionary<string, string> _namespaces = []; // The same texts, each kept once.
    private readonly Dictionary<string, Posting> _owned = []; // Slots of a namespace.
    private SearchRow[] _rows = [];
    private Posting _official; // Slots that have the mark.
    private Posting _verified;
    private Dictionary<string, int> _loaded = new(StringComparer.Ordinal); // Places of words that are not sorted yet.
    private int _used; // Slots below are or were in use.

    /// <summary>How many repositories.</summary>
    public int Count => _slots.Count;

    /// <summary>Takes in a repository that it does not have, before it is asked: words are in order again after <see cref="Sort"/>.
    /// For very many at once.</summary>
    public void Load(SearchRow row)
    {
        int slot = NewSlot(row);
        foreach (string word in row.Words)
        {
            ref int at = ref CollectionsMarshal.GetValueRefOrAddDefault(_loaded, word, out bool isKnown);
            if (!isKnown)
            {
                at = _words.Count;
                _words.Add(word);
                _postings.Add(default);
            }
            CollectionsMarshal.AsSpan(_postings)[at].Add(slot);
        }
    }

    /// <summary>Ends a series of <see cref="Load"/>.</summary>
    public void Sort()
    {
        CollectionsMarshal.AsSpan(_words).Sort(CollectionsMarshal.AsSpan(_postings), string.CompareOrdinal);
        _loaded = [];
    }

    /// <summary>Takes in a repository, or what it is now.</summary>
    public void Put(SearchRow row)
    {
        if (!_slots.TryGetValue(row.Summary.Id, out int slot))
            Remember(NewSlot(row), row);
        else if (_rows[slot].Summary.Name == row.Summary.Name && _rows[slot].Summary.Description == row.Summary.Description)
            Set(slot, row);
        else
        {
            Forget(slot);
            Set(slot, row);
            Remember(slot, row);
        }
    }

    /// <summary>Forgets a repository, if it has it.</summary>
    public void Remove(long id)
    {
        if (!_slots.Remove(id, out int slot))
            return;
        Forget(slot);
        Mark(slot, _rows[slot].Summary, null);
        Disown(slot);
        _rows[slot] = default;
        _free.Add(slot);
    }

    /// <summary>The next rows of a search, in its order.</summary>
    /// <param name="search">What is looked for.</param>
    /// <param name="after">The last row of the page before; null for the first page.</param>
    /// <param name="limit">How many, at most.</param>
    public List<RepositorySummary> Find(SearchFilter search, PageMark? after, int limit)
    {
        ulong[]? among = search.Marks == RepositoryMarks.None ? null : Marked(search.Marks);
        if (search.Namespace is { } space)
            among = Join(among, Owned(space));
        if (Matching(search.Words, among) is not { } bits)
            return [];
        if (search.Order != RepositoryOrder.Best)
            return Find(bits, search, search.Order, after, limit);
        // One rank after the other; the former page ended within one of them.
        ulong[] official = Marked(RepositoryMarks.Official);
        ulong[] verified = Marked(RepositoryMarks.Verified);
        List<RepositorySummary> rows = [];
        int first = RankOf(after);
        for (int rank = first; rank <= RepositorySummary.RankMax && rows.Count < limit; rank++)
        {
            ulong[] ranked = new ulong[bits.Length];
            for (int i = 0; i < bits.Length; i++)
                ranked[i] = bits[i] & (rank switch
                {
                    0 => official[i],
                    1 => verified[i] & ~official[i],
                    _ => ~(official[i] | verified[i]),
                });
            rows.AddRange(Find(ranked, search, RepositoryOrder.Popular, rank == first ? after : null, limit - rows.Count));
        }
        return rows;
    }

    // A mark of another order has none: its page goes on among those without marks.
    private static int RankOf(PageMark? after) => after?.Name switch { null => 0, "0" => 0, "1" => 1, _ => RepositorySummary.RankMax };

    private List<RepositorySummary> Find(ulong[] bits, SearchFilter search, RepositoryOrder order, PageMark? after, int limit)
    {
        Page page = new(this, order, after, limit);
        for (int block = 0; block < bits.Length; block++)
        {
            // Of very many that have the words, nearly all are left out here: among 64 is seldom one of the best.
            for (ulong rest = page.MayTakeOf(block) ? bits[block] : 0; rest != 0; rest &= rest - 1)
            {
                int slot = (block * SearchColumn.Block) + BitOperations.TrailingZeroCount(rest);
                if (!page.MayTake(slot))
                    continue;
                SearchRow row = _rows[slot];
                if (row.Summary.IsPrivate == search.IsPrivate
                    && (search.Accounts is null || (row.AccountId is { } account && search.Accounts.Contains(account)))
                    && (search.Repositories is null || search.Repositories.Contains(row.Summary.Id)))
                    page.Take(slot);
            }
        }
        return page.Sorted();
    }

    // One bit for each slot that has one of the marks.
    private ulong[] Marked(RepositoryMarks marks)
    {
        ulong[] bits = NewBits();
        if (marks.HasFlag(RepositoryMarks.Official))
            _official.AddTo(bits);
        if (marks.HasFlag(RepositoryMarks.Verified))
            _verified.AddTo(bits);
        return bits;
    }

    private ulong[] Owned(string space)
    {
        ulong[] bits = NewBits();
        if (_owned.TryGetValue(space, out Posting posting))
            posting.AddTo(bits);
        return bits;
    }

    private static ulong[] Join(ulong[]? bits, ulong[] others)
    {
        if (bits is null)
            return others;
        for (int i = 0; i < bits.Length; i++)
            bits[i] &= others[i];
        return bits;
    }

    private ulong[] NewBits() => new ulong[(_used + SearchColumn.Block - 1) / SearchColumn.Block];

    // One bit for each slot that has all words and is among those given; null when nothing is asked for.
    private ulong[]? Matching(IReadOnlyList<string> words, ulong[]? among)
    {
        ulong[]? matching = among;
        foreach (string word in words)
        {
            ulong[] bits = NewBits();
            int first = Find(word);
            first = first < 0 ? ~first : first;
            for (int i = first; i < _words.Count && _words[i].StartsWith(word, StringComparison.Ordinal); i++)
                _postings[i].AddTo(bits);
            matching = Join(matching, bits);
        }
        return matching;
    }

    private int Find(string word) => _words.BinarySearch(word, StringComparer.Ordinal);

    private int NewSlot(SearchRow row)
    {
        int slot;
        if (_free.Count > 0)
        {
            slot = _free[^1];
            _free.RemoveAt(_free.Count - 1);
        }
        else
        {
            slot = _used++;
            if (slot == _rows.Length)
            {
                int length = Math.Max(slot * 2, SearchColumn.Block);
                Array.Resize(ref _rows, length);
                _pulls.Grow(length);
                _updated.Grow(length);
                _stars.Grow(length);
            }
        }
        _slots.Add(row.Summary.Id, slot);
        Set(slot, row);
        return slot;
    }

    private void Set(int slot, SearchRow row)
    {
        if (!_namespaces.TryGetValue(row.Namespace, out string? space))
            _namespaces.Add(row.Namespace, space = row.Namespace);
        Mark(slot, _rows[slot].Summary, row.Summary);
        if (_rows[slot].Namespace != space)
        {
            Disown(slot);
            CollectionsMarshal.GetValueRefOrAddDefault(_owned, space, out _).Add(slot);
        }
        _rows[slot] = row with { Namespace = space };
        _pulls.Set(slot, row.Summary.Pulls);
        _updated.Set(slot, row.Summary.UpdatedAt);
        _stars.Set(slot, row.Summary.Stars);
    }

    // Takes a slot from the namespace that its row has, if it has one.
    private void Disown(int slot)
    {
        if (_rows[slot].Namespace is not { } space)
            return;
        ref Posting posting = ref CollectionsMarshal.GetValueRefOrNullRef(_owned, space);
        posting.Remove(slot);
        if (posting.Count == 0)
            _owned.Remove(space);
    }

    private void Mark(int slot, RepositorySummary? former, RepositorySummary? now)
    {
        Change(ref _official, slot, former is { IsOfficial: true }, now is { IsOfficial: true });
        Change(ref _verified, slot, former is { IsVerified: true }, now is { IsVerified: true });
    }

    private static void Change(ref Posting posting, int slot, bool had, bool has)
    {
        if (had && !has)
            posting.Remove(slot);
        else if (has && !had)
            posting.Add(slot);
    }

    private void Remember(int slot, SearchRow row)
    {
        foreach (string word in row.Words)
        {
            int at = Find(word);
            if (at < 0)
            {
                at = ~at;
                _words.Insert(at, word);
                _postings.Insert(at, default);
            }
            CollectionsMarshal.AsSpan(_postings)[at].Add(slot);
        }
    }

    private void Forget(int slot)
    {
        foreach (string word in _rows[slot].Words)
        {
            int at = Find(word);
            ref Posting posting = ref CollectionsMarshal.AsSpan(_postings)[at];
            posting.Remove(slot);
            if (posting.Count > 0)
                continue;
            _words.RemoveAt(at);
            _postings.RemoveAt(at);
        }
    }

    /// <summary>The best of the slots that were shown to it.</summary>
    private sealed class Page : IComparer<int>
    {
        private readonly SearchIndex _index;
        private readonly SearchColumn? _numbers; // What the order goes by; null: names.
        private readonly PageMark? _after;
        private readonly int _limit;
        private readonly PriorityQueue<int, int> _best; // The last of them first.
        private long _worst = long.MinValue; // Less than this is not among the best.

        public Page(SearchIndex index, RepositoryOrder order, PageMark? after, int limit)
        {
            (_index, _after, _limit) = (index, after, limit);
            _numbers = order switch
            {
                RepositoryOrder.Popular => index._pulls,
                RepositoryOrder.Updated => index._updated,
                RepositoryOrder.Starred => index._stars,
                _ => null,
            };
            _best = new PriorityQueue<int, int>(limit, this);
        }

        public bool MayTakeOf(int block) => _numbers is null || _numbers.GreatestOf(block) >= _worst;

        public bool MayTake(int slot) =>
            _numbers is null || (_numbers[slot] >= _worst && (_after is null || _numbers[slot] <= _after.Number));

        public void Take(int slot)
        {
            if (_after is not null && !IsAfter(slot, _after))
                return;
            if (_best.Count < _limit)
                _best.Enqueue(slot, slot);
            else if (Compare(slot, _best.Peek()) > 0)
                _best.DequeueEnqueue(slot, slot);
            if (_numbers is not null && _best.Count == _limit)
                _worst = _numbers[_best.Peek()];
        }

        public List<RepositorySummary> Sorted()
        {
            List<RepositorySummary> rows = [];
            while (_best.TryDequeue(out int slot, out _))
                rows.Add(Of(slot));
            rows.Reverse();
            return rows;
        }

        /// <summary>Less than zero: x is behind y on the page.</summary>
        public int Compare(int x, int y) => _numbers is null
            ? string.CompareOrdinal(Of(y).Name, Of(x).Name)
            : (_numbers[x], Of(x).Id).CompareTo((_numbers[y], Of(y).Id));

        private bool IsAfter(int slot, PageMark mark) => _numbers is null
            ? string.CompareOrdinal(Of(slot).Name, mark.Name) > 0
            : (_numbers[slot], Of(slot).Id).CompareTo((mark.Number, mark.Id)) < 0;

        private RepositorySummary Of(int slot) => _index._rows[slot].Summary;
    }
}
