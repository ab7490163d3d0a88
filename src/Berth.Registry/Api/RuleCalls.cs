using System.Globalization;
using Berth.Registry.Diary;
using Berth.Registry.Model;
using Berth.Registry.Retention;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Api;

/// <summary>The calls about immutable tags and retention of one repository.</summary>
internal static class RuleCalls
{
    public static async Task FrozenAsync(RepositoryCalls.Subject subject)
    {
        FrozenTags frozen = await subject.Call.Services.Database.ReadAsync(
            (transaction, token) => FrozenTags.ReadAsync(transaction, subject.Id, token), subject.Call.Cancelled);
        IReadOnlyList<FrozenWire> items = [.. frozen.Patterns.Select(rule =>
            new FrozenWire(rule.Id, rule.Pattern.Value, DateTimeOffset.FromUnixTimeMilliseconds(rule.CreatedAt), rule.CreatedBy))];
        await subject.Call.SendAsync(new PageWire<FrozenWire>(items, null), ApiJson.Default.PageWireFrozenWire);
    }

    public static async Task FreezeAsync(RepositoryCalls.Subject subject)
    {
        subject.Require(RepositoryAccess.Administer, "freeze tags");
        NewFrozenWire wanted = await subject.Call.ReadAsync(ApiJson.Default.NewFrozenWire);
        await subject.Browsing.Settings.FreezeAsync(
            subject.Call.Caller, subject.Id, TagPattern.Parse(wanted.Pattern ?? ""), subject.Call.Cancelled);
        await FrozenAsync(subject);
    }

    public static async Task ThawAsync(RepositoryCalls.Subject subject, string id)
    {
        subject.Require(RepositoryAccess.Administer, "remove rule");
        await subject.Browsing.Settings.ThawAsync(subject.Call.Caller, subject.Id, IdOf(id), subject.Call.Cancelled);
        await subject.Call.DoneAsync();
    }

    public static async Task RulesAsync(RepositoryCalls.Subject subject)
    {
        List<RetentionRule> rules = await subject.Browsing.Retention.RulesAsync(subject.Id, subject.Call.Cancelled);
        IReadOnlyList<RuleWire> items =
            [.. rules.Select(rule => new RuleWire(rule.Id, rule.Pattern?.Value, rule.KeepLast, rule.KeepDays, rule.Sentence))];
        await subject.Call.SendAsync(new PageWire<RuleWire>(items, null), ApiJson.Default.PageWireRuleWire);
    }

    public static async Task AddAsync(RepositoryCalls.Subject subject)
    {
        subject.Require(RepositoryAccess.Administer, "add rule");
        NewRuleWire wanted = await subject.Call.ReadAsync(ApiJson.Default.NewRuleWire);
        RetentionRule rule = new()
        {
            Pattern = wanted.Pattern is null ? null
                : TagPattern.Parse(wanted.Pattern), KeepLast = wanted.KeepLast, KeepDays = wanted.KeepDays,
        };
        await subject.Browsing.Retention.AddAsync(subject.Call.Caller, subject.Id, rule, subject.Call.Cancelled);
        await RulesAsync(subject);
    }

    public static async Task RemoveAsync(RepositoryCalls.Subject subject, string id)
    {
        subject.Require(RepositoryAccess.Administer, "remove rule");
        await subject.Browsing.Retention.RemoveAsync(subject.Call.Caller, subject.Id, IdOf(id), subject.Call.Cancelled);
        await subject.Call.DoneAsync();
    }

    /// <summary>Runs the rules now; with <c>?dry-run=true</c> only says what they would do.</summary>
    public static async Task RunAsync(RepositoryCalls.Subject subject)
    {
        subject.Require(RepositoryAccess.Administer, "run rules");
        ApiCall call = subject.Call;
        bool isDry = call.OneOf("dry-run", "true", "false") == "true";
        RetentionPlan plan = isDry ? await subject.Browsing.Retention.PlanAsync(subject.Id, call.Cancelled)
            : await subject.Browsing.Retention.RunAsync(call.Caller, subject.Id, call.Cancelled);
        RetentionWire wire = new(
            isDry, [.. plan.RemovedTags.Select(Decision)], [.. plan.KeptTags.Select(Decision)],
            [.. plan.RemovedImages.Select(image => image.Digest)]);
        await call.SendAsync(wire, ApiJson.Default.RetentionWire, StatusCodes.Status200OK);
    }

    private static DecisionWire Decision(RetentionDecision decision) => new(
        decision.Tag.Name, decision.Tag.Digest, DateTimeOffset.FromUnixTimeMilliseconds(decision.Tag.UpdatedAt), decision.Why);

    private static long IdOf(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long id)
        ? id : throw FaultException.NotFound("there is no such rule");
}
