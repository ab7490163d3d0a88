using Berth.Registry.Database;

namespace Berth.Registry.Browsing;

/// <summary>What is asked of the text index of repositories, in the language of each database.</summary>
internal abstract class WordIndex
{
    /// <summary>That of a database.</summary>
    public static WordIndex Of(Dialect dialect) => dialect == Dialect.PostgreSql ? PostgreSqlIndex.Instance : SqliteIndex.Instance;

    /// <summary>A query of the numbers of repositories whose words begin with all of some.</summary>
    /// <param name="words">Letters and digits only.</param>
    public abstract SqlText Numbers(IReadOnlyList<string> words);

    /// <summary>The same among those of one visibility whose <see cref="PullClass"/> is between two: it costs what these have, not what
    /// all have.</summary>
    public abstract SqlText Numbers(IReadOnlyList<string> words, string visibility, int bottom, int top);

    /// <summary>Whether rows come in the order of their places; else in about that of their numbers.</summary>
    public abstract bool IsOrdered { get; }

    /// <summary>The same, from a class downwards, as places of the index (<see cref="BrowsingSchema.Place"/>) that begin with the most
    /// pulled; null where the index is not ordered.</summary>
    public abstract SqlText? Places(IReadOnlyList<string> words, string visibility, int top);

    /// <summary>A condition of rows with one of some numbers. They are one parameter: statements that differ are prepared each.</summary>
    public abstract SqlText IsOneOf(IReadOnlyList<long> numbers);

    private sealed class SqliteIndex : WordIndex
    {
        public static SqliteIndex Instance { get; } = new();

        public override bool IsOrdered => true;

        public override SqlText Numbers(IReadOnlyList<string> words) =>
            $"select rowid & {BrowsingSchema.NumberMask} from repository_search where repository_search match {Match(words)}";

        public override SqlText Numbers(IReadOnlyList<string> words, string visibility, int bottom, int top) =>
            $"{Numbers(words)} and {Between(visibility == "private", bottom, top)}";

        public override SqlText? Places(IReadOnlyList<string> words, string visibility, int top) =>
            $"""
            select rowid from repository_search where repository_search match {Match(words)}
            and {Between(visibility == "private", 0, top)} order by rowid
            """;

        private static SqlText Between(bool isPrivate, int bottom, int top) =>
            $"rowid between {BrowsingSchema.Place(isPrivate, top)} and {BrowsingSchema.Place(isPrivate, bottom) | BrowsingSchema.NumberMask}";

        private static string Match(IEnumerable<string> words) => string.Join(" AND ", words.Select(word => $"\"{word}\"*"));

        public override SqlText IsOneOf(IReadOnlyList<long> numbers)
        {
            string list = $"[{string.Join(',', numbers)}]";
            return $"r.id in (select value from json_each({list}))";
        }
    }

    private sealed class PostgreSqlIndex : WordIndex
    {
        public static PostgreSqlIndex Instance { get; } = new();

        public override bool IsOrdered => false;

        public override SqlText Numbers(IReadOnlyList<string> words) => Matching(Query(words, ""));

        public override SqlText Numbers(IReadOnlyList<string> words, string visibility, int bottom, int top) => Matching(string.Join(
            " | ", Enumerable.Range(bottom, top - bottom + 1).Select(
                number => $"({Query(words, BrowsingSchema.ClassPrefix($"{visibility}{number}"))})")));

        public override SqlText? Places(IReadOnlyList<string> words, string visibility, int top) => null;

        private static string Query(IEnumerable<string> words, string prefix) =>
            string.Join(" & ", words.Select(word => $"'{prefix}{word}':*"));

        private static SqlText Matching(string query) =>
            $"select repository_id from repository_words where words @@ {query}::tsquery";

        public override SqlText IsOneOf(IReadOnlyList<long> numbers)
        {
            string list = string.Join(',', numbers);
            return $"r.id = any(string_to_array({list}, ',')::bigint[])";
        }
    }
}
