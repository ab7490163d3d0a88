using Berth.Registry.Accounts;
using Berth.Registry.Audit;
using Berth.Registry.Browsing;
using Berth.Registry.Collection;
using Berth.Registry.Operation.Configuration;
using Berth.Registry.Pages.Forms;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Pages.Html;

namespace Berth.Registry.Pages.Administration;

/// <summary>What the hub holds, who holds how much, and the collection of what nobody needs.</summary>
internal static class StorageSection
{
    private const int NamespacesShown = 50;

    public static async Task<PageView> OverviewAsync(PageContext page)
    {
        page.RequireAdministrator();
        HubFigures figures = await HubFigures.CountAsync(page.Services.Database, page.Cancelled);
        Markup content = Markup.Of($"""
            <dl class="numbers">
            {Number("Users", Figures.Count(figures.Users))}{Number("Organisations", Figures.Count(figures.Organisations))}
            {Number("Repositories", Figures.Count(figures.Repositories))}
            {Number("of them private", Figures.Count(figures.PrivateRepositories))}
            {Number("Tags", Figures.Count(figures.Tags))}{Number("Images", Figures.Count(figures.Manifests))}
            {Number("Blobs", Figures.Count(figures.Blobs))}{Number("Stored", Figures.Bytes(figures.BlobBytes))}
            </dl><section class="card" aria-labelledby="hub"><h2 id="hub">This hub</h2><dl class="facts"><dt>Version</dt>
            <dd>{page.Version}</dd><dt>Reached at</dt><dd>{page.RegistryHost}</dd><dt>Database</dt>
            <dd>{SettingsSection.DatabaseOf(page.Services)}</dd></dl></section>
            """);
        return AdministrationPages.Sided("overview", "Administration", content);
    }

    public static Task<PageView> StorageAsync(PageContext page) => StorageAsync(page, null);

    private static async Task<PageView> StorageAsync(PageContext page, CollectionReport? report)
    {
        page.RequireAdministrator();
        HubFigures figures = await HubFigures.CountAsync(page.Services.Database, page.Cancelled);
        List<NamespaceUse> largest = await HubFigures.LargestAsync(page.Services.Database, NamespacesShown, page.Cancelled);
        Markup content = Markup.Of($"""
            <dl class="numbers">
            {Number("Stored", Figures.Bytes(figures.BlobBytes))}{Number("Blobs", Figures.Count(figures.Blobs))}
            {Number("To be freed", Figures.Bytes(figures.WaitingBytes))}{Number("Uploads now", Figures.Count(figures.Uploads))}
            {Number("Held by uploads", Figures.Bytes(figures.UploadBytes))}</dl>
            {Collection(page, report)}
            <div class="card card-flush"><table class="table"><caption class="visually-hidden">Who holds how much</caption><thead><tr>
            <th scope="col">Owner</th><th scope="col" class="number">Holds</th><th scope="col" class="number">May hold</th>
            <th scope="col">Share</th></tr></thead><tbody>{largest.Select(Row)}</tbody></table></div>
            {QuotaForm(page)}
            """);
        return AdministrationPages.Sided("storage", "Storage", content);
    }

    /// <summary>Collects now what nobody needs, and says what came of it.</summary>
    public static async Task CollectAsync(PageContext page)
    {
        await page.ReadFormAsync();
        AccountServices accounts = page.RequireAdministrator();
        CollectionReport report = await page.Services.Collector.RunAsync(page.Cancelled);
        string details = $"{report.BlobsRemoved} blobs removed, {report.BytesFreed} bytes freed";
        await accounts.Audit.RecordCollectionAsync(page.Caller, details, page.Cancelled);
        await page.SendAsync(await StorageAsync(page, report));
    }

    /// <summary>Sets how much a user or an organisation may hold.</summary>
    public static async Task SetQuotaAsync(PageContext page)
    {
        FormFields form = await page.ReadFormAsync();
        page.RequireAdministrator();
        await page.Services.Operation.Quotas.SetAsync(page.Caller, form.Text("owner"), SizeText.Parse(form.Text("size")), page.Cancelled);
        await page.RedirectAsync(Links.Admin("storage"), "saved");
    }

    private static Markup QuotaForm(PageContext page) => Markup.Of($"""
        <section class="card" aria-labelledby="quota"><h2 id="quota">Quota</h2><form method="post" action="{Links.Admin("quota")}"
        class="inline-form">{page.FormToken}<div class="grow"><label for="owner">User or organisation</label>
        <input id="owner" name="owner" required maxlength="39" autocapitalize="none" spellcheck="false" autocomplete="off"></div>
        <div><label for="size">May hold</label><input id="size" name="size" required maxlength="30" size="10" placeholder="20GB"
        aria-describedby="size-hint"></div><button class="button">Set</button></form>
        <p class="hint" id="size-hint">A size, as in 500MB or 20GB, or none for no limit. What is there already stays, also beyond it.</p>
        </section>
        """);

    private static Markup Collection(PageContext page, CollectionReport? report) => Markup.Of($"""
        {(report is null ? Markup.Empty : Outcome(report))}
        <section class="card" aria-labelledby="collection"><h2 id="collection">Collection</h2>
        <p class="soft">Blobs that no image needs are deleted by themselves every
        {Figures.Counted((long)page.Services.Options.CollectionInterval.TotalMinutes, "minute")}, while pushes and pulls go on. A blob
        is spared for {Figures.Counted((long)page.Services.Options.UnusedBlobTime.TotalMinutes, "minute")} after its last use.</p>
        <form method="post" action="{Links.Admin("collect")}">{page.FormToken}<button class="button">Collect now</button></form></section>
        """);

    private static Markup Outcome(CollectionReport report) => Markup.Of($"""
        <div class="notice notice-good" role="status"><p>The collection has run: <b>{Figures.Bytes(report.BytesFreed)} freed</b>,
        {Figures.Counted(report.BlobsRemoved, "blob")} removed, {Figures.Counted(report.BlobsUnlinked, "blob")} no longer needed by a
        repository, {Figures.Counted(report.UploadsExpired, "upload")} expired, {Figures.Counted(report.UnnamedRemoved, "file")} left by
        a crash.</p>{(report.SweepRefusal is { } refusal ? Markup.Of($"<p>Files left by a crash were not looked for: {refusal}</p>")
            : Markup.Empty)}</div>
        """);

    private static Markup Row(NamespaceUse use) => Markup.Of($"""
        <tr><td>{(use.Namespace.Length == 0 ? Markup.Of($"<span class=\"soft\">no owner</span>")
            : Markup.Of($"<a href=\"{Links.Owner(use.Namespace)}\"><b>{use.Namespace}</b></a>"))}</td>
            <td data-label="Holds" class="number">{Figures.Bytes(use.BytesUsed)}</td>
            <td data-label="May hold" class="number">{(use.BytesMax is { } most ? Figures.Bytes(most) : "no limit")}</td>
        <td data-label="Share">
        {(use.BytesMax is { } limit and > 0 ? Share(use.BytesUsed, limit) : Markup.Of($"<span class=\"soft\">–</span>"))}</td></tr>
        """);

    private static Markup Share(long used, long limit) => Markup.Of($"""
        <progress class="bar gauge" max="{limit}" value="{Math.Min(used, limit)}">{used * 100 / limit} %</progress>
        """);

    private static Markup Number(string label, string value) => Markup.Of($"""<div><dt>{label}</dt><dd>{value}</dd></div>""");
}
