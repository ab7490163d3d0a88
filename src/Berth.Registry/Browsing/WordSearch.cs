using Berth.Registry.Database;

namespace Berth.Registry.Browsing;

/// <summary>Finds the repositories with some words by the text index, in the order of a page.</summary>
/// <remarks>
/// The index knows nothing of the order, and all that it finds would have to be sorted. So: of few, all are sorted; of very many,
/// enough are among the first of the order; of those between, the classes of pulls are asked for from the top until the page is full.
/// </remarks>
internal sealed class WordSearch(HubTransaction transaction, WordIndex index, RepositoryQuery query, bool isPrivate, int limit)
{
    private const int FewMax = 100;

    // Rows that are looked at in the order of the page: each costs about as much as sorting two that the index found.
    private const int WalkMax = 400;

    private readonly IReadOnlyList<string> _words = query.Words;

    /// <summary>The page.</summary>
    public async Task<List<RepositorySummary>> FindAsync(PageMark? after, CancellationToken cancellationToken)
    {
        List<long> first = await transaction.ListAsync(
            $"{index.Numbers(_words, [])} limit {FewMax + 1}", row => row.GetInt64(0), cancellationToken).ConfigureAwait(false);
        if (first.Count == 0)
            return [];
        if (first.Count <= FewMax)
            return await ReadAsync($"and {index.IsOneOf(first)}", after, limit, cancellationToken).ConfigureAwait(false);
        // Both databases give rows in about the order of their numbers, so those that were skipped tell how rare the words are.
        int rows = (int)Math.Min(limit * (double)(first.Max() - first.Min() + 1) / first.Count, int.MaxValue / 2);
        if (rows <= WalkMax && await WalkAsync(rows + (rows / 4) + 1, after, cancellationToken).ConfigureAwait(false) is { } walked)
            return walked;
        return query.Order == RepositoryOrder.Popular
            ? await DescendAsync(after, cancellationToken).ConfigureAwait(false)
            : await MatchingAsync([], after, limit, cancellationToken).ConfigureAwait(false);
    }

    // The page, if enough of the next rows have the words.
    private async Task<List<RepositorySummary>?> WalkAsync(int rows, PageMark? after, CancellationToken cancellationToken)
    {
        List<RepositorySummary> found = [];
        for (int round = 0; round < 2; round++)
        {
            List<RepositorySummary> chunk = await transaction.ListAsync(
                RepositorySearch.Statement(query, isPrivate, null, $"", after, rows), RepositorySummary.Read, cancellationToken)
                .ConfigureAwait(false);
            found.AddRange(chunk.Where(query.Fits));
            if (found.Count >= limit || chunk.Count < rows)
                return [.. found.Take(limit)];
            after = RepositorySearch.MarkOf(chunk[^1], query.Order);
        }
        return null;
    }

    private async Task<List<RepositorySummary>> DescendAsync(PageMark? after, CancellationToken cancellationToken)
    {
        string visibility = isPrivate ? "private" : "public";
        long most = after?.Number ?? await transaction.NumberAsync(
            $"select pull_count from repositories where visibility = {visibility} order by pull_count desc, id desc limit 1",
            cancellationToken).ConfigureAwait(false) ?? 0;
        List<RepositorySummary> found = [];
        // Twice as many classes each time: words that only the least pulled have are reached in a few steps.
        for (int top = PullClass.Of(most), count = 1; top >= 0 && found.Count < limit; top -= count, count *= 2)
        {
            int bottom = Math.Max(top - count + 1, 0);
            string[] classes = [.. Enumerable.Range(bottom, top - bottom + 1).Select(number => $"{visibility}{number}")];
            found.AddRange(await MatchingAsync(classes, after, limit - found.Count, cancellationToken).ConfigureAwait(false));
        }
        return found;
    }

    private Task<List<RepositorySummary>> MatchingAsync(
        IReadOnlyList<string> classes, PageMark? after, int count, CancellationToken cancellationToken) =>
        ReadAsync($"and r.id in ({index.Numbers(_words, classes)})", after, count, cancellationToken);

    // From the numbers to the rows, and never through an index of the order: it would be walked to its end.
    private Task<List<RepositorySummary>> ReadAsync(SqlText text, PageMark? after, int count, CancellationToken cancellationToken) =>
        transaction.ListAsync(
            RepositorySearch.Statement(query, isPrivate, null, text, after, count, isByNumber: true), RepositorySummary.Read,
            cancellationToken);
}
