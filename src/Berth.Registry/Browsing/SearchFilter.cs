namespace Berth.Registry.Browsing;

/// <summary>What the search index is asked for.</summary>
/// <param name="Words">Beginnings of words, all of which a repository must have; none only with marks or a namespace.</param>
/// <param name="Order">The order.</param>
/// <param name="IsPrivate">Private ones, or public ones.</param>
internal sealed record SearchFilter(IReadOnlyList<string> Words, RepositoryOrder Order, bool IsPrivate)
{
    /// <summary>Only what has one of these marks; none: all.</summary>
    public RepositoryMarks Marks { get; init; }

    /// <summary>Only of this name; null: of all.</summary>
    public string? Namespace { get; init; }

    /// <summary>Only of these accounts; null: of all.</summary>
    public IReadOnlySet<long>? Accounts { get; init; }

    /// <summary>Only these repositories; null: all.</summary>
    public IReadOnlySet<long>? Repositories { get; init; }
}
