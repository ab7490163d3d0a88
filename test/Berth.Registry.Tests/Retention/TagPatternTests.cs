using Berth.Faults;
using Berth.Registry.Retention;

namespace Berth.Registry.Tests.Retention;

public sealed class TagPatternTests
{
    [Theory]
    [InlineData("*", "anything", true)]
    [InlineData("v*", "v1.2", true)]
    [InlineData("v*", "1.2", false)]
    [InlineData("v?", "v1", true)]
    [InlineData("v?", "v12", false)]
    [InlineData("*-beta", "1.0-beta", true)]
    [InlineData("*-beta", "1.0-beta2", false)]
    [InlineData("a*b*c", "a-x-b-y-c", true)]
    [InlineData("a*b*c", "a-x-c", false)]
    [InlineData("latest", "latest", true)]
    [InlineData("latest", "Latest", false)]
    [InlineData("**", "x", true)]
    public void Pattern_FitsTheWholeTag(string pattern, string tag, bool expected) =>
        Assert.Equal(expected, TagPattern.Parse(pattern).Matches(tag));

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a/b")]
    [InlineData("[a]")]
    [InlineData("ä")]
    public void Pattern_WithOtherCharacters_IsRefused(string pattern) =>
        Assert.Equal(FaultKind.InvalidArgument, Assert.Throws<FaultException>(() => TagPattern.Parse(pattern)).Kind);

    [Fact]
    public void Pattern_ThatIsTooLong_IsRefused() => Assert.Throws<FaultException>(() => TagPattern.Parse(new string('a', 129)));

    [Fact]
    public void Pattern_OfManyStars_DoesNotExplode()
    {
        string pattern = string.Concat(Enumerable.Repeat("a*", 60)) + "b";
        Assert.False(TagPattern.Parse(pattern).Matches(new string('a', 128)));
    }
}
