using System.Globalization;
using Berth.Registry.Browsing;
using Berth.Registry.Cache;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Pages.Html;

namespace Berth.Registry.Pages.Administration;

/// <summary>The registries that are passed on: whether they answer, what they still allow, and what is kept of them.</summary>
internal static class CachesSection
{
    public static async Task<PageView> MakeAsync(PageContext page)
    {
        page.RequireAdministrator();
        IReadOnlyList<UpstreamState> states = page.Services.Cache.States;
        var rows = new List<Markup>();
        foreach (UpstreamState state in states)
            rows.Add(Row(page, state, await CachedFigures.CountAsync(page.Services.Database, state.Prefix, page.Cancelled)));
        Markup content = states.Count == 0 ? Nothing() : Markup.Of($"""
            <div class="card card-flush"><table class="table"><caption class="visually-hidden">Registries that are passed on</caption>
            <thead><tr><th scope="col">Registry</th><th scope="col">State</th><th scope="col">Answered</th>
            <th scope="col" class="number">Pulls left there</th><th scope="col" class="number">Kept here</th></tr></thead>
            <tbody>{rows}</tbody></table></div>
            <p class="soft">What is kept is passed on also while its registry is away or limits this hub.</p>
            """);
        return AdministrationPages.Sided("caches", "Caches", content);
    }

    private static Markup Nothing() => Markup.Of($"""
        <p class="soft">No registry is passed on. <code>upstreams</code> in the hub's configuration file names some.</p>
        """);

    private static Markup Row(PageContext page, UpstreamState state, CachedFigures kept) => Markup.Of($"""
        <tr><td><span><b>{state.Prefix}</b> <span class="soft small">{state.Address.GetLeftPart(UriPartial.Authority)}</span></span></td>
        <td data-label="State"><span>{Condition(page, state)}</span></td>
        <td data-label="Answered">{Figures.Moment(state.AnsweredAt?.ToUnixTimeMilliseconds(), page.Now)}</td>
        <td data-label="Pulls left there" class="number">{Left(state)}</td>
        <td data-label="Kept here" class="number"><span>{Figures.Bytes(kept.Bytes)}
        <span class="soft small">{Figures.Counted(kept.Repositories, "repository", "repositories")}</span></span></td></tr>
        """);

    private static Markup Condition(PageContext page, UpstreamState state) => state switch
    {
        { PausedUntil: { } until } when until > page.Now => Markup.Of($"""
            <span class="badge badge-bad">paused</span> <span class="small">{state.Problem}; asked again at
            {until.UtcDateTime.ToString("HH:mm:ss", CultureInfo.InvariantCulture)} UTC</span>
            """),
        { Problem: { } problem } => Markup.Of($"""<span class="badge badge-bad">failed</span> <span class="small">{problem}</span>"""),
        { AnsweredAt: null } => Markup.Of($"""<span class="badge">not asked yet</span>"""),
        _ => Markup.Of($"""<span class="badge badge-sea">answers</span>"""),
    };

    private static string Left(UpstreamState state) => state switch
    {
        { Remaining: { } left, Limit: { } limit } => string.Create(CultureInfo.InvariantCulture, $"{left} of {limit}"),
        { Remaining: { } left } => left.ToString(CultureInfo.InvariantCulture),
        { Limit: { } limit } => string.Create(CultureInfo.InvariantCulture, $"at most {limit}"),
        _ => "no limit told",
    };
}
