using Berth.Registry.Accounts;
using Berth.Registry.Browsing;
using Berth.Registry.Model;
using Berth.Registry.Pages.Forms;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Pages.Html;

namespace Berth.Registry.Pages.Administration;

/// <summary>Which repositories are official and which publishers verified, and changing that.</summary>
internal static class MarksSection
{
    public static async Task<PageView> MakeAsync(PageContext page)
    {
        page.RequireAdministrator();
        List<MarkedName> marked = await page.Services.Browsing.Marks.ListAsync(page.Cancelled);
        Markup content = Markup.Of($"""
            <p class="soft">Official is a repository with a name of one part, to which administrators alone push. A verified publisher is a
            user or an organisation whom you know: the mark is shown with all of their repositories. It ends with what it is of.</p>
            {(marked.Count == 0 ? Markup.Of($"<div class=\"card empty\"><p>Nothing has a mark yet.</p></div>") : Table(page, marked))}
            <div class="columns">
            {Form(page, RepositoryMarks.Official, "Official repository", "Name of the repository", "busybox", RepositoryName.LengthMax)}
            {Form(page, RepositoryMarks.Verified, "Verified publisher", "User or organisation", "lab", AccountName.LengthMax)}
            </div>
            """);
        return AdministrationPages.Sided("marks", "Marks", content);
    }

    /// <summary>Gives a mark or takes it back.</summary>
    public static async Task ChangeAsync(PageContext page)
    {
        FormFields form = await page.ReadFormAsync();
        page.RequireAdministrator();
        bool isSet = form.Text("action") switch { "set" => true, "unset" => false, _ => throw ErrorPage.NoSuchPage() };
        await page.Services.Browsing.Marks.SetAsync(
            page.Caller, MarkService.Parse(form.Text("mark")), form.Text("name"), isSet, page.Cancelled);
        await page.RedirectAsync(Links.Admin("marks"), "saved");
    }

    private static Markup Table(PageContext page, IEnumerable<MarkedName> marked) => Markup.Of($"""
        <div class="card card-flush"><table class="table"><caption class="visually-hidden">Marks</caption><thead><tr>
        <th scope="col">Name</th><th scope="col">Mark</th><th scope="col"><span class="visually-hidden">Change</span></th></tr></thead>
        <tbody>{marked.Select(one => Row(page, one))}</tbody></table></div>
        """);

    private static Markup Row(PageContext page, MarkedName one) => Markup.Of($"""
        <tr><td>
        <a href="{(one.Mark == RepositoryMarks.Official ? Links.Repository(one.Name) : Links.Owner(one.Name))}"><b>{one.Name}</b></a></td>
        <td data-label="Mark"><span>{(one.Mark == RepositoryMarks.Official ? Badges.Official : Badges.Verified)}</span></td>
        <td class="number"><form method="post" action="{Links.Admin("marks")}">{page.FormToken}{Hidden(one.Mark, "unset")}
        <input type="hidden" name="name" value="{one.Name}">
        <button class="button-quiet button-small">Take back<span class="visually-hidden">: {one.Name}</span></button></form></td></tr>
        """);

    private static Markup Form(PageContext page, RepositoryMarks mark, string title, string label, string example, int lengthMax)
    {
        string id = MarkService.TextOf(mark);
        return Markup.Of($"""
            <section class="card" aria-labelledby="{id}"><h2 id="{id}">{title}</h2><form method="post" action="{Links.Admin("marks")}"
            class="inline-form">{page.FormToken}{Hidden(mark, "set")}<div class="grow"><label for="{id}-name">{label}</label>
            <input id="{id}-name" name="name" required maxlength="{lengthMax}" placeholder="{example}" autocapitalize="none"
            spellcheck="false" autocomplete="off"></div><button class="button">Mark</button></form></section>
            """);
    }

    private static Markup Hidden(RepositoryMarks mark, string action) => Markup.Of($"""
        <input type="hidden" name="mark" value="{MarkService.TextOf(mark)}"><input type="hidden" name="action" value="{action}">
        """);
}
