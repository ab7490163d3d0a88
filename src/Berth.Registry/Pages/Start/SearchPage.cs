using Berth.Registry.Browsing;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Pages.Html;
using Berth.Registry.Pages.Repositories;

namespace Berth.Registry.Pages.Start;

/// <summary>Search with filters, page by page.</summary>
internal static class SearchPage
{
    /// <summary>The words for orders.</summary>
    public static string[] Orders { get; } = ["best", "popular", "starred", "updated", "name"];

    /// <summary>The words for marks.</summary>
    public static string[] Marks { get; } = ["official", "verified"];

    public static async Task<PageView> MakeAsync(PageContext page)
    {
        string text = page.Query("q");
        string sort = Orders.Contains(page.Query("sort")) ? page.Query("sort") : "best";
        string marks = Marks.Contains(page.Query("is")) ? page.Query("is") : "";
        string owner = page.Query("owner").Trim().ToLowerInvariant();
        string visibility = page.Query("visibility") is "private" or "public" ? page.Query("visibility") : "";
        RepositoryQuery query = new()
        {
            Text = text,
            Namespace = owner.Length == 0 ? null : owner,
            Marks = MarksOf(marks),
            Order = OrderOf(sort),
            IsPrivate = visibility.Length == 0 ? null : visibility == "private",
            After = PageMark.Parse(page.Query("after")),
        };
        Listing<RepositorySummary> found = await page.Services.Browsing.Search.FindAsync(page.Caller, query, page.Cancelled);
        string Address(string? after) => Links.With(
            Links.Search, ("q", text), ("owner", owner), ("visibility", visibility), ("is", marks), ("sort", sort), ("after", after));
        Markup body = Markup.Of($"""
            <h1>{(text.Length == 0 ? "Repositories" : "Search")}</h1>
            <form class="filters" action="{Links.Search}" aria-label="Filters">
            <div class="grow"><label for="f-q">Words</label><input id="f-q" type="search" name="q" value="{text}" maxlength="200"></div>
            <div><label for="f-owner">Owner</label>
            <input id="f-owner" name="owner" value="{owner}" maxlength="80" size="14" autocapitalize="none"></div>
            {(page.Caller.Name is null ? Markup.Empty : VisibilityField(visibility))}
            <div><label for="f-is">Shown</label><select id="f-is" name="is">
            {Option("", "All", marks)}{Option("official", "Official", marks)}
            {Option("verified", "Verified publishers", marks)}</select></div>
            <div><label for="f-sort">Order</label>
            <select id="f-sort" name="sort">
            {Option("best", "Best match", sort)}{Option("popular", "Most pulled", sort)}{Option("starred", "Most starred", sort)}
            {Option("updated", "Last pushed", sort)}{Option("name", "Name", sort)}</select></div>
            <div><button class="button">Show</button></div>
            </form>
            {(found.Items.Count == 0 ? Nothing(text.Length > 0 || marks.Length > 0 || owner.Length > 0)
                : RepositoryCards.List(found.Items, page.Now, isMain: true))}
            {Paging.Links(query.After is null ? null : Address(null), found.Next is null ? null : Address(found.Next))}
            """);
        return new PageView { Title = text.Length == 0 ? "Repositories" : $"Search: {text}", Body = body, Search = text };
    }

    public static RepositoryOrder OrderOf(string sort) => sort switch
    {
        "updated" => RepositoryOrder.Updated,
        "name" => RepositoryOrder.Name,
        "starred" => RepositoryOrder.Starred,
        "popular" => RepositoryOrder.Popular,
        _ => RepositoryOrder.Best,
    };

    public static RepositoryMarks MarksOf(string text) => text.Length == 0 ? RepositoryMarks.None : MarkService.Parse(text);

    public static Markup Option(string value, string label, string chosen) =>
        Markup.Of($"""<option value="{value}"{Markup.When(value == chosen, $" selected")}>{label}</option>""");

    private static Markup VisibilityField(string chosen) => Markup.Of($"""
        <div><label for="f-visibility">Visibility</label><select id="f-visibility" name="visibility">
        {Option("", "All", chosen)}{Option("public", "Public", chosen)}{Option("private", "Private", chosen)}</select></div>
        """);

    private static Markup Nothing(bool isFiltered) => Markup.Of($"""
        <div class="card empty"><h2>Nothing found</h2>
        <p>{(isFiltered ? "No repository that you may see has these words in its name or description and fits these filters."
            : "There is no repository here that you may see.")}</p></div>
        """);
}
