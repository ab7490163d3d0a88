using System.Globalization;
using Berth.Registry.Browsing;
using Berth.Registry.Diary;
using Berth.Registry.Model;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Pages.Html;
using Berth.Registry.Retention;

namespace Berth.Registry.Pages.Repositories;

/// <summary>The diary of a repository's tags or of one tag: every move, and the way back.</summary>
internal static class DiaryPage
{
    private const int PerPage = 50;

    /// <exception cref="FaultException">NotFound: the tag is not a tag's name.</exception>
    public static async Task<PageView> MakeAsync(RepositoryView view, string? tag)
    {
        PageContext page = view.Page;
        if (tag is not null && !TagName.IsValid(tag))
            throw FaultException.NotFound($"There is no tag of this name in {view.Name}.");
        TagDiary diary = page.Services.Browsing.Diary;
        long? before = long.TryParse(page.Query("before"), NumberStyles.None, CultureInfo.InvariantCulture, out long id) ? id : null;
        List<TagMove> moves = await diary.ListAsync(view.Id, tag, before, PerPage + 1, page.Cancelled);
        string? next = null;
        if (moves.Count > PerPage)
        {
            moves.RemoveAt(PerPage);
            next = Links.With(Links.Diary(view.Name, tag), ("before", moves[^1].Id.ToString(CultureInfo.InvariantCulture)));
        }
        Markup content = Markup.Of($"""
            <div class="with-aside"><section aria-labelledby="diary">
            <h2 id="diary">{(tag is null ? "Every move of every tag" : $"Every move of {tag}")}</h2>
            {Markup.When(tag is not null, $"<p><a href=\"{Links.Diary(view.Name)}\">All tags</a></p>")}
            {(moves.Count == 0 ? Nothing(tag) : Days(view, moves, before is null))}
            {Paging.Links(before is null ? null : Links.Diary(view.Name, tag), next)}</section>
            <div class="stack">{await OnDayAsync(view, tag)}
            <section class="card" aria-labelledby="what"><h2 id="what">What this is</h2>
            <p class="small">A tag is a name that can be moved. The diary keeps every move: who, when, from which image to which. So a
            tag can be pulled as it was on a day, and put back.</p></section></div></div>
            """);
        return await view.WithHeadAsync("diary", $"Tag diary of {view.Name}", content);
    }

    private static Markup Days(RepositoryView view, IReadOnlyList<TagMove> moves, bool isFirstPage)
    {
        HashSet<long> latest = isFirstPage ? [.. moves.GroupBy(move => move.Tag).Select(tag => tag.First().Id)] : [];
        return Markup.Join(moves.GroupBy(move => DateTimeOffset.FromUnixTimeMilliseconds(move.MovedAt).Date).Select(day => Markup.Of($"""
            <h3 class="diary-day">{day.Key.ToString("dddd, d MMMM yyyy", CultureInfo.InvariantCulture)}</h3>
            <ol class="diary">{day.Select(move => Entry(view, move, latest.Contains(move.Id)))}</ol>
            """)));
    }

    private static Markup Entry(RepositoryView view, TagMove move, bool isLatest)
    {
        string style = move.To is null ? "gone" : move.Reason == TagMoveReason.Undo ? "undone" : "";
        Markup tag = Markup.Of($"""<a href="{Links.Diary(view.Name, move.Tag)}"><b>{move.Tag}</b></a>""");
        // Lines of older hubs have nobody where the rules ran by themselves.
        string by = move is { Reason: TagMoveReason.Retention, MovedBy: null or RetentionJob.Name } ? "The retention rules"
            : move.Reason == TagMoveReason.Retention ? $"By the retention rules, {move.MovedBy}" : move.MovedBy ?? "Somebody";
        Markup sentence = (move.From, move.To) switch
        {
            (null, not null) => Markup.Of($"{by} {(move.Reason == TagMoveReason.Undo ? "put back" : "made")} {tag}"),
            (_, null) => Markup.Of($"{by} removed {tag}"),
            _ when move.Reason == TagMoveReason.Undo => Markup.Of($"{by} put {tag} back"),
            _ => Markup.Of($"{by} moved {tag}"),
        };
        // The latest move is taken back; to an older one the tag is put back.
        Markup undo = !view.MayPush ? Markup.Empty
            : isLatest ? (move.From is null || move.IsFromKept ? UndoForm(view, move) : Markup.Empty)
            : move is { To: { } to, IsToKept: true } ? PutBackForm(view, move.Tag, to) : Markup.Empty;
        return Markup.Of($"""
            <li class="{style}"><p>{sentence} <span class="soft small nowrap">{Figures.Moment(move.MovedAt, view.Page.Now)}</span></p>
            <div class="move">{Image(view, move.From, move.IsFromKept)}<span aria-hidden="true">→</span>
            <span class="visually-hidden">to</span>{Image(view, move.To, move.IsToKept)}{undo}</div></li>
            """);
    }

    private static Markup Image(RepositoryView view, string? digest, bool isKept) => digest is null
        ? Markup.Of($"""<span class="soft small">nothing</span>""")
        : isKept ? Commands.Digest(digest, Links.Image(view.Name, digest))
        : Markup.Of($"""{Commands.Digest(digest)} <span class="badge badge-bad">removed</span>""");

    private static Markup UndoForm(RepositoryView view, TagMove move) => Markup.Of($"""
        <form method="post" action="{Links.Repository(view.Name)}/-/undo">
        {view.Page.FormToken}<input type="hidden" name="tag" value="{move.Tag}"><input type="hidden" name="move" value="{move.Id}">
        <button class="button-quiet button-small">Undo<span class="visually-hidden"> this move of {move.Tag}</span></button></form>
        """);

    private static Markup PutBackForm(RepositoryView view, string tag, string digest) => Markup.Of($"""
        <form method="post" action="{Links.Repository(view.Name)}/-/put-back">
        {view.Page.FormToken}<input type="hidden" name="tag" value="{tag}"><input type="hidden" name="digest" value="{digest}">
        <button class="button-quiet button-small">Put back<span class="visually-hidden"> {tag} to this image</span></button></form>
        """);

    private static async Task<Markup> OnDayAsync(RepositoryView view, string? tag)
    {
        if (tag is null)
            return Markup.Empty;
        string on = view.Page.Query("on");
        Markup answer = Markup.Empty;
        if (on.Length > 0)
            answer = DiaryMoment.TryParse(on, out long at) ? await AnswerAsync(view, tag, on, at)
                : Markup.Of($"""<p class="notice notice-bad">Write the day as 2026-09-24, if need be with a time: 2026-09-24T14:05.</p>""");
        return Markup.Of($"""
            <section class="card" aria-labelledby="on-day"><h2 id="on-day">As it was on a day</h2>
            <form class="inline-form" action="{Links.Diary(view.Name, tag)}"><div class="grow"><label for="on">Day (UTC)</label>
            <input id="on" name="on" type="date" value="{(on.Length >= 10 ? on[..10] : "")}"
            max="{view.Page.Now.ToString("yyyy-MM-dd")}" required></div><button class="button-quiet">Look</button></form>
            {answer}</section>
            """);
    }

    private static async Task<Markup> AnswerAsync(RepositoryView view, string tag, string on, long at)
    {
        HubBrowsing browsing = view.Page.Services.Browsing;
        string? digest = await browsing.Diary.DigestAtAsync(view.Id, tag, at, view.Page.Cancelled);
        if (digest is null)
            return Markup.Of($"""<p class="notice">{tag} did not exist when that day ended.</p>""");
        bool isKept = await browsing.Images.TryGetAsync(view.Id, digest, view.Page.Cancelled) is not null;
        if (!isKept)
            return Markup.Of($"""<p class="notice notice-bad">It named {Commands.Digest(digest)}, which has been removed since.</p>""");
        return Markup.Of($"""
            <div class="notice"><p>It named {Commands.Digest(digest, Links.Tag(view.Name, $"{tag}@{on}"))}.</p>
            </div>{Commands.Pull(view.Page.RegistryHost, view.Name, digest)}
            """);
    }

    private static Markup Nothing(string? tag) => Markup.Of($"""
        <div class="card empty"><p>{(tag is null ? "No tag has been pushed yet." : $"There has never been a tag {tag}.")}</p></div>
        """);
}
