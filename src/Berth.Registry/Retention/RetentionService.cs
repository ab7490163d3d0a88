using System.Data.Common;
using Berth.Registry.Audit;
using Berth.Registry.Browsing;
using Berth.Registry.Database;
using Berth.Registry.Diary;
using Berth.Registry.Model;
using Berth.Registry.Repositories;

namespace Berth.Registry.Retention;

/// <summary>Keeps the retention rules of repositories, says what they would remove, and removes it.</summary>
/// <remarks>
/// A run decides and removes in one transaction: a tag that is pushed meanwhile is either seen with its new time or not touched.
/// Tags go with
/// a line in the diary. Images without a tag go only when no index names them and they speak about no image that stays.
/// </remarks>
public sealed class RetentionService(
    HubDatabase database, RepositorySettings settings, RepositoryNews news, TimeProvider time)
{
    // One transaction stays short; what is left goes in the next run.
    private const int RemovalsMax = 1_000;

    // What the audit log says of each, for whoever started the run did not choose what went.
    private const string Remark = "(by the retention rules)";

    /// <summary>The rules of a repository, in their order.</summary>
    public Task<List<RetentionRule>> RulesAsync(long repositoryId, CancellationToken cancellationToken) =>
        database.ReadAsync((transaction, token) => ReadRulesAsync(transaction, repositoryId, token), cancellationToken);

    /// <summary>Adds a rule behind the others.</summary>
    /// <exception cref="FaultException">InvalidArgument: the rule is not one, or there are too many.</exception>
    public Task<long> AddAsync(Caller actor, long repositoryId, RetentionRule rule, CancellationToken cancellationToken)
    {
        rule.Validate();
        long now = time.GetUtcNow().ToUnixTimeMilliseconds();
        return database.WriteAsync(
            async (transaction, token) =>
            {
                List<RetentionRule> rules = await ReadRulesAsync(transaction, repositoryId, token);
                if (rules.Count >= RetentionRule.RulesMax)
                    throw FaultException.Invalid($"retention rule: the repository has {RetentionRule.RulesMax} already");
                if (rule.IsForUntagged && rules.Any(other => other.IsForUntagged))
                    throw FaultException.Invalid("retention rule: there is one for untagged images already: remove it first");
                long id = (await transaction.NumberAsync($"""
                    insert into retention_rules(repository_id, pattern, keep_last, keep_days, created_at)
                    values ({repositoryId}, {rule.Pattern?.Value}, {(long?)rule.KeepLast}, {(long?)rule.KeepDays}, {now}) returning id
                    """, token))!.Value;
                await settings.RecordAsync(
                    transaction, actor, repositoryId, AuditActions.RepositoryUpdate, $"retention rule added: {rule.Sentence}", token);
                return id;
            }, cancellationToken);
    }

    /// <summary>Takes a rule away.</summary>
    /// <exception cref="FaultException">NotFound: no such rule.</exception>
    public Task RemoveAsync(Caller actor, long repositoryId, long ruleId, CancellationToken cancellationToken) => database.WriteAsync(
        async (transaction, token) =>
        {
            if (await transaction.ExecuteAsync(
                $"delete from retention_rules where repository_id = {repositoryId} and id = {ruleId}", token) == 0)
                throw FaultException.NotFound($"remove retention rule {ruleId}: the repository has none of this number");
            await settings.RecordAsync(
                transaction, actor, repositoryId, AuditActions.RepositoryUpdate, $"retention rule {ruleId} removed", token);
            return true;
        }, cancellationToken);

    /// <summary>What the rules would do now: the dry run.</summary>
    public Task<RetentionPlan> PlanAsync(long repositoryId, CancellationToken cancellationToken) =>
        database.ReadAsync((transaction, token) => PlanAsync(transaction, repositoryId, token), cancellationToken);

    /// <summary>Removes what the rules do not keep, at most a thousand tags and images at once.</summary>
    /// <returns>What was removed and what was kept.</returns>
    public async Task<RetentionPlan> RunAsync(Caller actor, long repositoryId, CancellationToken cancellationToken)
    {
        RetentionPlan done = await database.FreeAsync(
            async (transaction, token) =>
            {
                RetentionPlan plan = await PlanAsync(transaction, repositoryId, token);
                RetentionPlan bounded = plan with
                {
                    RemovedTags = [.. plan.RemovedTags.Take(RemovalsMax)], RemovedImages = [.. plan.RemovedImages.Take(RemovalsMax)],
                };
                await RemoveAsync(transaction, actor, repositoryId, bounded, token);
                return bounded;
            }, cancellationToken);
        news.Announce();
        return done;
    }

    /// <summary>The repositories that have rules, after an id; for the background job.</summary>
    internal Task<List<long>> RepositoriesAsync(long after, int limit, CancellationToken cancellationToken) => database.ReadAsync(
        (transaction, token) => transaction.ListAsync(
            $"select distinct repository_id from retention_rules where repository_id > {after} order by repository_id limit {limit}",
            row => row.GetInt64(0), token), cancellationToken);

    private async Task<RetentionPlan> PlanAsync(HubTransaction transaction, long repositoryId, CancellationToken cancellationToken)
    {
        List<RetentionRule> rules = await ReadRulesAsync(transaction, repositoryId, cancellationToken);
        List<RetentionTag> tags = await transaction.ListAsync(
            $"select name, manifest_digest, updated_at from tags where repository_id = {repositoryId}",
            row => new RetentionTag(row.GetString(0), row.GetString(1), row.GetInt64(2)), cancellationToken);
        List<UntaggedImage> untagged = rules.Any(rule => rule.IsForUntagged)
            ? await UntaggedAsync(transaction, repositoryId, cancellationToken) : [];
        FrozenTags frozen = await FrozenTags.ReadAsync(transaction, repositoryId, cancellationToken);
        return RetentionPlan.Make(rules, tags, untagged, tag => frozen.RuleOf(tag) is not null, time.GetUtcNow().ToUnixTimeMilliseconds());
    }

    // Not named by a tag, nor by an index, nor attached to an image that is there: what a person would call left over.
    private static Task<List<UntaggedImage>> UntaggedAsync(
        HubTransaction transaction, long repositoryId, CancellationToken cancellationToken) => transaction.ListAsync(
        $"""
        select m.digest, m.bytes, m.created_at from manifests m where m.repository_id = {repositoryId}
            and not exists (select 1 from tags t where t.repository_id = m.repository_id and t.manifest_digest = m.digest)
            and not exists (select 1 from manifest_references r where r.repository_id = m.repository_id and r.digest = m.digest)
            and not exists (select 1 from manifests s where s.repository_id = m.repository_id and s.digest = m.subject_digest)
        order by m.created_at, m.digest
        """, row => new UntaggedImage(row.GetString(0), row.GetInt64(1), row.GetInt64(2)), cancellationToken);

    private async Task RemoveAsync(
        HubTransaction transaction, Caller actor, long repositoryId, RetentionPlan plan, CancellationToken cancellationToken)
    {
        long now = time.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (RetentionTag tag in plan.RemovedTags.Select(decision => decision.Tag))
        {
            await RemoveTagAsync(transaction, repositoryId, tag, (actor.Name, now), cancellationToken);
            await news.TellDeletionAsync(transaction, actor, repositoryId, tag.Name, tag.Digest, Remark, cancellationToken);
        }
        foreach (UntaggedImage image in plan.RemovedImages)
        {
            await ManifestTable.RemoveAsync(transaction, repositoryId, image.Digest, cancellationToken);
            await news.TellDeletionAsync(transaction, actor, repositoryId, null, image.Digest, Remark, cancellationToken);
        }
    }

    private static async Task RemoveTagAsync(
        HubTransaction transaction, long repositoryId, RetentionTag tag, (string? By, long Now) move, CancellationToken cancellationToken)
    {
        await transaction.ExecuteAsync($"delete from tags where repository_id = {repositoryId} and name = {tag.Name}", cancellationToken);
        TagMove line = new()
        {
            Id = 0, Tag = tag.Name, From = tag.Digest, MovedAt = move.Now, MovedBy = move.By, Reason = TagMoveReason.Retention,
        };
        await TagDiary.RecordAsync(transaction, repositoryId, line, cancellationToken);
    }

    private static Task<List<RetentionRule>> ReadRulesAsync(
        HubTransaction transaction, long repositoryId, CancellationToken cancellationToken) => transaction.ListAsync(
        $"select id, pattern, keep_last, keep_days from retention_rules where repository_id = {repositoryId} order by id",
        ReadRule, cancellationToken);

    private static RetentionRule ReadRule(DbDataReader row) => new()
    {
        Id = row.GetInt64(0),
        Pattern = row.IsDBNull(1) ? null : TagPattern.Parse(row.GetString(1)),
        KeepLast = row.IsDBNull(2) ? null : (int)row.GetInt64(2),
        KeepDays = row.IsDBNull(3) ? null : (int)row.GetInt64(3),
    };
}
