using Berth.Registry.Accounts;
using Berth.Registry.Browsing;
using Berth.Registry.Model;
using Berth.Registry.Pages.Forms;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Pages.Html;
using Berth.Registry.Pages.Start;

namespace Berth.Registry.Pages.Repositories;

/// <summary>Makes a repository before the first push, to choose its visibility and to write about it.</summary>
internal static class NewRepositoryPage
{
    public static async Task<PageView> MakeAsync(PageContext page)
    {
        (AccountServices accounts, long id, string name) = page.RequirePerson();
        List<(Organisation Organisation, OrganisationRole Role)> mine = await accounts.Organisations.ListOfAsync(id, page.Cancelled);
        string chosen = page.Query("owner");
        IEnumerable<string> owners = mine.Where(each => each.Role != OrganisationRole.Member).Select(each =>
            each.Organisation.Name).Prepend(name);
        Markup body = Markup.Of($"""
            <div class="card narrow"><h1>New repository</h1><p class="soft">A push makes one, too. Here you say first who may see it.</p>
            <form method="post" action="{Links.NewRepository}">{page.FormToken}
            <div class="field"><label for="owner">Owner</label>
            <select id="owner" name="owner">{owners.Select(owner => SearchPage.Option(owner, owner, chosen))}</select></div>
            {Field.Line("name", "Name", "",
                Markup.Of($"required maxlength=\"200\" autocapitalize=\"none\" spellcheck=\"false\" autocomplete=\"off\" "),
                "Lower-case letters, digits and single separators; it may have parts: tools/web.")}
            {Field.Line("description", "Description", "", Markup.Of($"maxlength=\"{RepositoryLimits.DescriptionMax}\" "))}
            <fieldset><legend>Visibility</legend><div class="choice">
            <input type="radio" id="private" name="visibility" value="private" checked><label for="private">
            <b>Private</b> <span class="soft">Only those with a right to it know that it exists.</span></label></div>
            <div class="choice"><input type="radio" id="public" name="visibility" value="public"><label for="public">
            <b>Public</b> <span class="soft">Everybody may pull it.</span></label></div></fieldset>
            <button class="button">Make it</button></form></div>
            """);
        return new PageView { Title = "New repository", Body = body };
    }

    public static async Task CreateAsync(PageContext page)
    {
        FormFields form = await page.ReadFormAsync();
        page.RequirePerson();
        RepositoryName name = RepositoryName.Parse($"{form.Text("owner")}/{form.Text("name")}");
        if (!await page.Services.Access.MayCreateAsync(page.Caller, name, page.Cancelled))
            throw new FaultException(FaultKind.Forbidden, $"You may not make repositories of {form.Text("owner")}.");
        RepositoryChange wanted = new() { Description = form.Text("description"), IsPrivate = form.Text("visibility") != "public" };
        await page.Services.Browsing.Settings.CreateAsync(page.Caller, name, wanted, page.Cancelled);
        await page.RedirectAsync(Links.Repository(name.Value), "created");
    }
}
