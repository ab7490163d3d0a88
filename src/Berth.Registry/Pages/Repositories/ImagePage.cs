using Berth.Registry.Browsing;
using Berth.Registry.Diary;
using Berth.Registry.Model;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Pages.Html;

namespace Berth.Registry.Pages.Repositories;

/// <summary>One image, by tag, by tag and date, or by digest: platforms, layers with the steps that made them, how it runs.</summary>
internal static class ImagePage
{
    private const int TextShownMax = 4_000;

    /// <summary>The page of a tag, or of what a tag named at a moment (<c>stable@2026-09-24</c>).</summary>
    /// <exception cref="FaultException">NotFound: no such tag, not then, or its image is gone.</exception>
    public static async Task<PageView> OfTagAsync(RepositoryView view, string text)
    {
        PageContext page = view.Page;
        HubBrowsing browsing = page.Services.Browsing;
        bool isDated = DiaryMoment.TrySplit(text, out string tag, out long at);
        if (!TagName.IsValid(tag) || (!isDated && text.Contains('@')))
            throw FaultException.NotFound($"There is no tag “{Clip(text)}” in {view.Name}. A moment is written as stable@2026-09-24.");
        if (isDated)
        {
            string digest = await browsing.Diary.DigestAtAsync(view.Id, tag, at, page.Cancelled)
                ?? throw FaultException.NotFound($"{tag} did not exist in {view.Name} on {Figures.Exact(at)}.");
            return await MakeAsync(view, digest, $"{tag} at {Figures.Exact(at)}", tag, null);
        }
        TagRow row = await browsing.Tags.TryGetAsync(view.Id, tag, page.Cancelled)
            ?? throw FaultException.NotFound($"There is no tag {tag} in {view.Name}. The tag diary says whether there was one.");
        return await MakeAsync(view, row.Digest, tag, tag, row);
    }

    /// <summary>The page of an image by its digest.</summary>
    /// <exception cref="FaultException">NotFound: the repository does not have it.</exception>
    public static Task<PageView> OfDigestAsync(RepositoryView view, string digest) =>
        MakeAsync(view, Oci.Digest.TryParse(digest, out _) ? digest : "", Clip(digest), null, null);

    private static async Task<PageView> MakeAsync(RepositoryView view, string digest, string title, string? tag, TagRow? row)
    {
        HubBrowsing browsing = view.Page.Services.Browsing;
        ImageDetail image = await browsing.Images.TryGetAsync(view.Id, digest, view.Page.Cancelled)
            ?? throw FaultException.NotFound($"The image {title} is not in {view.Name}; it may have been removed.");
        IReadOnlyList<string> tags = await browsing.Diary.TagsOfAsync(view.Id, digest, view.Page.Cancelled);
        string reference = row?.Name ?? digest;
        (PlatformSummary? shown, ImageDetail inner) = await InnerAsync(view, image);
        Markup content = Markup.Of($"""
            <div class="section-head">
            <h2 class="wrap">{title} {Markup.When(image.Summary.Kind == ImageKind.Artifact, $"<span class=\"badge\">artifact</span>")}</h2>
            {Markup.When(tag is not null, $"<a class=\"small\" href=\"{Links.Diary(view.Name, tag)}\">Diary of {tag}</a>")}</div>
            <div class="with-aside"><div class="stack">
            {Platforms(view, image.Summary, shown)}
            {Layers(inner)}
            {Runs(inner)}
            {Labels(inner)}
            </div><div class="stack">
            <section class="card" aria-labelledby="pull">
            <h2 id="pull">Pull</h2>{Pull(view, image, reference)}
            {Markup.When(reference != digest, $"<p class=\"hint\">To always get these very bytes:</p>{Pull(view, image, digest)}")}
            </section>
            {Facts(view, image, row)}
            {TagsHere(view, tags)}
            {(row is not null && tag is not null ? DateForm(view, tag) : Markup.Empty)}
            {Referrers(view, image)}
            {(row is not null && view.MayDelete ? await DeletionAsync(view, row.Name) : Markup.Empty)}
            </div></div>
            """);
        return await view.WithHeadAsync("tags", $"{view.Name}: {title}", content);
    }

    // Of an index, one platform's image is shown beneath: the one that was asked for, otherwise the first that is here.
    private static async Task<(PlatformSummary? Shown, ImageDetail Inner)> InnerAsync(RepositoryView view, ImageDetail image)
    {
        if (image.Summary.Kind != ImageKind.Index)
            return (null, image);
        string wanted = view.Page.Query("platform");
        List<PlatformSummary> here = [.. image.Summary.Platforms.Where(platform => platform.IsHere && !platform.IsAttestation)];
        PlatformSummary? shown = here.Find(platform => platform.Name == wanted) ?? (here.Count > 0 ? here[0] : null);
        ImageDetail? inner = shown is null ? null
            : await view.Page.Services.Browsing.Images.TryGetAsync(view.Id, shown.Digest, view.Page.Cancelled);
        return inner is null ? (null, image) : (shown, inner with { Annotations = image.Annotations });
    }

    private static Markup Platforms(RepositoryView view, ImageSummary image, PlatformSummary? shown)
    {
        if (image.Kind != ImageKind.Index)
            return Markup.Empty;
        string here = view.Page.Http.Request.Path;
        return Markup.Of($"""
            <section class="card card-flush" aria-labelledby="platforms"><h2 id="platforms" class="visually-hidden">Platforms</h2>
            <table class="table"><thead><tr><th scope="col">Platform</th><th scope="col" class="number">Size</th>
            <th scope="col">Digest</th><th scope="col">Layers</th></tr></thead><tbody>
            {image.Platforms.Select(platform => Markup.Of($"""
                <tr><td><b>{(platform.IsAttestation ? "attestation" : platform.Name)}</b></td>
                <td data-label="Size" class="number">{Figures.Size(platform)}</td>
                <td data-label="Digest">
                {Commands.Digest(platform.Digest, !platform.IsHere ? null : Links.Image(view.Name, platform.Digest))}</td>
                <td data-label="Layers">
                {(platform == shown ? Markup.Of($"<span class=\"badge badge-sea\">shown below</span>") : Show(here, platform))}</td></tr>
                """))}
            </tbody></table></section>
            """);
    }

    private static Markup Show(string here, PlatformSummary platform)
    {
        if (!platform.IsHere || platform.IsAttestation)
            return Markup.Empty;
        string address = Links.With(here, ("platform", platform.Name));
        return Markup.Of($"""<a href="{address}">show<span class="visually-hidden"> those of {platform.Name}</span></a>""");
    }

    private static Markup Layers(ImageDetail image)
    {
        if (image.Steps.Count == 0)
            return Markup.Empty;
        long most = Math.Max(1, image.Steps.Max(step => step.LayerBytes ?? 0));
        return Markup.Of($"""
            <section class="card card-flush" aria-labelledby="layers">
            <h2 id="layers" class="visually-hidden">Layers and the steps that made them</h2>
            <ol class="layers">{image.Steps.Select(step => Layer(step, most))}</ol></section>
            """);
    }

    private static Markup Layer(BuildStep step, long most)
    {
        string text = Clip(step.Arguments, TextShownMax);
        Markup command = step is { Instruction: "", Arguments: "" }
            ? Markup.Of($"""<span class="soft">The image does not say which step made this layer.</span>""")
            : Markup.Of($"""<span class="instruction">{step.Instruction}</span>{(step.Instruction.Length > 0 ? " " : "")}{text}""");
        if (step.LayerDigest is null)
            return Markup.Of($"""<li class="layer layer-empty"><pre>{command}</pre><span class="size">no layer</span></li>""");
        return Markup.Of($"""
            <li class="layer"><pre>{command}</pre>
            <span class="size">{(step.LayerBytes is { } bytes ? Figures.Bytes(bytes) : "not here")}</span>
            <progress class="bar" max="{most}" value="{step.LayerBytes ?? 0}" aria-hidden="true"></progress>
            <div class="layer-meta">{Commands.Digest(step.LayerDigest)}</div></li>
            """);
    }

    private static Markup Runs(ImageDetail image)
    {
        if (image.Config is not { } config)
            return Markup.Empty;
        Markup facts = Markup.Of($"""
            {Fact("Entrypoint", Words(config.Entrypoint))}{Fact("Command", Words(config.Cmd))}{Fact("User", config.User)}
            {Fact("Directory", config.WorkingDir)}
            {Fact("Ports", config.ExposedPorts is null ? null : string.Join(", ", config.ExposedPorts.Keys))}
            {Fact("Volumes", config.Volumes is null ? null : string.Join(", ", config.Volumes.Keys))}
            {Fact("Stop signal", config.StopSignal)}
            {Fact("Health check", Words(config.Healthcheck?.Test))}
            {(config.Env is { Count: > 0 }
                ? Markup.Of($"<dt>Environment</dt><dd>{config.Env.Select(line =>
                    Markup.Of($"<div><code>{Clip(line)}</code></div>"))}</dd>") : Markup.Empty)}
            """);
        return Markup.Of($"""
            <section class="card" aria-labelledby="runs"><h2 id="runs">How it runs</h2><dl class="facts">{facts}</dl></section>
            """);
    }

    private static Markup Labels(ImageDetail image)
    {
        List<KeyValuePair<string, string>> all = [.. image.Config?.Labels ?? new Dictionary<string, string>(), .. image.Annotations];
        if (all.Count == 0)
            return Markup.Empty;
        return Markup.Of($"""
            <section class="card card-flush" aria-labelledby="labels"><h2 id="labels" class="visually-hidden">Labels and annotations</h2>
            <table class="table"><thead><tr><th scope="col">Label</th><th scope="col">Value</th></tr></thead><tbody>
            {all.Select(pair => Markup.Of($"""
                <tr><td><code>{Clip(pair.Key)}</code></td><td data-label="Value"><span>{Clip(pair.Value, TextShownMax)}</span></td></tr>
                """))}
            </tbody></table></section>
            """);
    }

    private static Markup Facts(RepositoryView view, ImageDetail image, TagRow? row) => Markup.Of($"""
        <section class="card" aria-labelledby="facts"><h2 id="facts">About this image</h2><dl class="facts">
        <dt>Digest</dt><dd><code>{image.Summary.Digest}</code></dd>
        {(image.Summary is { Kind: ImageKind.Image, Platforms: [var platform, ..] } ? Fact("Platform", platform.Name) : Markup.Empty)}
        {(image.Summary is { Kind: not ImageKind.Index, Platforms: [var whole] } ? Fact("Size", Figures.Size(whole)) : Markup.Empty)}
        {(row is null ? Markup.Empty
            : Markup.Of($"<dt>Tag moved</dt><dd>{Figures.Moment(row.UpdatedAt, view.Page.Now)}{(row.UpdatedBy is null ? ""
                : " by " + row.UpdatedBy)}</dd>"))}
        <dt>Pushed</dt><dd>{Figures.Moment(image.PushedAt, view.Page.Now)}</dd>
        {(row?.PulledAt is { } pulled ? Markup.Of($"<dt>Last pulled</dt><dd>{Figures.Moment(pulled, view.Page.Now)}</dd>") : Markup.Empty)}
        {(image.CreatedAt is { } created
            ? Markup.Of($"<dt>Built</dt><dd>{Figures.Moment(created.ToUnixTimeMilliseconds(), view.Page.Now)}</dd>") : Markup.Empty)}
        {(image.ConfigDigest is null ? Markup.Empty : Markup.Of($"<dt>Image ID</dt><dd>{Commands.Digest(image.ConfigDigest)}</dd>"))}
        <dt>Type</dt><dd class="wrap">{image.Summary.MediaType}</dd>
        {(image.Subject is null ? Markup.Empty
            : Markup.Of($"<dt>Speaks about</dt><dd>{Commands.Digest(image.Subject, Links.Image(view.Name, image.Subject))}</dd>"))}
        </dl></section>
        """);

    private static Markup TagsHere(RepositoryView view, IReadOnlyList<string> tags) => Markup.Of($"""
        <section class="card" aria-labelledby="here"><h2 id="here">Tags that point here</h2>
        {(tags.Count == 0 ? Markup.Of($"<p class=\"soft\">None. It stays reachable by its digest.</p>")
            : Markup.Of($"<div class=\"badges\">{tags.Select(tag =>
                Markup.Of($"<a class=\"badge badge-sea\" href=\"{Links.Tag(view.Name, tag)}\">{tag}</a>"))}</div>"))}</section>
        """);

    private static Markup DateForm(RepositoryView view, string tag) => Markup.Of($"""
        <section class="card" aria-labelledby="dated"><h2 id="dated">As it was on a day</h2>
        <form class="inline-form" action="{Links.Diary(view.Name, tag)}"><div class="grow"><label for="on">Day</label>
        <input id="on" name="on" type="date" max="{view.Page.Now.ToString("yyyy-MM-dd")}" required></div>
        <button class="button-quiet">Look</button></form>
        <p class="hint">What {tag} named when that day ended (UTC).</p></section>
        """);

    private static Markup Referrers(RepositoryView view, ImageDetail image)
    {
        if (image.Referrers.Count == 0)
            return Markup.Empty;
        return Markup.Of($"""
            <section class="card" aria-labelledby="referrers"><h2 id="referrers">Attached to it</h2><dl class="facts">
            {image.Referrers.Select(referrer => Markup.Of($"""
                <dt>{Commands.Digest(referrer.Digest, Links.Image(view.Name, referrer.Digest))}</dt>
                <dd class="wrap">{referrer.ArtifactType}</dd>
                """))}</dl></section>
            """);
    }

    private static async Task<Markup> DeletionAsync(RepositoryView view, string tag)
    {
        FrozenTags frozen = await view.Page.Services.Database.ReadAsync(
            (transaction, token) => FrozenTags.ReadAsync(transaction, view.Id, token), view.Page.Cancelled);
        return frozen.RuleOf(tag) is not { } rule ? DeleteForm(view, tag) : Markup.Of($"""
            <section class="card" aria-labelledby="delete"><h2 id="delete">Immutable</h2>
            <p class="soft small">By the rule <code>{rule}</code> of this repository, {tag} is neither moved nor deleted.</p></section>
            """);
    }

    private static Markup DeleteForm(RepositoryView view, string tag) => Markup.Of($"""
        <section class="card danger-zone" aria-labelledby="delete"><h2 id="delete">Delete the tag</h2>
        <form method="post" action="{Links.Repository(view.Name)}/-/delete-tag">
        {view.Page.FormToken}<input type="hidden" name="tag" value="{tag}">
        <p class="soft small">The image stays, and the diary can put the tag back.</p>
        <button class="button-danger">Delete {tag}</button></form></section>
        """);

    private static Markup Pull(RepositoryView view, ImageDetail image, string reference) => image.Summary.Kind == ImageKind.Artifact
        ? Commands.Artifact(view.Page.RegistryHost, view.Name, reference)
        : Commands.Pull(view.Page.RegistryHost, view.Name, reference);

    private static Markup Fact(string label, string? value) =>
        string.IsNullOrEmpty(value) ? Markup.Empty : Markup.Of($"""<dt>{label}</dt><dd><code>{Clip(value, TextShownMax)}</code></dd>""");

    private static string? Words(IReadOnlyList<string>? words) =>
        words is null ? null : string.Join(' ', words.Select(word => word.Any(char.IsWhiteSpace) || word.Length == 0 ? $"\"{word}\""
            : word));

    private static string Clip(string text, int charactersMax = 200) => text.Length > charactersMax ? text[..charactersMax] + "…" : text;
}
