using Berth.Registry.Browsing;
using Berth.Registry.Diary;
using Berth.Registry.Model;
using Berth.Registry.Pages.Forms;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Pages.Html;
using Berth.Registry.Retention;

namespace Berth.Registry.Pages.Repositories;

/// <summary>What the forms of a repository's pages do. Each asks for the right that it needs.</summary>
internal static class RepositoryForms
{
    public static Task HandleAsync(RepositoryView view, string action, FormFields form) => action switch
    {
        "star" => StarAsync(view, form),
        "undo" => UndoAsync(view, form),
        "put-back" => PutBackAsync(view, form),
        "delete-tag" => DeleteTagAsync(view, form),
        "texts" => TextsAsync(view, form),
        "visibility" => VisibilityAsync(view, form),
        "freeze" => FreezeAsync(view, form),
        "thaw" => ThawAsync(view, form),
        "retention-add" => AddRuleAsync(view, form),
        "retention-remove" => RemoveRuleAsync(view, form),
        "retention-dry-run" => DryRunAsync(view),
        "retention-run" => RunAsync(view),
        "delete" => DeleteAsync(view, form),
        _ => throw ErrorPage.NoSuchPage(),
    };

    private static async Task StarAsync(RepositoryView view, FormFields form)
    {
        PageContext page = view.Page;
        if (page.Caller.AccountId is not { } account)
            throw new FaultException(FaultKind.Unauthorized, "Sign in to star a repository.");
        bool isStarred = form.Text("starred") == "yes";
        await page.Services.Browsing.Stars.SetAsync(account, view.Id, isStarred, page.Cancelled);
        await page.RedirectAsync(Links.Repository(view.Name), isStarred ? "starred" : "unstarred");
    }

    private static async Task UndoAsync(RepositoryView view, FormFields form)
    {
        view.Require(RepositoryAccess.Push, "undo");
        string tag = form.Text("tag");
        await view.Page.Services.Browsing.Diary.UndoAsync(
            view.Id, tag, form.Id("move"), view.Page.Caller, view.Access.HasFlag(RepositoryAccess.Delete), view.Page.Cancelled);
        await view.Page.RedirectAsync(Links.Diary(view.Name, tag), "undone");
    }

    private static async Task PutBackAsync(RepositoryView view, FormFields form)
    {
        view.Require(RepositoryAccess.Push, "put back");
        string tag = form.Text("tag");
        await view.Page.Services.Browsing.Diary.PutBackAsync(
            view.Id, tag, form.Text("digest"), view.Page.Caller, view.Page.Cancelled);
        await view.Page.RedirectAsync(Links.Diary(view.Name, tag), "undone");
    }

    private static async Task DeleteTagAsync(RepositoryView view, FormFields form)
    {
        view.Require(RepositoryAccess.Delete, "delete tag");
        await view.Page.Services.Browsing.Settings.DeleteTagAsync(view.Page.Caller, view.Id, form.Text("tag"), view.Page.Cancelled);
        await view.Page.RedirectAsync(Links.Tags(view.Name), "tag-deleted");
    }

    private static async Task TextsAsync(RepositoryView view, FormFields form)
    {
        view.Require(RepositoryAccess.Administer, "change texts");
        RepositoryChange change = new() { Description = form.Text("description"), Readme = form.Raw("readme") };
        await view.Page.Services.Browsing.Settings.ChangeAsync(view.Page.Caller, view.Name, change, view.Page.Cancelled);
        await view.Page.RedirectAsync(Links.Settings(view.Name), "saved");
    }

    private static async Task VisibilityAsync(RepositoryView view, FormFields form)
    {
        view.Require(RepositoryAccess.Administer, "change visibility");
        RepositoryChange change = new() { IsPrivate = form.Text("visibility") != "public" };
        await view.Page.Services.Browsing.Settings.ChangeAsync(view.Page.Caller, view.Name, change, view.Page.Cancelled);
        await view.Page.RedirectAsync(Links.Settings(view.Name), "visibility");
    }

    private static async Task FreezeAsync(RepositoryView view, FormFields form)
    {
        view.Require(RepositoryAccess.Administer, "freeze tags");
        await view.Page.Services.Browsing.Settings.FreezeAsync(
            view.Page.Caller, view.Id, TagPattern.Parse(form.Text("pattern")), view.Page.Cancelled);
        await view.Page.RedirectAsync(Links.Settings(view.Name), "frozen");
    }

    private static async Task ThawAsync(RepositoryView view, FormFields form)
    {
        view.Require(RepositoryAccess.Administer, "remove rule");
        await view.Page.Services.Browsing.Settings.ThawAsync(view.Page.Caller, view.Id, form.Id("rule"), view.Page.Cancelled);
        await view.Page.RedirectAsync(Links.Settings(view.Name), "thawed");
    }

    private static async Task AddRuleAsync(RepositoryView view, FormFields form)
    {
        view.Require(RepositoryAccess.Administer, "add rule");
        RetentionRule rule = new()
        {
            Pattern = form.Text("what") == "untagged" ? null : TagPattern.Parse(form.Text("pattern")),
            KeepLast = form.Text("what") == "untagged" ? null : form.Number("last"),
            KeepDays = form.Number("days"),
        };
        await view.Page.Services.Browsing.Retention.AddAsync(view.Page.Caller, view.Id, rule, view.Page.Cancelled);
        await view.Page.RedirectAsync(Links.Settings(view.Name), "rule");
    }

    private static async Task RemoveRuleAsync(RepositoryView view, FormFields form)
    {
        view.Require(RepositoryAccess.Administer, "remove rule");
        await view.Page.Services.Browsing.Retention.RemoveAsync(view.Page.Caller, view.Id, form.Id("rule"), view.Page.Cancelled);
        await view.Page.RedirectAsync(Links.Settings(view.Name), "rule-removed");
    }

    private static async Task DryRunAsync(RepositoryView view)
    {
        view.Require(RepositoryAccess.Administer, "dry run");
        RetentionPlan plan = await view.Page.Services.Browsing.Retention.PlanAsync(view.Id, view.Page.Cancelled);
        await view.Page.SendAsync(await SettingsPage.MakeAsync(view, plan));
    }

    private static async Task RunAsync(RepositoryView view)
    {
        view.Require(RepositoryAccess.Administer, "run rules");
        await view.Page.Services.Browsing.Retention.RunAsync(view.Page.Caller, view.Id, view.Page.Cancelled);
        await view.Page.RedirectAsync(Links.Settings(view.Name), "retained");
    }

    private static async Task DeleteAsync(RepositoryView view, FormFields form)
    {
        view.Require(RepositoryAccess.Administer, "delete repository");
        if (form.Text("confirm") != view.Name)
            throw FaultException.Invalid($"The repository was not deleted: to confirm, write its name {view.Name}.");
        await view.Page.Services.Browsing.Settings.DeleteAsync(view.Page.Caller, RepositoryName.Parse(view.Name), view.Page.Cancelled);
        await view.Page.RedirectAsync(Links.Start, "deleted");
    }
}
