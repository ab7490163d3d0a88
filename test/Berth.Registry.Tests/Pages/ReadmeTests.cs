using AngleSharp.Dom;
using AngleSharp.Html.Parser;
using Berth.Registry.Pages.Readmes;

namespace Berth.Registry.Tests.Pages;

/// <summary>A README is a stranger's text: whatever it holds, a browser finds only what the list allows (F9).</summary>
public sealed class ReadmeTests
{
    private static readonly HashSet<string> s_elements =
    [
        "html", "head", "body", "h2", "h3", "h4", "h5", "h6", "p", "a", "em", "strong", "del", "code", "pre", "ul", "ol", "li", "blockquote",
        "hr", "br", "table", "thead", "tbody", "tr", "th", "td", "input",
    ];

    private static readonly HashSet<string> s_attributes =
        ["href", "rel", "id", "class", "start", "type", "disabled", "checked", "title", "style"];

    [Theory]
    [InlineData("<script>alert(1)</script>")]
    [InlineData("<img src=x onerror=alert(1)>")]
    [InlineData("<svg/onload=alert(1)>")]
    [InlineData("a <b onclick=alert(1)>b</b>")]
    [InlineData("<iframe src=\"https://evil.example\"></iframe>")]
    [InlineData("<style>*{background:url(https://evil.example)}</style>")]
    [InlineData("<!--><script>alert(1)</script>-->")]
    [InlineData("<a href=\"javascript:alert(1)\">x</a>")]
    [InlineData("[x](javascript:alert(1))")]
    [InlineData("[x](JaVaScRiPt:alert(1))")]
    [InlineData("[x](java\tscript:alert(1))")]
    [InlineData("[x](<java\nscript:alert(1)>)")]
    [InlineData("[x](&#106;avascript:alert(1))")]
    [InlineData("[x](&#x6A;avascript&colon;alert(1))")]
    [InlineData("[x](\u0001javascript:alert(1))")]
    [InlineData("[x](%6Aavascript:alert(1))")]
    [InlineData("[x](data:text/html;base64,PHNjcmlwdD4=)")]
    [InlineData("[x](vbscript:msgbox(1))")]
    [InlineData("[x](file:///etc/passwd)")]
    [InlineData("[x](//evil.example/)")]
    [InlineData("[x](/admin)")]
    [InlineData("[x](\\\\evil.example)")]
    [InlineData("[x](https:evil)")]
    [InlineData("[x](https://user:password@evil.example/)")]
    [InlineData("[x](https://a.example/\"onmouseover=\"alert(1))")]
    [InlineData("[x](https://a.example 'title\" onmouseover=\"alert(1)')")]
    [InlineData("![x](https://tracker.example/pixel.gif)")]
    [InlineData("![x\" onerror=\"alert(1)](https://tracker.example/pixel.gif)")]
    [InlineData("![](data:image/svg+xml;base64,PHN2Zz4=)")]
    [InlineData("![][x]\n\n[x]: https://tracker.example/pixel.gif")]
    [InlineData("[![badge](https://tracker.example/b.svg)](https://a.example)")]
    [InlineData("[![badge](javascript:alert(1))](javascript:alert(1))")]
    [InlineData("[x][y]\n\n[y]: javascript:alert(1)")]
    [InlineData("<javascript:alert(1)>")]
    [InlineData("<https://a.example/\"onmouseover=alert(1)>")]
    [InlineData("www.evil.example/\"onmouseover=alert(1)")]
    [InlineData("```\"onmouseover=alert(1)\n<script>\n```")]
    [InlineData("```html <script>alert(1)</script>\n```")]
    [InlineData("# x {onclick=alert(1)}")]
    [InlineData("# status\n\n# content")]
    [InlineData("| <script>alert(1)</script> |\n|---|\n| ![x](https://t.example) |")]
    [InlineData("- [x] <input onfocus=alert(1) autofocus>")]
    [InlineData("\0<script>alert(1)</script>")]
    public void Hostile_Text_BecomesHarmless(string text) => RequireHarmless(text);

    [Fact]
    public void Anything_BecomesHarmless()
    {
        string[] pieces =
        [
            "[", "]", "(", ")", "!", "<", ">", "\"", "'", "&", "#", "javascript:", "https://a.example/", "\n", "\n\n", "```", "`", "|", "---", "*",
            "_", "~~", "<script>", "</script>", "onerror=", " ", "\t", "- [x] ", "1. ", "> ", "&#106;", "\\", "x", "data:", "<!--", "-->",
        ];
        Random random = new(20261126);
        for (int round = 0; round < 3_000; round++)
            RequireHarmless(string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => pieces[random.Next(pieces.Length)])));
    }

    [Fact]
    public void Image_OfAnotherHost_IsALinkAndNothingThatIsFetched()
    {
        string html = Readme.Render("![build](https://ci.example/badge.svg)").ToString();
        Assert.Equal(
            "<p><a href=\"https://ci.example/badge.svg\" rel=\"nofollow noopener noreferrer ugc\">image: build</a></p>", html.Trim());
    }

    [Fact]
    public void Badge_InALink_StaysTheLinksText()
    {
        string html = Readme.Render("[![build](https://ci.example/badge.svg)](https://ci.example/)").ToString();
        Assert.Equal("<p><a href=\"https://ci.example/\" rel=\"nofollow noopener noreferrer ugc\">image: build</a></p>", html.Trim());
    }

    [Fact]
    public void Heading_HasANameOfItsOwn_ThatLinksFind()
    {
        string html = Readme.Render("# Usage\n\n[there](#usage)\n\n## Usage\n").ToString();
        Assert.Contains("<h2 id=\"readme-usage\">", html, StringComparison.Ordinal);
        Assert.Contains("<h3 id=\"readme-usage-1\">", html, StringComparison.Ordinal);
        Assert.Contains("<a href=\"#readme-usage\">there</a>", html, StringComparison.Ordinal);
    }

    [Fact]
    public void Tables_TasksAndStrikethrough_AreRendered()
    {
        string html = Readme.Render("| a | b |\n|---|---|\n| 1 | 2 |\n\n- [x] done\n\n~~old~~\n").ToString();
        Assert.Contains("<td>1</td>", html, StringComparison.Ordinal);
        Assert.Contains("type=\"checkbox\"", html, StringComparison.Ordinal);
        Assert.Contains("<del>old</del>", html, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[a](\"")]
    [InlineData("[a](")]
    [InlineData("[a](b")]
    [InlineData("[*a](")]
    [InlineData("[a][")]
    [InlineData("[")]
    [InlineData("![")]
    [InlineData("*")]
    [InlineData("*a ")]
    [InlineData("a*")]
    [InlineData("**a *")]
    [InlineData("~~a~")]
    [InlineData("_a _*")]
    [InlineData("|*")]
    [InlineData("[a]: x\n")]
    [InlineData("> ")]
    [InlineData("1. ")]
    [InlineData("http://(")]
    public void Text_ThatCostsTooMuchToRead_IsShownAsItWasWritten(string piece)
    {
        string text = string.Concat(Enumerable.Repeat(piece, Readme.CharactersMax / piece.Length));
        Assert.True(ReadmeCost.Of(text) > ReadmeCost.StepsMax, $"{ReadmeCost.Of(text)} steps");
        Assert.StartsWith("<pre>", Readme.Render(text).ToString(), StringComparison.Ordinal);
        RequireHarmless(text);
        // Of a text within the budget the parser is asked, and its own limits of nesting must not fail the page.
        RequireHarmless(string.Concat(Enumerable.Repeat(piece, 1500 / piece.Length)));
    }

    [Fact]
    public void Cost_OfAnOrdinaryText_IsBelowTheBudget()
    {
        string section = "## Usage\n\nRun **it** as [said](https://a.example/b) in `docker run`, _or_ not: ~~never~~ (always).\n\n"
            + "| a | b |\n|---|---|\n" + string.Concat(Enumerable.Repeat("| `A_B_C` | see [c](https://a.example/c), *often* |\n", 60))
            + "\n" + string.Concat(Enumerable.Repeat("- [one](https://a.example/one): *this* and __that__\n", 60)) + "\n";
        string text = string.Concat(Enumerable.Repeat(section, Readme.CharactersMax / section.Length));
        Assert.InRange(ReadmeCost.Of(text), 1, ReadmeCost.StepsMax);
        Assert.Contains("<table>", Readme.Render(text).ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("*a\n\n*b", 7)]
    [InlineData("*a\r\n\r\n*b", 9)]
    [InlineData("*a\n \t\n*b", 9)]
    [InlineData("*a\n*b", 12)]
    [InlineData("*a\n- *b", 8)]
    [InlineData("*a\n    - *b", 24)]
    [InlineData("*a\n- \n*b", 18)]
    [InlineData("*a\r\r*b", 14)]
    [InlineData("1.) a.", 7)]
    public void Cost_IsMarksTimesLength_OfEachPiece(string text, long steps) => Assert.Equal(steps, ReadmeCost.Of(text));

    [Fact]
    public void Text_ThatBecomesTooLong_IsShownAsItWasWritten()
    {
        // One definition, and a thousand places that repeat its title.
        string text = $"[a]: https://a.example \"{new string('t', 2_000)}\"\n\n" + string.Concat(Enumerable.Repeat("[a]\n\n", 1_000));
        Assert.True(ReadmeCost.Of(text) < ReadmeCost.StepsMax);
        Assert.StartsWith("<pre>[a]: https", Readme.Render(text).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Rendered_IsKept_ByWhatItSays_WithinABound()
    {
        RenderedReadmes readmes = new();
        string first = readmes.Of("# one").ToString();
        Assert.Same(first, readmes.Of("# " + "one").ToString());
        Assert.NotEqual(first, readmes.Of("# two").ToString());
        Assert.Equal(2, readmes.Count);
        for (int i = 0; i < 300; i++)
            readmes.Of($"{i} {new string('x', 90_000)}");
        Assert.InRange(readmes.Count, 1, (int)(RenderedReadmes.CharactersMax / 90_000));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" \n ")]
    public void Nothing_IsNothing(string? text) => Assert.True(Readme.Render(text).IsEmpty);

    private static void RequireHarmless(string text)
    {
        string html = Readme.Render(text).ToString();
        using IDocument document = new HtmlParser().ParseDocument(html);
        foreach (IElement element in document.All)
        {
            Assert.True(s_elements.Contains(element.LocalName), $"<{element.LocalName}> from {text}: {html}");
            foreach (IAttr attribute in element.Attributes)
                RequireHarmless(element, attribute, text);
        }
    }

    private static void RequireHarmless(IElement element, IAttr attribute, string text)
    {
        Assert.True(s_attributes.Contains(attribute.Name), $"{attribute.Name} from {text}");
        if (attribute.Name == "href")
            Assert.Matches("^(https?://[^@\\s]+|mailto:[^\\s]+|#readme-.+)$", attribute.Value);
        if (attribute.Name == "id")
            Assert.StartsWith(HeadingNames.Prefix, attribute.Value, StringComparison.Ordinal);
        if (attribute.Name == "style")
            Assert.Matches("^text-align: (left|right|center);$", attribute.Value);
        if (element.LocalName == "input")
            Assert.True(element.HasAttribute("disabled"), text);
    }
}
