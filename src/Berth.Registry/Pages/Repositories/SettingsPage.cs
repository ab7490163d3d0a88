using Berth.Registry.Browsing;
using Berth.Registry.Cache;
using Berth.Registry.Diary;
using Berth.Registry.Model;
using Berth.Registry.Pages.Forms;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Pages.Html;
using Berth.Registry.Pages.Readmes;
using Berth.Registry.Retention;

namespace Berth.Registry.Pages.Repositories;

/// <summary>What those who administer a repository may change: texts, visibility, immutable tags, retention, and its end.</summary>
internal static class SettingsPage
{
    private const int ShownMax = 200;

    public static async Task<PageView> MakeAsync(RepositoryView view, RetentionPlan? dryRun = null)
    {
        PageContext page = view.Page;
        string readme = await page.Services.Browsing.Settings.ReadmeAsync(view.Id, page.Cancelled);
        FrozenTags frozen = await page.Services.Database.ReadAsync(
            (transaction, token) => FrozenTags.ReadAsync(transaction, view.Id, token), page.Cancelled);
        IReadOnlyList<RetentionRule> rules = await page.Services.Browsing.Retention.RulesAsync(view.Id, page.Cancelled);
        Markup content = Markup.Of($"""
            <div class="stack">
            {Texts(view, readme)}
            {Visibility(view)}
            {Frozen(view, frozen)}
            {Retention(view, rules, dryRun)}
            {Delete(view)}
            </div>
            """);
        return await view.WithHeadAsync("settings", $"Settings of {view.Name}", content);
    }

    private static Markup Texts(RepositoryView view, string readme) => Markup.Of($"""
        <section class="card" aria-labelledby="texts"><h2 id="texts">Description and README</h2>
        {Open(view, "texts")}
        <div class="field"><label for="description">Description</label>
        <input id="description" name="description" value="{view.Summary.Description}" maxlength="{RepositoryLimits.DescriptionMax}">
        <p class="hint">One line, shown in lists and found by the search.</p></div>
        <div class="field" id="readme"><label for="readme-text">README</label>
        <textarea id="readme-text" name="readme" maxlength="{Readme.CharactersMax}" spellcheck="true" aria-describedby="readme-hint">
        {readme}</textarea><p class="hint" id="readme-hint">Markdown with tables. HTML is shown as text, and images become links.</p></div>
        <button class="button">Save</button></form></section>
        """);

    private static Markup Visibility(RepositoryView view) => view.Page.Services.Cache.UpstreamOf(RepositoryName.Parse(view.Name)) is
        { } upstream ? VisibilityOfUpstream(upstream.Options) : Markup.Of($"""
        <section class="card" aria-labelledby="visibility"><h2 id="visibility">Visibility</h2>
        {Open(view, "visibility")}<fieldset><legend class="visually-hidden">Who may see and pull it</legend>
        <div class="choice">
        <input type="radio" id="public" name="visibility" value="public"{Markup.When(!view.Summary.IsPrivate, $" checked")}>
        <label for="public"><b>Public</b> <span class="soft">Everybody may see and pull it, without an account.</span></label></div>
        <div class="choice">
        <input type="radio" id="private" name="visibility" value="private"{Markup.When(view.Summary.IsPrivate, $" checked")}>
        <label for="private"><b>Private</b> <span class="soft">Only those with a right to it know that it exists.</span></label></div>
        </fieldset><button class="button">Change</button></form></section>
        """);

    private static Markup VisibilityOfUpstream(UpstreamOptions upstream) => Markup.Of($"""
        <section class="card" aria-labelledby="visibility"><h2 id="visibility">Visibility</h2>
        <p class="soft">The repository is another registry's, and {(upstream.IsPublic ? "everybody" : "everybody who has signed in")} may
        pull it: <code>members-only</code> of the upstream <code>{upstream.Prefix}</code> in the hub's configuration says so.</p></section>
        """);

    private static Markup Frozen(RepositoryView view, FrozenTags frozen) => Markup.Of($"""
        <section class="card" aria-labelledby="immutable"><h2 id="immutable">Immutable tags</h2>
        <p class="soft">A tag of one of these patterns can be made once and then neither moved nor deleted.</p>
        {(frozen.Patterns.Count == 0 ? Markup.Empty : Markup.Of($"""
                <table class="table"><thead><tr><th scope="col">Pattern</th><th scope="col">Since</th><th scope="col">
                <span class="visually-hidden">Remove</span></th></tr></thead>
                <tbody>{frozen.Patterns.Select(rule => FrozenRow(view, rule))}</tbody></table>
                """))}
        {Open(view, "freeze", "inline-form")}<div class="grow"><label for="pattern">Pattern</label>
        <input id="pattern" name="pattern" maxlength="{TagPattern.CharactersMax}" placeholder="v*" required autocapitalize="none"
        spellcheck="false"></div><button class="button">Add</button></form>
        <p class="hint"><code>*</code> stands for any characters, <code>?</code> for one.</p></section>
        """);

    private static Markup FrozenRow(RepositoryView view, FrozenTagRule rule) => Markup.Of($"""
        <tr><td data-label="Pattern"><code>{rule.Pattern.Value}</code></td><td data-label="Since">
        <span>{Figures.Moment(rule.CreatedAt, view.Page.Now)}{(rule.CreatedBy is null ? "" : " by " + rule.CreatedBy)}</span></td>
        <td class="number">{Open(view, "thaw")}<input type="hidden" name="rule" value="{rule.Id}">
        <button class="button-quiet button-small">Remove<span class="visually-hidden"> the rule {rule.Pattern.Value}</span></button>
        </form></td></tr>
        """);

    private static Markup Retention(RepositoryView view, IReadOnlyList<RetentionRule> rules, RetentionPlan? dryRun) => Markup.Of($"""
        <section class="card" aria-labelledby="retention"><h2 id="retention">Retention</h2>
        <p class="soft">Rules say what is kept. A tag falls under the first rule whose pattern it fits; a tag that fits none is kept,
        and so is every immutable one. The rules run every hour.</p>
        {(rules.Count == 0 ? Markup.Empty : Markup.Of($"""
            <ol>{rules.Select(rule => Markup.Of($"""
                    <li><div class="row row-between">
                    <span>{rule.Sentence}.</span>{Open(view, "retention-remove")}<input type="hidden" name="rule" value="{rule.Id}">
                    <button class="button-quiet button-small">Remove<span class="visually-hidden"> this rule</span></button></form>
                    </div></li>
                    """))}</ol>
            <div class="row">{Open(view, "retention-dry-run")}<button class="button">Dry run</button>
            </form>{Open(view, "retention-run")}<button class="button-danger">Run now</button></form></div>
            """))}
        {(dryRun is null ? Markup.Empty : Outcome(dryRun, view))}
        <h3>Add a rule</h3>{Open(view, "retention-add", "inline-form")}
        <div><label for="keep-what">For</label><select id="keep-what" name="what"><option value="tags">tags like</option>
        <option value="untagged">images without a tag</option></select></div>
        <div><label for="keep-pattern">Pattern</label>
        <input id="keep-pattern" name="pattern" value="*" maxlength="{TagPattern.CharactersMax}" size="12" autocapitalize="none"
        spellcheck="false"></div>
        <div><label for="keep-last">Keep the last</label>
        <input id="keep-last" name="last" inputmode="numeric" size="6" pattern="[0-9]*"></div>
        <div><label for="keep-days">Keep for days</label>
        <input id="keep-days" name="days" inputmode="numeric" size="6" pattern="[0-9]*"></div>
        <button class="button">Add</button></form></section>
        """);

    private static Markup Outcome(RetentionPlan plan, RepositoryView view) => Markup.Of($"""
        <div class="notice" role="status"><p>
        <b>Dry run: nothing was removed.</b> The rules would remove {Figures.Counted(plan.RemovedTags.Count, "tag")} and
        {Figures.Counted(plan.RemovedImages.Count, "untagged image")}, and keep {Figures.Counted(plan.KeptTags.Count, "tag")}.</p></div>
        <div class="table-scroll"><table class="table"><caption class="visually-hidden">What the rules would do</caption><thead><tr>
        <th scope="col">Tag</th><th scope="col">Outcome</th><th scope="col">Why</th><th scope="col">Pushed</th></tr></thead><tbody>
        {plan.RemovedTags.Take(ShownMax).Select(decision => Decision(decision, "remove", "badge-bad", view))}
        {plan.KeptTags.Take(ShownMax).Select(decision => Decision(decision, "keep", "badge-good", view))}</tbody></table></div>
        """);

    private static Markup Decision(RetentionDecision decision, string outcome, string style, RepositoryView view) => Markup.Of($"""
        <tr><td><b>{decision.Tag.Name}</b></td><td data-label="Outcome"><span class="badge {style}">{outcome}</span></td>
        <td data-label="Why"><span>{decision.Why}</span></td>
        <td data-label="Pushed">{Figures.Moment(decision.Tag.UpdatedAt, view.Page.Now)}</td></tr>
        """);

    private static Markup Delete(RepositoryView view) => Markup.Of($"""
        <section class="card danger-zone" aria-labelledby="delete"><h2 id="delete">Delete the repository</h2>
        <p class="soft">All tags, images and the diary go. Nobody can bring them back.</p>
        {Open(view, "delete", "inline-form")}<div class="grow"><label for="confirm">Write <code>{view.Name}</code> to confirm</label>
        <input id="confirm" name="confirm" autocomplete="off" autocapitalize="none" spellcheck="false" required></div>
        <button class="button-danger">Delete</button></form></section>
        """);

    private static Markup Open(RepositoryView view, string action, string style = "") =>
        Markup.Of($"""<form method="post" action="{Links.Repository(view.Name)}/-/{action}" class="{style}">{view.Page.FormToken}""");
}
