namespace Berth.Registry.Retention;

/// <summary>A tag as retention sees it.</summary>
/// <param name="Name">The tag.</param>
/// <param name="Digest">What it names.</param>
/// <param name="UpdatedAt">When it was last pushed, in Unix milliseconds.</param>
public sealed record RetentionTag(string Name, string Digest, long UpdatedAt);

/// <summary>An image that no tag names.</summary>
/// <param name="Digest">Its digest.</param>
/// <param name="Bytes">The size of its document and what it alone names, in bytes.</param>
/// <param name="CreatedAt">When it was pushed, in Unix milliseconds.</param>
public sealed record UntaggedImage(string Digest, long Bytes, long CreatedAt);

/// <summary>What a run of the rules removes and what it keeps, each tag with the sentence that says why.</summary>
/// <param name="RemovedTags">Tags that go.</param>
/// <param name="KeptTags">Tags that stay.</param>
/// <param name="RemovedImages">Images without a tag that go.</param>
public sealed record RetentionPlan(
    IReadOnlyList<RetentionDecision> RemovedTags, IReadOnlyList<RetentionDecision> KeptTags, IReadOnlyList<UntaggedImage> RemovedImages)
{
    private const long MillisecondsPerDay = 24L * 60 * 60 * 1000;

    /// <summary>Decides about each tag and image of one repository.</summary>
    /// <param name="rules">The rules, in their order.</param>
    /// <param name="tags">All tags.</param>
    /// <param name="untagged">All images that neither a tag nor another image names.</param>
    /// <param name="isImmutable">True for tags that must not change.</param>
    /// <param name="now">The moment that ages are counted to, in Unix milliseconds.</param>
    public static RetentionPlan Make(
        IReadOnlyList<RetentionRule> rules, IReadOnlyList<RetentionTag> tags, IReadOnlyList<UntaggedImage> untagged,
        Func<string, bool> isImmutable, long now)
    {
        List<RetentionDecision> removed = [], kept = [];
        Dictionary<RetentionRule, int> seen = new(ReferenceEqualityComparer.Instance);
        // Newest first, so that counting decides "the last N"; equal times by name, so that a dry run and the run agree.
        foreach (RetentionTag tag in tags.OrderByDescending(tag => tag.UpdatedAt).ThenBy(tag => tag.Name, StringComparer.Ordinal))
        {
            RetentionRule? rule = rules.FirstOrDefault(rule => rule.Pattern is { } pattern && pattern.Matches(tag.Name));
            int position = rule is null ? 0 : seen[rule] = seen.GetValueOrDefault(rule) + 1;
            (bool keep, string why) = Decide(rule, tag, position, isImmutable, now);
            (keep ? kept : removed).Add(new RetentionDecision(tag, why));
        }
        RetentionRule? ofUntagged = rules.FirstOrDefault(rule => rule.IsForUntagged);
        IReadOnlyList<UntaggedImage> images = ofUntagged?.KeepDays is { } days
            ? [.. untagged.Where(image => image.CreatedAt < now - (days * MillisecondsPerDay))] : [];
        return new RetentionPlan(removed, kept, images);
    }

    private static (bool Keep, string Why) Decide(
        RetentionRule? rule, RetentionTag tag, int position, Func<string, bool> isImmutable, long now)
    {
        if (rule is null)
            return (true, "no rule names it");
        if (isImmutable(tag.Name))
            return (true, "it is immutable");
        if (rule.KeepLast is { } last && position <= last)
            return (true, $"it is number {position} of the last {last}");
        if (rule.KeepDays is { } days && tag.UpdatedAt >= now - (days * MillisecondsPerDay))
            return (true, days == 1 ? "it is newer than a day" : $"it is newer than {days} days");
        return (false, rule.Sentence);
    }
}

/// <summary>A tag, and why it is kept or removed.</summary>
/// <param name="Tag">The tag.</param>
/// <param name="Why">The reason, as a sentence's end.</param>
public sealed record RetentionDecision(RetentionTag Tag, string Why);
