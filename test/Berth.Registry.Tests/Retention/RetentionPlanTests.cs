using Berth.Faults;
using Berth.Registry.Retention;

namespace Berth.Registry.Tests.Retention;

public sealed class RetentionPlanTests
{
    private const long Day = 24L * 60 * 60 * 1000;
    private const long Now = 1000 * Day;

    [Fact]
    public void KeepLast_CountsFromTheNewest()
    {
        RetentionPlan plan = Plan([Rule("*", last: 2)], Tag("a", 5), Tag("b", 3), Tag("c", 1), Tag("d", 9));
        Assert.Equal(["a", "d"], Removed(plan));
        Assert.Equal(["c", "b"], plan.KeptTags.Select(kept => kept.Tag.Name));
    }

    [Fact]
    public void KeepDays_KeepsWhatIsNewer() =>
        Assert.Equal(["old"], Removed(Plan([Rule("*", days: 30)], Tag("old", 31), Tag("edge", 30), Tag("new", 1))));

    [Fact]
    public void BothConditions_EitherKeeps() =>
        Assert.Equal(["d"], Removed(Plan([Rule("*", last: 1, days: 10)], Tag("a", 1), Tag("b", 5), Tag("c", 9), Tag("d", 11))));

    [Fact]
    public void FirstRuleThatFits_Decides()
    {
        RetentionRule[] rules = [Rule("v*", last: 100), Rule("*", last: 0)];
        Assert.Equal(["nightly"], Removed(Plan(rules, Tag("v1", 500), Tag("nightly", 1))));
    }

    [Fact]
    public void EachRule_CountsItsOwnTags()
    {
        RetentionRule[] rules = [Rule("a*", last: 1), Rule("b*", last: 1)];
        Assert.Equal(["a2", "b2"], Removed(Plan(rules, Tag("a1", 1), Tag("b1", 2), Tag("a2", 3), Tag("b2", 4))));
    }

    [Fact]
    public void Tag_ThatNoRuleNames_IsKept() => Assert.Empty(Removed(Plan([Rule("pr-*", last: 0)], Tag("latest", 900))));

    [Fact]
    public void ImmutableTag_IsKept()
    {
        RetentionPlan plan = RetentionPlan.Make([Rule("*", last: 0)], [Tag("v1", 900), Tag("x", 900)], [], tag => tag == "v1", Now);
        Assert.Equal(["x"], Removed(plan));
    }

    [Fact]
    public void NoRules_RemoveNothing() => Assert.Empty(Removed(Plan([], Tag("a", 900))));

    [Fact]
    public void Untagged_GoWhenTheyAreOldAndARuleSaysSo()
    {
        UntaggedImage[] images = [new("sha256:a", 1, Now - (8 * Day)), new("sha256:b", 1, Now - Day)];
        RetentionRule rule = new() { KeepDays = 7 };
        Assert.Equal(["sha256:a"], RetentionPlan.Make([rule], [], images, _ => false, Now).RemovedImages.Select(image => image.Digest));
        Assert.Empty(RetentionPlan.Make([Rule("*", last: 0)], [], images, _ => false, Now).RemovedImages);
    }

    [Fact]
    public void Decisions_SayWhy()
    {
        RetentionPlan plan = Plan([Rule("*", last: 1)], Tag("a", 1), Tag("b", 2));
        Assert.Equal("it is number 1 of the last 1", plan.KeptTags[0].Why);
        Assert.Equal("Of all tags keep the last one", plan.RemovedTags[0].Why);
    }

    [Fact]
    public void Rule_WithoutACondition_IsRefused()
    {
        Assert.Throws<FaultException>(() => new RetentionRule { Pattern = TagPattern.Parse("*") }.Validate());
        Assert.Throws<FaultException>(() => new RetentionRule { KeepLast = 3 }.Validate());
        Assert.Throws<FaultException>(() => Rule("*", last: -1).Validate());
        Assert.Throws<FaultException>(() => Rule("*", days: RetentionRule.NumberMax + 1).Validate());
        new RetentionRule { KeepDays = 7 }.Validate();
    }

    private static RetentionPlan Plan(RetentionRule[] rules, params RetentionTag[] tags) =>
        RetentionPlan.Make(rules, tags, [], _ => false, Now);

    private static RetentionRule Rule(string pattern, int? last = null, int? days = null) =>
        new() { Pattern = TagPattern.Parse(pattern), KeepLast = last, KeepDays = days };

    private static RetentionTag Tag(string name, int daysOld) => new(name, $"sha256:{name}", Now - (daysOld * Day));

    private static IEnumerable<string> Removed(RetentionPlan plan) => plan.RemovedTags.Select(removed => removed.Tag.Name).Order();
}
