using Berth.Faults;

namespace Berth.Registry.Retention;

/// <summary>What is kept of the tags that a pattern names, or of the images that no tag names.</summary>
/// <remarks>
/// A tag falls under the first rule whose pattern it fits; a tag that fits none is kept. Under a rule a tag is kept when any of the
/// rule's conditions keeps it. A rule for untagged images names no pattern and has an age.
/// </remarks>
public sealed record RetentionRule
{
    /// <summary>Rules of one repository.</summary>
    public const int RulesMax = 50;

    /// <summary>The largest number of tags or days that a rule names.</summary>
    public const int NumberMax = 100_000;

    /// <summary>Names the rule; zero before it is stored.</summary>
    public long Id { get; init; }

    /// <summary>Which tags; null in a rule for untagged images.</summary>
    public TagPattern? Pattern { get; init; }

    /// <summary>Keeps this many of the tags, those that were pushed last.</summary>
    public int? KeepLast { get; init; }

    /// <summary>Keeps what was pushed within so many days.</summary>
    public int? KeepDays { get; init; }

    /// <summary>True for a rule for images that no tag names.</summary>
    public bool IsForUntagged => Pattern is null;

    /// <summary>The rule in one sentence.</summary>
    public string Sentence => (Pattern, KeepLast, KeepDays) switch
    {
        (null, _, { } days) => $"Remove images without a tag after {Days(days)}",
        ({ } pattern, { } last, null) => $"Of {Which(pattern)} keep the {Last(last)}",
        ({ } pattern, null, { } days) => $"Of {Which(pattern)} keep what was pushed in the last {Days(days)}",
        ({ } pattern, { } last, { } days) => $"Of {Which(pattern)} keep the {Last(last)} and what was pushed in the last {Days(days)}",
        _ => "Keep everything",
    };

    /// <summary>Checks a rule as a person gave it.</summary>
    /// <exception cref="FaultException">InvalidArgument: no condition, or a number out of its range.</exception>
    public void Validate()
    {
        if (KeepLast is < 0 or > NumberMax || KeepDays is < 0 or > NumberMax)
            throw FaultException.Invalid($"retention rule: numbers from 0 to {NumberMax} are allowed");
        if (IsForUntagged && (KeepLast is not null || KeepDays is null))
            throw FaultException.Invalid("retention rule: a rule for untagged images needs an age in days and nothing else");
        if (!IsForUntagged && KeepLast is null && KeepDays is null)
            throw FaultException.Invalid("retention rule: say how many tags to keep, or for how many days");
    }

    private static string Which(TagPattern pattern) => pattern.Value == "*" ? "all tags" : $"tags like {pattern.Value}";

    private static string Last(int count) => count == 1 ? "last one" : $"last {count}";

    private static string Days(int days) => days == 1 ? "1 day" : $"{days} days";
}
