using Berth.Registry.Browsing;
using Berth.Registry.Model;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Pages.Html;

namespace Berth.Registry.Pages.Repositories;

/// <summary>One repository for one reader: what it is, what the reader may do, and the head that its pages share.</summary>
internal sealed record RepositoryView(PageContext Page, RepositorySummary Summary, RepositoryAccess Access)
{
    public string Name => Summary.Name;

    public long Id => Summary.Id;

    public bool MayPush => Access.HasFlag(RepositoryAccess.Push);

    public bool MayDelete => Access.HasFlag(RepositoryAccess.Delete);

    public bool MayAdminister => Access.HasFlag(RepositoryAccess.Administer);

    /// <summary>A page with crumbs, title, description and tabs above its content.</summary>
    /// <param name="tab">Which tab is current.</param>
    /// <param name="title">The page's title.</param>
    /// <param name="content">The content.</param>
    public async Task<PageView> WithHeadAsync(string tab, string title, Markup content)
    {
        Markup star = await StarAsync();
        return new PageView { Title = title, Body = Markup.Of($"""{Head(star)}{Tabs(tab)}{content}""") };
    }

    /// <exception cref="FaultException">Forbidden: the reader may only look.</exception>
    public void Require(RepositoryAccess wanted, string what)
    {
        if (!Access.HasFlag(wanted))
            throw new FaultException(FaultKind.Forbidden, $"{what}: you may look at {Name}, but not change this");
    }

    private Markup Head(Markup star)
    {
        int slash = Name.IndexOf('/');
        Markup owner = slash < 0 ? Markup.Empty : Markup.Of($"""<li><a href="{Links.Owner(Name[..slash])}">{Name[..slash]}</a></li>""");
        return Markup.Of($"""
            <nav class="crumbs" aria-label="Breadcrumbs"><ol><li><a href="{Links.Search}">Repositories</a>
            </li>{owner}<li aria-current="page">{(slash < 0 ? Name : Name[(slash + 1)..])}</li></ol></nav>
            <div class="title">{PageFrame.Tile(Name, "tile-large")}
            <div class="title-text"><h1>{RepositoryCards.Name(Name)}</h1>
            <p>{Badges.Of(Summary)}
            {(Summary.Description.Length > 0 ? Summary.Description : "No description yet.")}</p></div>
            {star}</div>
            """);
    }

    private async Task<Markup> StarAsync()
    {
        string count = Figures.Count(Summary.Stars);
        if (Page.Caller.AccountId is not { } account)
            return Markup.Of($"""
                <p class="badge"><span aria-hidden="true">★</span> {count} {(Summary.Stars == 1 ? "star" : "stars")}</p>
                """);
        bool starred = await Page.Services.Browsing.Stars.IsStarredAsync(account, Id, Page.Cancelled);
        return Markup.Of($"""
            <form method="post" action="{Links.Repository(Name)}/-/star">
            {Page.FormToken}<input type="hidden" name="starred" value="{(starred ? "no" : "yes")}">
            <button class="button-quiet" aria-pressed="{(starred ? "true" : "false")}">
            <span aria-hidden="true">{(starred ? "★" : "☆")}</span> {(starred ? "Starred" : "Star")} · {count}</button></form>
            """);
    }

    private Markup Tabs(string current) => Markup.Of($"""
        <nav class="tabs" aria-label="Repository"><ul>
        {Tab("overview", "Overview", Links.Repository(Name), current)}{Tab("tags", "Tags", Links.Tags(Name), current)}
        {Tab("diary", "Tag diary", Links.Diary(Name), current)}
        {(MayAdminister ? Tab("settings", "Settings", Links.Settings(Name), current) : Markup.Empty)}
        </ul></nav>
        """);

    private static Markup Tab(string key, string label, string address, string current) =>
        Markup.Of($"""<li><a href="{address}"{Markup.When(key == current, $" aria-current=\"page\"")}>{label}</a></li>""");
}
