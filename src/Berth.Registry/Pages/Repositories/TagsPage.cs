using Berth.Registry.Browsing;
using Berth.Registry.Database;
using Berth.Registry.Diary;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Pages.Html;
using Berth.Registry.Pages.Start;

namespace Berth.Registry.Pages.Repositories;

/// <summary>The tags of a repository with what each of them names.</summary>
internal static class TagsPage
{
    private const int PerPage = 50;

    public static async Task<PageView> MakeAsync(RepositoryView view)
    {
        PageContext page = view.Page;
        string filter = page.Query("filter").Trim();
        bool byName = page.Query("sort") == "name";
        PageMark? after = PageMark.Parse(page.Query("after"));
        HubBrowsing browsing = page.Services.Browsing;
        Listing<TagRow> tags = await browsing.Tags.FindAsync(view.Id, filter, byName, after, PerPage, page.Cancelled);
        IReadOnlyDictionary<string, ImageSummary> images =
            await browsing.Images.SummariesAsync(view.Id, [.. tags.Items.Select(tag => tag.Digest)], page.Cancelled);
        FrozenTags frozen = await page.Services.Database.ReadAsync(
            (transaction, token) => FrozenTags.ReadAsync(transaction, view.Id, token), page.Cancelled);
        string Address(string? mark) => Links.With(
            Links.Tags(view.Name), ("filter", filter), ("sort", byName ? "name" : null), ("after", mark));
        Markup content = Markup.Of($"""
            <form class="filters" aria-label="Filters"><div class="grow"><label for="filter">Tags with</label>
            <input id="filter" type="search" name="filter" value="{filter}" maxlength="128"
            {Markup.When(tags.Next is null && after is null, $"data-filters=\"tag-list\"")}></div>
            <div><label for="sort">Order</label>
            <select id="sort" name="sort">
            {SearchPage.Option("pushed", "Last pushed", byName ? "name" : "pushed")}
            {SearchPage.Option("name", "Name", byName ? "name" : "pushed")}</select></div>
            <div><button class="button">Show</button></div></form>
            {(tags.Items.Count == 0 ? Nothing(filter) : Table(view, tags.Items, images, frozen))}
            {Paging.Links(after is null ? null : Address(null), tags.Next is null ? null : Address(tags.Next))}
            """);
        return await view.WithHeadAsync("tags", $"Tags of {view.Name}", content);
    }

    private static Markup Table(
        RepositoryView view, IReadOnlyList<TagRow> tags, IReadOnlyDictionary<string, ImageSummary> images,
            FrozenTags frozen) => Markup.Of($"""
        <div class="card card-flush"><table class="table" id="tag-list"><caption class="visually-hidden">Tags of {view.Name}</caption>
        <thead><tr><th scope="col">Tag</th><th scope="col">Platforms</th><th scope="col" class="number">Size</th>
        <th scope="col">Digest</th><th scope="col">Pushed</th><th scope="col">Last pulled</th></tr></thead>
        <tbody>{tags.Select(tag => Row(view, tag, images.GetValueOrDefault(tag.Digest), frozen.RuleOf(tag.Name)))}</tbody></table></div>
        """);

    private static Markup Row(RepositoryView view, TagRow tag, ImageSummary? image, string? rule) => Markup.Of($"""
        <tr data-name="{tag.Name}"><td><span>
        <a class="tag-name" href="{Links.Tag(view.Name, tag.Name)}">{tag.Name}</a>
        {Markup.When(rule is not null, $" <span class=\"badge badge-sea\" title=\"By the rule {rule}\">immutable</span>")}</span></td>
        <td data-label="Platforms">{Platforms(image)}</td>
        <td data-label="Size" class="number">{Size(image)}</td>
        <td data-label="Digest">{Commands.Digest(tag.Digest, Links.Image(view.Name, tag.Digest))}</td>
        <td data-label="Pushed">
        <span>{Figures.Moment(tag.UpdatedAt, view.Page.Now)}
        {Markup.When(tag.UpdatedBy is not null, $" <span class=\"soft\">by {tag.UpdatedBy}</span>")}</span></td>
        <td data-label="Last pulled">{(tag.PulledAt is { } pulled ? Figures.Moment(pulled, view.Page.Now)
            : Markup.Of($"<span class=\"soft\">never</span>"))}</td></tr>
        """);

    private static Markup Platforms(ImageSummary? image)
    {
        if (image is null)
            return Markup.Empty;
        if (image.Kind == ImageKind.Artifact)
            return Markup.Of($"""<span class="badge">{image.MediaType}</span>""");
        return Markup.Of($"""
            <span class="badges">
            {image.Platforms.Where(platform => !platform.IsAttestation).Select(platform =>
                Markup.Of($"<span class=\"badge\">{platform.Name}</span>"))}</span>
            """);
    }

    private static Markup Size(ImageSummary? image) => image switch
    {
        null => Markup.Empty,
        { Platforms.Count: > 1 } => Sizes([.. image.Platforms.Where(platform => platform.IsHere && !platform.IsAttestation)
            .Select(platform => platform.Bytes)]),
        { Platforms: [var platform] } => Markup.Text(Figures.Size(platform)),
        _ => Markup.Empty,
    };

    // Nobody pulls all platforms of an image: from the smallest to the largest says more than the sum.
    private static Markup Sizes(IReadOnlyList<long> bytes) => bytes.Count == 0 ? Markup.Empty
        : Figures.Bytes(bytes.Min()) is var least && Figures.Bytes(bytes.Max()) is var most && least == most ? Markup.Text(least)
        : Markup.Text($"{least} – {most}");

    private static Markup Nothing(string filter) => Markup.Of($"""
        <div class="card empty"><h2>{(filter.Length == 0 ? "No tags yet" : "No such tag")}</h2>
        <p>{(filter.Length == 0 ? "They appear with the first push." : "No tag has these characters in its name.")}</p></div>
        """);
}
