using Berth.Registry.Database;

namespace Berth.Registry.Browsing;

/// <summary>Finds the repositories with some words by the text index, in the order of a page.</summary>
/// <remarks>
/// The index knows the order only roughly, and all that it finds would have to be sorted. So: of few, all are sorted; of very many,
/// enough are among the first of the order; of those between, the classes of pulls are asked for from the top until the page is full.
/// </remarks>
internal sealed class WordSearch(HubTransaction transaction, WordIndex index, RepositoryQuery query, bool isPrivate, int limit)
{
    private const int FewMax = 100;

    // Rows that are looked at, at most, in the order of the page: each costs about as much as sorting two that the index found.
    private const int WalkMax = 400;

    private readonly IReadOnlyList<string> _words = query.Words;

    private string Visibility => isPrivate ? "private" : "public";

    /// <summary>The page.</summary>
    public async Task<List<RepositorySummary>> FindAsync(PageMark? after, CancellationToken cancellationToken)
    {
        int top = query.Order == RepositoryOrder.Popular && after is not null ? PullClass.Of(after.Number) : PullClass.Max;
        SqlText? places = query.Order == RepositoryOrder.Popular ? index.Places(_words, Visibility, top) : null;
        List<long> first = await transaction.ListAsync(
            $"{places ?? index.Numbers(_words)} limit {FewMax + 1}", row => row.GetInt64(0), cancellationToken).ConfigureAwait(false);
        if (first.Count == 0)
            return [];
        // Classes of which all rows are among these: as the first one that does not fit is of the last class, that one may go on.
        IEnumerable<long> whole = first.Count <= FewMax ? first
            : places is null ? [] : first.Where(place => BrowsingSchema.ClassOf(place) != BrowsingSchema.ClassOf(first[^1]));
        long[] numbers = [.. whole.Select(place => place & BrowsingSchema.NumberMask)];
        if (numbers.Length > 0)
        {
            List<RepositorySummary> found = await ReadAsync($"and {index.IsOneOf(numbers)}", after, limit, cancellationToken)
                .ConfigureAwait(false);
            if (found.Count >= limit || first.Count <= FewMax)
                return found;
        }
        // Where rows come in about the order of their numbers, those that were skipped tell how rare the words are.
        bool isRare = numbers.Length > 0 || (!index.IsOrdered
            && limit * (double)(first.Max() - first.Min() + 1) / first.Count > WalkMax);
        return (isRare ? null : await WalkAsync(after, cancellationToken).ConfigureAwait(false))
            ?? await SearchAsync(after, cancellationToken).ConfigureAwait(false);
    }

    // The page, if enough of the next rows have the words.
    private async Task<List<RepositorySummary>?> WalkAsync(PageMark? after, CancellationToken cancellationToken)
    {
        int rows = limit + (limit / 4) + 1;
        List<RepositorySummary> found = [];
        for (int seen = 0; ;)
        {
            List<RepositorySummary> chunk = await NextAsync(rows, after, cancellationToken).ConfigureAwait(false);
            found.AddRange(chunk.Where(query.Fits));
            if (found.Count >= limit || chunk.Count < rows)
                return [.. found.Take(limit)];
            seen += rows;
            // As many as fit among these tell how many more rows the page would take.
            double more = (limit - found.Count) * 1.5 * seen / Math.Max(found.Count, 1);
            if (found.Count == 0 || seen + more > WalkMax)
                return null;
            rows = (int)more + 1;
            after = RepositorySearch.MarkOf(chunk[^1], query.Order);
        }
    }

    // The next rows of the order, whether or not they have the words.
    private Task<List<RepositorySummary>> NextAsync(int rows, PageMark? after, CancellationToken cancellationToken) =>
        transaction.ListAsync(
            RepositorySearch.Statement(query, isPrivate, null, $"", after, rows), RepositorySummary.Read, cancellationToken);

    private Task<List<RepositorySummary>> SearchAsync(PageMark? after, CancellationToken cancellationToken) =>
        query.Order == RepositoryOrder.Popular
            ? DescendAsync(after, cancellationToken)
            : ReadAsync($"and r.id in ({index.Numbers(_words)})", after, limit, cancellationToken);

    private async Task<List<RepositorySummary>> DescendAsync(PageMark? after, CancellationToken cancellationToken)
    {
        (string visibility, long? most) = (Visibility, after?.Number);
        most ??= await transaction.NumberAsync(
            $"select pull_count from repositories where visibility = {visibility} order by pull_count desc, id desc limit 1",
            cancellationToken).ConfigureAwait(false) ?? 0;
        List<RepositorySummary> found = [];
        // Twice as many classes each time: words that only the least pulled have are reached in a few steps.
        for (int top = PullClass.Of(most.Value), count = 1; top >= 0 && found.Count < limit; top -= count, count *= 2)
        {
            int bottom = Math.Max(top - count + 1, 0);
            found.AddRange(await ReadAsync(
                $"and r.id in ({index.Numbers(_words, visibility, bottom, top)})", after, limit - found.Count, cancellationToken)
                .ConfigureAwait(false));
        }
        return found;
    }

    // From the numbers to the rows, and never through an index of the order: it would be walked to its end.
    private Task<List<RepositorySummary>> ReadAsync(SqlText text, PageMark? after, int count, CancellationToken cancellationToken) =>
        transaction.ListAsync(
            RepositorySearch.Statement(query, isPrivate, null, text, after, count, isByNumber: true), RepositorySummary.Read,
            cancellationToken);
}
