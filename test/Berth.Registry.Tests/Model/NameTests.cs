using Berth.Registry.Model;

namespace Berth.Registry.Tests.Model;

public sealed class NameTests
{
    public static TheoryData<string, string> Names => new()
    {
        { "app", "" }, { "alice/app", "alice" }, { "a/b/c", "a" }, { "a.b_c__d-e---f/0", "a.b_c__d-e---f" }, { new string('a', 255), "" },
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void Name_ByTheGrammar_IsRead(string text, string space)
    {
        Assert.True(RepositoryName.TryParse(text, out RepositoryName name));
        Assert.Equal((text, space), (name.Value, name.Namespace));
    }

    public static TheoryData<string> NotNames => new()
    {
        "", "/", "a/", "/a", "a//b", "A", "a/B", "..", "a/../b", "a..b", "a___b", "a_.b", ".a", "a.", "-a", "a-", "a__", "a%2fb", "a b", "ä",
        "a\0", "a\n", new string('a', 256), new string('a', 10_000),
    };

    [Theory]
    [MemberData(nameof(NotNames))]
    public void Name_OutsideTheGrammar_IsNone(string text) => Assert.False(RepositoryName.TryParse(text, out _));

    [Theory]
    [InlineData("latest"), InlineData("_"), InlineData("1.0-RC.1"), InlineData("A")]
    public void Tag_ByTheGrammar_IsOne(string text) => Assert.True(TagName.IsValid(text));

    public static TheoryData<string> NotTags => new() { "", ".a", "-a", "a/b", "a:b", "a b", "a@b", "ä", new string('a', 129) };

    [Theory]
    [MemberData(nameof(NotTags))]
    public void Tag_OutsideTheGrammar_IsNone(string text) => Assert.False(TagName.IsValid(text));
}
