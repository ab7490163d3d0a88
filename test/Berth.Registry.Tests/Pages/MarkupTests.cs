using Berth.Registry.Pages.Html;

namespace Berth.Registry.Tests.Pages;

public sealed class MarkupTests
{
    [Theory]
    [InlineData("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;")]
    [InlineData("\" onmouseover=\"alert(1)", "&quot; onmouseover=&quot;alert(1)")]
    [InlineData("' onclick='x", "&#x27; onclick=&#x27;x")]
    [InlineData("a & b", "a &amp; b")]
    [InlineData("</title><svg onload=x>", "&lt;/title&gt;&lt;svg onload=x&gt;")]
    [InlineData("Müller 日本", "Müller 日本")]
    public void Hole_WithText_IsEscaped(string text, string expected)
    {
        Assert.Equal($"<p title=\"{expected}\">{expected}</p>", Markup.Of($"<p title=\"{text}\">{text}</p>").ToString());
        Assert.Equal(expected, Markup.Text(text).ToString());
    }

    [Fact]
    public void Hole_WithMarkup_IsTakenOver()
    {
        Markup inner = Markup.Of($"<b>{"<x>"}</b>");
        Assert.Equal("<p><b>&lt;x&gt;</b><b>&lt;x&gt;</b></p>", Markup.Of($"<p>{inner}{new[] { inner }}</p>").ToString());
    }

    [Fact]
    public void When_TheConditionFails_IsNothing() =>
        Assert.Equal("<i>y</i>", Markup.Of($"{Markup.When(false, $"<i>{"x"}</i>")}{Markup.When(true, $"<i>{"y"}</i>")}").ToString());

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(999, "999 B")]
    [InlineData(1000, "1 kB")]
    [InlineData(12_400_000, "12.4 MB")]
    [InlineData(999_999, "1 MB")]
    [InlineData(148_220_134, "148 MB")]
    [InlineData(long.MaxValue, "9223 PB")]
    public void Bytes_AreRoundedToThreeFigures(long bytes, string expected) => Assert.Equal(expected, Figures.Bytes(bytes));

    [Theory]
    [InlineData(0, "0")]
    [InlineData(999, "999")]
    [InlineData(1200, "1.2K")]
    [InlineData(999_999, "1M")]
    [InlineData(3_400_000, "3.4M")]
    public void Count_IsShort(long count, string expected) => Assert.Equal(expected, Figures.Count(count));

    [Theory]
    [InlineData(10, "just now")]
    [InlineData(50, "1 minute ago")]
    [InlineData(7200, "2 hours ago")]
    [InlineData(86400 * 3, "3 days ago")]
    [InlineData(86400 * 400, "1 year ago")]
    public void Ago_TakesTheLargestUnit(int seconds, string expected) => Assert.Equal(expected, Figures.Ago(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData("/r/a/b?x=1", true)]
    [InlineData("/", true)]
    [InlineData("", false)]
    [InlineData("//evil.example", false)]
    [InlineData("/\\evil.example", false)]
    [InlineData("/a\\b", false)]
    [InlineData("https://evil.example/", false)]
    [InlineData("javascript:alert(1)", false)]
    [InlineData("/\t/evil.example", false)]
    [InlineData("/caf\u00e9", false)]
    [InlineData("/a\r\nSet-Cookie: x", false)]
    public void Local_IsAPathOfThisHub(string address, bool expected) => Assert.Equal(expected, Links.IsLocal(address));

    [Fact]
    public void Links_EscapeWhatTheyAreMadeOf()
    {
        Assert.Equal("/r/a/b/-/tags/x%3Cy%3E%20%22%26%3F%23%2F", Links.Tag("a/b", "x<y> \"&?#/"));
        Assert.Equal("/search?q=a%26b%3D%3Cc%3E", Links.With(Links.Search, ("q", "a&b=<c>"), ("owner", "")));
    }
}
