using Berth.Registry.Browsing;
using Berth.Registry.Model;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Pages.Html;
using Berth.Registry.Pages.Repositories;

namespace Berth.Registry.Pages.Start;

/// <summary>The first page: for visitors what there is, for those who signed in their own repositories.</summary>
internal static class StartPage
{
    private const int PopularShown = 6;
    private const int OwnShown = 12;

    public static async Task<PageView> MakeAsync(PageContext page)
    {
        RepositorySearch search = page.Services.Browsing.Search;
        Listing<RepositorySummary> popular = await search.FindAsync(
            Caller.Anonymous, new RepositoryQuery { Limit = PopularShown }, page.Cancelled);
        Listing<RepositorySummary> updated = await search.FindAsync(
            Caller.Anonymous, new RepositoryQuery { Order = RepositoryOrder.Updated, Limit = PopularShown }, page.Cancelled);
        Markup lists = popular.Items.Count == 0 ? Markup.Empty : Markup.Of($"""
            <div class="columns">
            {Section(page, "Popular", Links.With(Links.Search, ("sort", "popular")), popular.Items)}
            {Section(page, "Recently updated", Links.With(Links.Search, ("sort", "updated")), updated.Items)}
            </div>
            """);
        if (page.Caller.Name is { } name)
            return new PageView { Title = "Start", Body = Markup.Of($"{await OwnAsync(page, name)}{lists}") };
        Markup body = Markup.Of($"""
            <section class="hero">
            <h1>Where your images berth</h1>
            <p>Browse images, look up a tag, see who moved it and when, and pull what it named on any day. Public images need no
            account.</p>
            <form class="hero-search" role="search" action="{Links.Search}">
            <label class="visually-hidden" for="q">Search repositories</label>
            <input id="q" name="q" type="search" placeholder="Search by name or description" maxlength="200" autocomplete="off"
            spellcheck="false">
            <button class="button">Search</button></form>
            </section>
            {(popular.Items.Count == 0 ? FirstPush(page, "demo") : lists)}
            """);
        return new PageView { Title = "Start", Body = body, HidesSearch = true };
    }

    private static async Task<Markup> OwnAsync(PageContext page, string name)
    {
        Listing<RepositorySummary> own = await page.Services.Browsing.Search.FindAsync(
            page.Caller, new RepositoryQuery { Namespace = name, Order = RepositoryOrder.Updated, Limit = OwnShown }, page.Cancelled);
        if (own.Items.Count == 0)
            return Markup.Of($"""<h1>Welcome, {name}</h1>{FirstPush(page, name)}""");
        return Markup.Of($"""
            <div class="section-head"><h1>Your repositories</h1>
            <a class="button-quiet button-small" href="{Links.NewRepository}">New repository</a></div>
            {RepositoryCards.List(own.Items, page.Now, isMain: true)}
            {Markup.When(own.Next is not null, $"<p><a href=\"{Links.Owner(name)}\">All your repositories</a></p>")}<hr>
            """);
    }

    private static Markup Section(PageContext page, string title, string more,
        IReadOnlyList<RepositorySummary> repositories) => Markup.Of($"""
        <section><div class="section-head"><h2>{title}</h2>
        <a class="small" href="{more}">More<span class="visually-hidden"> {title.ToLowerInvariant()}</span></a></div>
        {RepositoryCards.List(repositories, page.Now)}</section>
        """);

    private static Markup FirstPush(PageContext page, string name) => Markup.Of($"""
        <div class="card empty"><h2>Push your first image</h2><p>A repository is made by the first push into it.</p>
        {Commands.Box($"docker login {page.RegistryHost}")}
        {Commands.Box($"docker tag my-image {page.RegistryHost}/{name}/my-image:latest")}
        {Commands.Box($"docker push {page.RegistryHost}/{name}/my-image:latest")}
        <p class="small">The same commands work with <code>berth</code> in the place of <code>docker</code>.</p></div>
        """);
}
