using Berth.Registry.Browsing;

namespace Berth.Registry.Tests.Browsing;

/// <summary>What a word is, in any script, and what a question finds.</summary>
public sealed class SearchWordsTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("  \t ", "")]
    [InlineData("Data-Science_web.v2/app", "data science web v2 app")]
    [InlineData("Größe ÜBER Ελλάδα ДАННЫЕ", "größe über ελλάδα данные")]
    [InlineData("Cafe\u0301 noir", "cafe\u0301 noir")]
    [InlineData("हिन्दी छवि", "हिन्दी छवि")]
    [InlineData("עִבְרִית", "עִבְרִית")]
    [InlineData("数据科学 base", "数 据 科 学 base")]
    [InlineData("python数据3", "python 数 据 3")]
    [InlineData("カタ が\u3099", "カ タ が\u3099")]
    [InlineData("𠀀𠀁", "𠀀 𠀁")]
    [InlineData("𝐀𐐀b", "𝐀𐐨b")]
    [InlineData("❤\uFE0F 👩‍🚀 ship", "ship")]
    [InlineData("\u0301abc", "abc")]
    public void Words_AreWhatPeopleCallWords(string text, string words) => Assert.Equal(words, string.Join(' ', SearchWords.Of(text)));

    [Fact]
    public void Words_OfHalvesOfCharacters_AreTheOthers() => Assert.Equal(["lone", "x"], SearchWords.Of("\ud800 lone \udc00x"));

    [Fact]
    public void Words_OfAnythingLong_AreBounded()
    {
        Assert.Equal(64, SearchWords.Of(new string('x', 100_000)).Single().Length);
        Assert.Equal(64, SearchWords.Of("e" + new string('\u0301', 100_000)).Single().Length);
        Assert.Equal(8, new RepositoryQuery { Text = string.Join(' ', Enumerable.Range(0, 100)) }.Words.Count);
        Assert.True(new RepositoryQuery { Text = new string('a', 100_000) + " b" }.Words.Count == 1);
    }

    [Theory]
    [InlineData("science data", true)]
    [InlineData("DATA-sci", true)]
    [InlineData("lab/data", true)]
    [InlineData("  lab   ", true)]
    [InlineData("ence", false)] // Within a word.
    [InlineData("dta", false)] // Mistyped.
    [InlineData("über", true)]
    [InlineData("科学", true)]
    [InlineData("数据学", true)]
    [InlineData("数学者", false)]
    [InlineData("हि", true)]
    public void Question_FindsByBeginningsInAnyOrder(string text, bool fits)
    {
        RepositorySummary repository = new()
        {
            Id = 1, Name = "lab/data-science", Description = "Über 数据科学 हिन्दी", IsPrivate = false, Pulls = 0, Stars = 0, PushedAt = null,
            CreatedAt = 0, Bytes = 0,
        };
        Assert.Equal(fits, new RepositoryQuery { Text = text }.Fits(repository));
        SearchIndex index = new();
        index.Put(new SearchRow(repository, "lab", 1));
        SearchFilter filter = new(new RepositoryQuery { Text = text }.Words, RepositoryOrder.Best, false);
        Assert.Equal(fits, index.Find(filter, null, 10).Count == 1);
    }

    [Theory]
    [InlineData("is:official", RepositoryMarks.Official, "")]
    [InlineData("IS:Verified app", RepositoryMarks.Verified, "app")]
    [InlineData("app is:official\tis:verified", RepositoryMarks.Official | RepositoryMarks.Verified, "app")]
    [InlineData("is: official", RepositoryMarks.None, "is official")]
    [InlineData("is:officially", RepositoryMarks.None, "is officially")]
    [InlineData("this:official", RepositoryMarks.None, "this official")]
    public void Marks_AmongTheWords_AreFilters(string text, RepositoryMarks marks, string words)
    {
        RepositoryQuery query = new() { Text = text };
        Assert.Equal((marks, words), (query.WantedMarks, string.Join(' ', query.Words)));
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("   ", false)]
    [InlineData("--", true)]
    [InlineData("is:official", false)]
    public void Question_OfSignsAlone_FindsNothing_OfSpacesAll(string text, bool isUnfindable) =>
        Assert.Equal(isUnfindable, new RepositoryQuery { Text = text }.IsUnfindable);
}
