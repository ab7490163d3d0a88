namespace Berth.Registry.Pages.Html;

/// <summary>The links beneath a list: to its beginning and to what follows.</summary>
internal static class Paging
{
    /// <summary>Links for those of both that are not null; nothing for a list of one page.</summary>
    public static Markup Links(string? first, string? next) => first is null && next is null ? Markup.Empty : Markup.Of($"""
        <nav class="pages" aria-label="Pages"><span>{Link(first, "First page")}</span><span>{Link(next, "Next page")}</span></nav>
        """);

    private static Markup Link(string? address, string label) =>
        address is null ? Markup.Empty : Markup.Of($"""<a class="button-quiet" href="{address}">{label}</a>""");
}
