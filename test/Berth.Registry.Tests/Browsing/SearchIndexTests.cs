using System.Globalization;
using Berth.Registry.Browsing;

namespace Berth.Registry.Tests.Browsing;

/// <summary>The index against looking at all rows.</summary>
public sealed class SearchIndexTests
{
    private static readonly string[] s_words = ["a", "ab", "abc", "b", "image", "imagine", "data", "science", "zoo", "über"];

    [Theory]
    [InlineData(1, 50)]
    [InlineData(2, 700)]
    [InlineData(3, 6000)] // More than a list of slots takes: bitmaps.
    public void Find_AfterAnyChanges_GivesWhatLookingAtAllGives(int seed, int repositories)
    {
        var random = new Random(seed);
        var index = new SearchIndex();
        var rows = new Dictionary<long, SearchRow>();
        for (int id = 1; id <= repositories; id++)
            rows[id] = NewRow(random, id);
        foreach (SearchRow row in rows.Values.Take(repositories / 2))
            index.Load(row);
        index.Sort();
        foreach (SearchRow row in rows.Values.Skip(repositories / 2))
            index.Put(row);
        for (int round = 0; round < 30; round++)
        {
            for (int change = 0; change < repositories / 10; change++)
            {
                long id = random.Next(1, repositories + (repositories / 5));
                if (random.Next(3) == 0)
                {
                    index.Remove(id);
                    rows.Remove(id);
                }
                else
                    index.Put(rows[id] = NewRow(random, id));
            }
            Assert.Equal(rows.Count, index.Count);
            for (int question = 0; question < 10; question++)
                RequireSame(index, rows.Values, random);
        }
    }

    [Fact]
    public void Find_InAnEmptyIndex_GivesNothing() =>
        Assert.Empty(new SearchIndex().Find(new SearchFilter(["a"], RepositoryOrder.Popular, false), null, 10));

    private static void RequireSame(SearchIndex index, IEnumerable<SearchRow> rows, Random random)
    {
        var marks = (RepositoryMarks)Math.Max(0, random.Next(-3, 4));
        string? space = random.Next(4) == 0 ? "n3" : null;
        SearchFilter filter = new(
            [.. Enumerable.Range(0, random.Next(marks == RepositoryMarks.None && space is null ? 1 : 0, 4)).Select(_ => s_words[random.Next(s_words.Length)][..1])],
            (RepositoryOrder)random.Next(5), random.Next(2) == 0)
        {
            Marks = marks,
            Namespace = space,
            Accounts = random.Next(4) == 0 ? new HashSet<long> { 1, 2, 5 } : null,
            Repositories = random.Next(4) == 0 ? Enumerable.Range(1, 40).Select(id => (long)id).ToHashSet() : null,
        };
        IEnumerable<SearchRow> expected = rows.Where(row => row.Summary.IsPrivate == filter.IsPrivate
            && filter.Words.All(word => row.Words.Any(other => other.StartsWith(word, StringComparison.Ordinal)))
            && (marks == RepositoryMarks.None || (marks.HasFlag(RepositoryMarks.Official) && row.Summary.IsOfficial)
                || (marks.HasFlag(RepositoryMarks.Verified) && row.Summary.IsVerified))
            && (filter.Namespace is null || row.Namespace == filter.Namespace)
            && (filter.Accounts is null || filter.Accounts.Contains(row.AccountId ?? -1))
            && (filter.Repositories is null || filter.Repositories.Contains(row.Summary.Id)));
        expected = filter.Order switch
        {
            RepositoryOrder.Popular => expected.OrderByDescending(row => row.Summary.Pulls).ThenByDescending(row => row.Summary.Id),
            RepositoryOrder.Updated => expected.OrderByDescending(row => row.Summary.UpdatedAt).ThenByDescending(row => row.Summary.Id),
            RepositoryOrder.Starred => expected.OrderByDescending(row => row.Summary.Stars).ThenByDescending(row => row.Summary.Id),
            RepositoryOrder.Best => expected.OrderBy(row => row.Summary.IsOfficial ? 0 : row.Summary.IsVerified ? 1 : 2)
                .ThenByDescending(row => row.Summary.Pulls).ThenByDescending(row => row.Summary.Id),
            _ => expected.OrderBy(row => row.Summary.Name, StringComparer.Ordinal),
        };
        // Page after page, to the end.
        int limit = random.Next(1, 60);
        List<long> found = [];
        PageMark? after = null;
        List<RepositorySummary> page;
        do
        {
            page = index.Find(filter, after, limit);
            Assert.True(page.Count <= limit);
            found.AddRange(page.Select(row => row.Id));
            after = page.Count == 0 ? null : RepositorySearch.MarkOf(page[^1], filter.Order);
        }
        while (page.Count == limit && found.Count < 300);
        Assert.Equal(expected.Take(found.Count + (page.Count < limit ? 1 : 0)).Select(row => row.Summary.Id), found);
    }

    private static SearchRow NewRow(Random random, long id) => new(
        new RepositorySummary
        {
            Id = id, Name = string.Create(CultureInfo.InvariantCulture, $"n{id % 7}/app{id * 7919 % 10007}-{id}"),
            IsPrivate = random.Next(3) == 0, Pulls = random.Next(40), PushedAt = random.Next(40), CreatedAt = 0, Stars = random.Next(20), Bytes = 0,
            IsOfficial = random.Next(5) == 0, IsVerified = random.Next(5) == 0,
            Description = string.Join(' ', Enumerable.Range(0, random.Next(6)).Select(_ => s_words[random.Next(s_words.Length)])),
        }, $"n{id % 7}", id % 7 == 0 ? null : id % 7);
}
