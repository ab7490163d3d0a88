using Berth.Registry.Pages.Html;
using Markdig;
using Markdig.Renderers;
using Markdig.Renderers.Html;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace Berth.Registry.Pages.Readmes;

/// <summary>Makes safe HTML of a README: CommonMark with tables, task lists and strike-through, and nothing that runs or is
/// fetched.</summary>
/// <remarks>
/// HTML in the text is shown as text. Links go to <c>http</c>, <c>https</c>, <c>mailto</c> and headings of the README. An image
/// would tell
/// its host who reads the page, so it becomes a link to it. The parsed document is changed before it is written, so the writer only ever
/// sees what is allowed. A text that would cost too much to read, or become too long, is shown as it was written.
/// </remarks>
public static class Readme
{
    /// <summary>The longest README that is kept, in characters.</summary>
    public const int CharactersMax = Browsing.RepositoryLimits.ReadmeMax;

    /// <summary>The longest HTML that is made of one: a definition of a link is written wherever it is referred to.</summary>
    internal const int HtmlCharactersMax = 10 * CharactersMax;

    private const int HeadingLevelMax = 6;

    private static readonly MarkdownPipeline s_pipeline = new MarkdownPipelineBuilder()
        .UsePipeTables().UseAutoLinks().UseTaskLists()
        .UseEmphasisExtras(Markdig.Extensions.EmphasisExtras.EmphasisExtraOptions.Strikethrough)
        .DisableHtml().Build();

    /// <summary>The README as HTML for the inside of an <c>article</c>; its headings begin at the second level.</summary>
    public static Markup Render(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
            return Markup.Empty;
        string bounded = text.Length > CharactersMax ? text[..CharactersMax] : text;
        return ReadmeCost.Of(bounded) <= ReadmeCost.StepsMax && TryRender(bounded) is { } html
            ? Markup.Trusted(html)
            : Markup.Of($"<pre>{bounded}</pre>");
    }

    // Null: it goes beyond the parser's or the writer's own limit of nesting, or the HTML would be too long.
    private static string? TryRender(string text)
    {
        try
        {
            MarkdownDocument document = Markdig.Markdown.Parse(text, s_pipeline);
            Restrict(document);
            using BoundedWriter html = new(HtmlCharactersMax);
            HtmlRenderer renderer = new(html);
            s_pipeline.Setup(renderer);
            renderer.Render(document);
            return html.ToString();
        }
        catch (Exception exception) when (exception is ArgumentException or BoundedWriter.FullException)
        {
            return null;
        }
    }

    private static void Restrict(MarkdownDocument document)
    {
        HeadingNames names = new();
        // A list first: replacing a part while walking would skip its neighbours.
        foreach (MarkdownObject part in document.Descendants().ToList())
        {
            switch (part)
            {
                case HeadingBlock heading:
                    heading.Level = Math.Min(heading.Level + 1, HeadingLevelMax);
                    heading.GetAttributes().Id = names.Next(TextOf(heading.Inline));
                    break;
                case LinkInline link:
                    RestrictLink(link);
                    break;
                case AutolinkInline link:
                    RestrictAutolink(link);
                    break;
                case HtmlInline or HtmlBlock:
                    throw new System.Diagnostics.UnreachableException("HTML is disabled in the pipeline");
                default:
                    break;
            }
        }
    }

    private static void RestrictLink(LinkInline link)
    {
        string? address = AddressRules.Allow(link.GetDynamicUrl?.Invoke() ?? link.Url);
        link.GetDynamicUrl = null;
        if (link.IsImage)
        {
            string label = TextOf(link);
            link.Clear();
            link.AppendChild(new LiteralInline(label.Length == 0 ? "image" : $"image: {label}"));
            link.IsImage = false;
            // A badge inside a link stays the outer link's text: links do not nest.
            if (IsInLink(link))
                address = null;
        }
        if (address is null)
        {
            ReplaceByContent(link);
            return;
        }
        link.Url = address;
        Mark(link, address);
    }

    private static void RestrictAutolink(AutolinkInline link)
    {
        string? address = AddressRules.Allow(link.IsEmail ? "mailto:" + link.Url : link.Url);
        if (address is null)
            link.ReplaceBy(new LiteralInline(link.Url));
        else
            Mark(link, address);
    }

    private static bool IsInLink(Inline inline)
    {
        for (ContainerInline? around = inline.Parent; around is not null; around = around.Parent)
        {
            if (around is LinkInline)
                return true;
        }
        return false;
    }

    private static void Mark(Inline link, string address)
    {
        if (address[0] != '#')
            link.GetAttributes().AddPropertyIfNotExist("rel", "nofollow noopener noreferrer ugc");
    }

    private static void ReplaceByContent(LinkInline link)
    {
        ContainerInline content = new();
        while (link.FirstChild is { } child)
        {
            child.Remove();
            content.AppendChild(child);
        }
        link.ReplaceBy(content, copyChildren: false);
    }

    private static string TextOf(ContainerInline? container)
    {
        if (container is null)
            return "";
        System.Text.StringBuilder text = new();
        foreach (Inline part in container.Descendants<Inline>())
        {
            if (part is LiteralInline literal)
                text.Append(literal.Content.AsSpan());
            else if (part is CodeInline code)
                text.Append(code.Content);
        }
        return text.ToString();
    }
}
