using Berth.Registry.Database;

namespace Berth.Registry.Browsing;

/// <summary>What is asked of the text index of repositories, in the language of each database.</summary>
internal abstract class WordIndex
{
    /// <summary>That of a database.</summary>
    public static WordIndex Of(Dialect dialect) => dialect == Dialect.PostgreSql ? PostgreSqlIndex.Instance : SqliteIndex.Instance;

    /// <summary>A query of the numbers of repositories whose words begin with all of some.</summary>
    /// <param name="words">Letters and digits only.</param>
    /// <param name="classes">Visibility and <see cref="PullClass"/> in one, of which one must be the repository's; none: any.</param>
    public abstract SqlText Numbers(IReadOnlyList<string> words, IReadOnlyList<string> classes);

    /// <summary>A condition of rows with one of some numbers. They are one parameter: statements that differ are prepared each.</summary>
    public abstract SqlText IsOneOf(IReadOnlyList<long> numbers);

    private sealed class SqliteIndex : WordIndex
    {
        public static SqliteIndex Instance { get; } = new();

        public override SqlText Numbers(IReadOnlyList<string> words, IReadOnlyList<string> classes)
        {
            string match = $"{{name description}} : ({string.Join(" AND ", words.Select(word => $"\"{word}\"*"))})";
            if (classes.Count > 0)
                match += $" AND class : ({string.Join(" OR ", classes.Select(name => $"\"{name}\""))})";
            return $"select rowid from repository_search where repository_search match {match}";
        }

        public override SqlText IsOneOf(IReadOnlyList<long> numbers)
        {
            string list = $"[{string.Join(',', numbers)}]";
            return $"r.id in (select value from json_each({list}))";
        }
    }

    private sealed class PostgreSqlIndex : WordIndex
    {
        public static PostgreSqlIndex Instance { get; } = new();

        public override SqlText Numbers(IReadOnlyList<string> words, IReadOnlyList<string> classes)
        {
            string query = string.Join(" & ", words.Select(word => $"'{word}':*"));
            if (classes.Count > 0)
                query += $" & ({string.Join(" | ", classes.Select(name => $"'{BrowsingSchema.ClassMark}{name}'"))})";
            return $"select repository_id from repository_words where words @@ {query}::tsquery";
        }

        public override SqlText IsOneOf(IReadOnlyList<long> numbers)
        {
            string list = string.Join(',', numbers);
            return $"r.id = any(string_to_array({list}, ',')::bigint[])";
        }
    }
}
