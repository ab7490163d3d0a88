using Berth.Registry.Browsing;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Pages.Html;
using Berth.Registry.Pages.Readmes;

namespace Berth.Registry.Pages.Repositories;

/// <summary>The first page of a repository: README beside the commands that pull it and the figures.</summary>
internal static class OverviewPage
{
    private const int TagsShown = 6;

    public static async Task<PageView> MakeAsync(RepositoryView view)
    {
        PageContext page = view.Page;
        HubBrowsing browsing = page.Services.Browsing;
        string readme = await browsing.Settings.ReadmeAsync(view.Id, page.Cancelled);
        Listing<TagRow> tags = await browsing.Tags.FindAsync(view.Id, "", byName: false, null, TagsShown, page.Cancelled);
        long count = await browsing.Tags.CountAsync(view.Id, page.Cancelled);
        TagRow? best = await browsing.Tags.TryGetAsync(view.Id, "latest", page.Cancelled) ?? (tags.Items is [var first, ..] ? first : null);
        IReadOnlyDictionary<string, ImageSummary> summaries = best is null ? new Dictionary<string, ImageSummary>()
            : await browsing.Images.SummariesAsync(view.Id, [best.Digest], page.Cancelled);
        Markup content = Markup.Of($"""
            {(best is null ? Markup.Empty : Pull(view, best, summaries.GetValueOrDefault(best.Digest)))}
            <div class="with-aside"><div class="stack">
            {(best is null ? FirstPush(view) : Markup.Empty)}
            {Text(view, readme)}
            </div><div class="stack">
            <section class="card" aria-labelledby="about"><h2 id="about">About</h2><dl class="facts">
            <dt>Pulls</dt><dd>{Figures.Counted(view.Summary.Pulls, "pull")}</dd>
            <dt>Last push</dt><dd>{Figures.Moment(view.Summary.PushedAt, page.Now)}</dd>
            <dt>Made</dt><dd>{Figures.Moment(view.Summary.CreatedAt, page.Now)}</dd>
            <dt>Stored</dt><dd>{Figures.Bytes(view.Summary.Bytes)}</dd>
            {(best is not null && summaries.TryGetValue(best.Digest, out ImageSummary? summary) ? Platforms(best, summary) : Markup.Empty)}
            </dl></section>
            {(best is null ? Markup.Empty : Tags(view, tags.Items, count))}
            </div></div>
            """);
        return await view.WithHeadAsync("overview", view.Name, content);
    }

    private static Markup Text(RepositoryView view, string readme)
    {
        Markup html = view.Page.Services.Readmes.Of(readme);
        if (!html.IsEmpty)
            return Markup.Of($"""<article class="card prose" aria-label="README">{html}</article>""");
        Markup invitation = view.MayAdminister
            ? Markup.Of($"""<a class="button-quiet" href="{Links.Settings(view.Name)}#readme">Write one</a>""") : Markup.Empty;
        return Markup.Of($"""
            <div class="card empty"><h2>No README yet</h2><p>It says what the image is for and how it is run.</p>{invitation}</div>
            """);
    }

    private static Markup Pull(RepositoryView view, TagRow tag, ImageSummary? image) => Markup.Of($"""
        <section aria-labelledby="pull"><h2 id="pull" class="visually-hidden">Pull</h2>
        <div class="pull">{(image?.Kind == ImageKind.Artifact ? Commands.Artifact(view.Page.RegistryHost, view.Name, tag.Name)
            : Commands.Pull(view.Page.RegistryHost, view.Name, tag.Name))}</div>
        {(view.Summary.IsPrivate ? SignInFirst(view) : Markup.Empty)}
        </section>
        """);

    private static Markup SignInFirst(RepositoryView view) => Markup.Of($"""
        <p class="hint">It is private: sign in first.</p>{Commands.Both($"login {view.Page.RegistryHost}")}
        """);

    private static Markup Platforms(TagRow tag, ImageSummary summary) => Markup.Of($"""
        <dt>Sizes of {tag.Name}</dt>
        <dd>{summary.Platforms.Where(platform => !platform.IsAttestation).Select(platform =>
            Markup.Of($"<div>{platform.Name} <span class=\"soft\">{Figures.Size(platform)}</span></div>"))}</dd>
        """);

    private static Markup Tags(RepositoryView view, IReadOnlyList<TagRow> tags, long count) => Markup.Of($"""
        <section class="card" aria-labelledby="tags"><div class="section-head"><h2 id="tags">Tags</h2>
        <a class="small" href="{Links.Tags(view.Name)}">All {Figures.Counted(count, "tag")}</a></div>
        <dl class="facts">{tags.Select(tag => Markup.Of($"""
            <dt><a href="{Links.Tag(view.Name, tag.Name)}" class="wrap">{tag.Name}</a></dt>
            <dd class="soft">{Figures.Moment(tag.UpdatedAt, view.Page.Now)}</dd>
            """))}</dl></section>
        """);

    private static Markup FirstPush(RepositoryView view)
    {
        string name = $"{view.Page.RegistryHost}/{view.Name}:latest";
        return view.MayPush
            ? Markup.Of($"""
                <div class="card empty">
                <h2>Nothing pushed yet</h2>
                {Commands.Both($"tag my-image {name}")}{Commands.Both($"push {name}")}</div>
                """)
            : Markup.Of($"""<div class="card empty"><h2>Nothing pushed yet</h2></div>""");
    }
}
