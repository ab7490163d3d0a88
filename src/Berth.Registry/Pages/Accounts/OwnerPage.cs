using Berth.Registry.Accounts;
using Berth.Registry.Browsing;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Pages.Html;
using Berth.Registry.Pages.Repositories;
using Berth.Registry.Pages.Start;

namespace Berth.Registry.Pages.Accounts;

/// <summary>The repositories of a user or an organisation.</summary>
internal static class OwnerPage
{
    /// <exception cref="FaultException">NotFound: there is no such account and no repository of this name that the reader may
    /// see.</exception>
    public static async Task<PageView> MakeAsync(PageContext page, string name)
    {
        string sort = page.Query("sort") is "popular" or "name" ? page.Query("sort") : "updated";
        PageMark? after = PageMark.Parse(page.Query("after"));
        Listing<RepositorySummary> found = await page.Services.Browsing.Search.FindAsync(
            page.Caller, new RepositoryQuery { Namespace = name, Order = SearchPage.OrderOf(sort), After = after }, page.Cancelled);
        (string Display, bool IsOrganisation)? account = await FindAsync(page, name);
        if (account is null && found.Items.Count == 0)
            throw FaultException.NotFound("There is no account of this name.");
        bool isVerified = account is not null && await page.Services.Browsing.Marks.IsVerifiedAsync(name, page.Cancelled);
        bool isOrganisation = account is { IsOrganisation: true };
        OrganisationRole? role = isOrganisation && page.Caller.AccountId is { } id
            ? await page.RequireAccounts().Organisations.RoleAsync(name, id, page.Cancelled) : null;
        bool mayManage = isOrganisation && (role == OrganisationRole.Owner || page.Caller.IsAdministrator);
        string Address(string? mark) => Links.With(Links.Owner(name), ("sort", sort), ("after", mark));
        string make = Links.With(Links.NewRepository, ("owner", name));
        Markup body = Markup.Of($"""
            {Head(name, "repositories", role is not null || mayManage, mayManage, account?.Display, isOrganisation, isVerified)}
            <form class="filters" action="{Links.Owner(name)}" aria-label="Order"><div><label for="sort">Order</label>
            <select id="sort" name="sort">
            {SearchPage.Option("updated", "Last pushed", sort)}{SearchPage.Option("popular", "Most pulled", sort)}
            {SearchPage.Option("name", "Name", sort)}</select></div><button class="button-quiet">Show</button>
            {Markup.When(page.Caller.Name == name || role is not null, $"<a class=\"button\" href=\"{make}\">New repository</a>")}</form>
            {(found.Items.Count == 0 ? Markup.Of($"<div class=\"card empty\"><p>No repositories that you may see.</p></div>")
                : RepositoryCards.List(found.Items, page.Now, isMain: true))}
            {Paging.Links(after is null ? null : Address(null), found.Next is null ? null : Address(found.Next))}
            """);
        return new PageView { Title = name, Body = body };
    }

    /// <summary>The head of the pages of an account; of an organisation with its tabs for those who belong to it.</summary>
    public static Markup Head(
        string name, string tab, bool isMember, bool mayManage, string? displayName = null, bool isOrganisation = true,
        bool isVerified = false) => Markup.Of($"""
        <div class="title">{PageFrame.Tile(name, "tile-large")}<div class="title-text"><h1>{name}</h1>
        <p>{Markup.When(isVerified, $"{Badges.Verified} ")}{(isOrganisation ? "Organisation" : "")}
        {(string.IsNullOrEmpty(displayName) ? "" : isOrganisation ? " · " + displayName : displayName)}</p></div></div>
        {(isMember ? Tabs(name, tab, mayManage) : Markup.Empty)}
        """);

    private static Markup Tabs(string name, string current, bool mayManage)
    {
        Markup Tab(string key, string label, string address) =>
            Markup.Of($"""<li><a href="{address}"{Markup.When(key == current, $" aria-current=\"page\"")}>{label}</a></li>""");
        return Markup.Of($"""
            <nav class="tabs" aria-label="Organisation">
            <ul>{Tab("repositories", "Repositories", Links.Owner(name))}{Tab("people", "People and teams", Links.Organisation(name))}
            {(mayManage ? Tab("robots", "Robots", Links.Robots(name)) : Markup.Empty)}
            {(mayManage ? Tab("webhooks", "Webhooks", Links.Webhooks(name)) : Markup.Empty)}</ul></nav>
            """);
    }

    private static async Task<(string Display, bool IsOrganisation)?> FindAsync(PageContext page, string name)
    {
        if (page.Accounts is not { } accounts)
            return null;
        if (await accounts.Organisations.FindAsync(name, page.Cancelled) is { } organisation)
            return (organisation.DisplayName, true);
        return await accounts.Users.FindAsync(name, page.Cancelled) is { } user ? (user.DisplayName, false) : null;
    }
}
