using Berth.Registry.Database;
using Berth.Registry.Retention;

namespace Berth.Registry.Diary;

/// <summary>The rules of one repository that say which tags must not change once they exist.</summary>
/// <param name="Patterns">The rules, in the order they were made.</param>
public sealed record FrozenTags(IReadOnlyList<FrozenTagRule> Patterns)
{
    /// <summary>Rules of one repository.</summary>
    public const int RulesMax = 50;

    /// <summary>The rule that freezes a tag; null when it may move.</summary>
    public string? RuleOf(string tag) => Patterns.FirstOrDefault(rule => rule.Pattern.Matches(tag))?.Pattern.Value;

    /// <summary>Reads the rules of a repository.</summary>
    public static async Task<FrozenTags> ReadAsync(HubTransaction transaction, long repositoryId, CancellationToken cancellationToken) =>
        new(await transaction.ListAsync(
            $"select id, pattern, created_at, created_by from frozen_tags where repository_id = {repositoryId} order by id",
            row => new FrozenTagRule(
                row.GetInt64(0), TagPattern.Parse(row.GetString(1)), row.GetInt64(2), row.IsDBNull(3) ? null : row.GetString(3)),
            cancellationToken).ConfigureAwait(false));

    /// <summary>Adds a rule; one that is there already stays as it is.</summary>
    /// <exception cref="FaultException">InvalidArgument: there are <see cref="RulesMax"/> rules already.</exception>
    public static async Task AddAsync(
        HubTransaction transaction, long repositoryId, TagPattern pattern, string? by, long now, CancellationToken cancellationToken)
    {
        long count = await transaction.NumberAsync(
            $"select count(*) from frozen_tags where repository_id = {repositoryId}", cancellationToken).ConfigureAwait(false) ?? 0;
        if (count >= RulesMax)
            throw FaultException.Invalid($"freeze {pattern}: the repository has {RulesMax} rules already");
        await transaction.ExecuteAsync($"""
            insert into frozen_tags(repository_id, pattern, created_at, created_by) values ({repositoryId}, {pattern.Value}, {now}, {by})
            on conflict(repository_id, pattern) do nothing
            """, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Removes a rule; false when there was none.</summary>
    public static async Task<bool> RemoveAsync(
        HubTransaction transaction, long repositoryId, long ruleId, CancellationToken cancellationToken) =>
        await transaction.ExecuteAsync(
            $"delete from frozen_tags where repository_id = {repositoryId} and id = {ruleId}", cancellationToken).ConfigureAwait(false) > 0;
}

/// <summary>One rule: tags of this pattern never change.</summary>
/// <param name="Id">Names it.</param>
/// <param name="Pattern">Which tags.</param>
/// <param name="CreatedAt">Since when, in Unix milliseconds.</param>
/// <param name="CreatedBy">Who made it.</param>
public sealed record FrozenTagRule(long Id, TagPattern Pattern, long CreatedAt, string? CreatedBy);
