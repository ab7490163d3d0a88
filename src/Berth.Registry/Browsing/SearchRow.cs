using System.Data.Common;

namespace Berth.Registry.Browsing;

/// <summary>What the search index keeps of a repository.</summary>
/// <param name="Summary">What a list shows.</param>
/// <param name="Namespace">Whose it is, by name.</param>
/// <param name="AccountId">Whose it is; null for nobody's.</param>
internal readonly record struct SearchRow(RepositorySummary Summary, string Namespace, long? AccountId)
{
    /// <summary>What <see cref="Read"/> takes, of <c>repositories r</c>.</summary>
    public const string Columns = $"{RepositorySummary.Columns}, r.namespace, r.account_id";

    private const int NamespaceColumn = RepositorySummary.ColumnCount;
    private const int AccountColumn = NamespaceColumn + 1;

    /// <summary>Its words, each once.</summary>
    public IEnumerable<string> Words => SearchWords.Of($"{Summary.Name} {Summary.Description}").Distinct();

    /// <summary>Reads a row of <see cref="Columns"/>; null of one that a join did not find.</summary>
    public static SearchRow? Read(DbDataReader row) => row.IsDBNull(0) ? null : new SearchRow(
        RepositorySummary.Read(row), row.GetString(NamespaceColumn), row.IsDBNull(AccountColumn) ? null : row.GetInt64(AccountColumn));
}
