using System.Globalization;
using System.Text;

namespace Berth.Registry.Browsing;

/// <summary>
/// How much a repository is pulled, roughly: eight classes for each doubling. The text index holds the class, so that those that are
/// pulled most are found first without sorting all that has the words.
/// </summary>
/// <remarks>The schema is made of it, so it never changes.</remarks>
internal static class PullClass
{
    private const int StepsPerDoubling = 8;
    private const int Doublings = 34;

    // The fewest pulls of each class.
    private static readonly long[] s_fewest = Fewest();

    /// <summary>The class of those that are pulled most.</summary>
    public static int Max => s_fewest.Length - 1;

    /// <summary>The class of a number of pulls.</summary>
    public static int Of(long pulls) => Array.BinarySearch(s_fewest, Math.Max(pulls, 0)) is var found && found >= 0 ? found : ~found - 1;

    /// <summary>The same in SQL, of a column.</summary>
    public static string Sql(string column)
    {
        var sql = new StringBuilder("case");
        for (int i = 1; i < s_fewest.Length; i++)
            sql.Append(CultureInfo.InvariantCulture, $" when {column} < {s_fewest[i]} then {i - 1}");
        return sql.Append(CultureInfo.InvariantCulture, $" else {s_fewest.Length - 1} end").ToString();
    }

    private static long[] Fewest()
    {
        var fewest = new SortedSet<long> { 0 };
        for (int doubling = 0; doubling < Doublings; doubling++)
        {
            for (int step = 0; step < StepsPerDoubling; step++)
                fewest.Add((1L << doubling) + ((1L << doubling) * step / StepsPerDoubling));
        }
        return [.. fewest];
    }
}
