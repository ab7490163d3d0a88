using System.Globalization;

namespace Berth.Registry.Browsing;

/// <summary>The order of a list of repositories.</summary>
public enum RepositoryOrder
{
    /// <summary>Most pulled first.</summary>
    Popular,

    /// <summary>Last pushed first.</summary>
    Updated,

    /// <summary>By name.</summary>
    Name,

    /// <summary>Most starred first.</summary>
    Starred,

    /// <summary>Of what is looked for by words or marks: official ones first, then those of verified publishers, then all others; of each
    /// the most pulled first. Lists of everything are as <see cref="Popular"/>.</summary>
    Best,
}

/// <summary>Which repositories are looked for, and which page of them.</summary>
public sealed record RepositoryQuery
{
    /// <summary>The longest page.</summary>
    public const int PageMax = 100;

    /// <summary>Characters of a search that are read.</summary>
    public const int TextMax = 200;

    private const int WordsMax = 8;
    private const string OfficialFilter = "is:official";
    private const string VerifiedFilter = "is:verified";

    /// <summary>Words whose beginnings the name or the description must have, in any order; empty: all repositories. <c>is:official</c> and
    /// <c>is:verified</c> among them are filters.</summary>
    public string Text { get; init; } = "";

    /// <summary>Only what has one of these marks or of those that <see cref="Text"/> asks for; none: all.</summary>
    public RepositoryMarks Marks { get; init; }

    /// <summary>Only repositories of this user or organisation; null: of all.</summary>
    public string? Namespace { get; init; }

    /// <summary>Only private ones, or only public ones; null: both.</summary>
    public bool? IsPrivate { get; init; }

    /// <summary>Only those that this account starred; null: all.</summary>
    public long? StarredBy { get; init; }

    /// <summary>The order.</summary>
    public RepositoryOrder Order { get; init; }

    /// <summary>The mark of the page before; null: the first page.</summary>
    public PageMark? After { get; init; }

    /// <summary>How many, from 1 to <see cref="PageMax"/>.</summary>
    public int Limit { get; init; } = 25;

    /// <summary>The words of <see cref="Text"/>, lower case; letters and digits only, so they mean nothing to a query language.</summary>
    public IReadOnlyList<string> Words =>
        SearchWords.Of(string.Join(' ', Parts.Where(part => MarkOf(part) == RepositoryMarks.None)), WordsMax);

    /// <summary>All marks that are asked for.</summary>
    internal RepositoryMarks WantedMarks => Parts.Aggregate(Marks, (marks, part) => marks | MarkOf(part));

    /// <summary>True when something is asked for that no text can have: signs alone.</summary>
    internal bool IsUnfindable => !string.IsNullOrWhiteSpace(Text) && Words.Count == 0 && WantedMarks == RepositoryMarks.None;

    private string[] Parts =>
        (Text.Length > TextMax ? Text[..TextMax] : Text).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    private static RepositoryMarks MarkOf(string part) =>
        part.Equals(OfficialFilter, StringComparison.OrdinalIgnoreCase) ? RepositoryMarks.Official
        : part.Equals(VerifiedFilter, StringComparison.OrdinalIgnoreCase) ? RepositoryMarks.Verified : RepositoryMarks.None;

    /// <summary>True when each word begins a word of the name or the description: what the search index says, too.</summary>
    internal bool Fits(RepositorySummary repository)
    {
        List<string> there = SearchWords.Of($"{repository.Name} {repository.Description}");
        return Words.All(word => there.Exists(other => other.StartsWith(word, StringComparison.Ordinal)));
    }
}

/// <summary>Where a page ended: the values that the list is ordered by.</summary>
/// <param name="Number">The number or time of the last row; zero in an order by name.</param>
/// <param name="Id">Its id, which decides between equal numbers.</param>
/// <param name="Name">Its name, in an order by name.</param>
public sealed record PageMark(long Number, long Id, string Name)
{
    private const int CharactersMax = 400;

    /// <summary>Reads a mark; null for what is not one, which means the first page.</summary>
    public static PageMark? Parse(string? text)
    {
        if (text is null || text.Length > CharactersMax || text.Contains('\0'))
            return null;
        string[] parts = text.Split('~', 3);
        return parts.Length == 3
            && long.TryParse(parts[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
            && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out long id)
            ? new PageMark(number, id, parts[2]) : null;
    }

    /// <summary>The mark for an address.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Number}~{Id}~{Name}");
}

/// <summary>One page of a list.</summary>
/// <param name="Items">What is on it.</param>
/// <param name="Next">The mark of the next page; null on the last.</param>
public sealed record Listing<T>(IReadOnlyList<T> Items, string? Next);
