using Berth.Registry.Browsing;
using Berth.Registry.Model;
using Berth.Registry.Pages.Forms;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Pages.Html;

namespace Berth.Registry.Pages.Repositories;

/// <summary>Reads the addresses beneath <c>/r/</c>: a repository's name of any depth, <c>/-/</c>, and one of its pages or
/// actions.</summary>
internal static class RepositoryRoutes
{
    private const string Divider = "/-/";

    // A section's own page, and those beneath it: "*" stands for what follows the section's name.
    private static readonly Dictionary<string, Func<RepositoryView, string, Task<PageView>>> s_pages = new(StringComparer.Ordinal)
    {
        [""] = (view, _) => OverviewPage.MakeAsync(view),
        ["tags"] = (view, _) => TagsPage.MakeAsync(view),
        ["tags/*"] = ImagePage.OfTagAsync,
        ["images/*"] = ImagePage.OfDigestAsync,
        ["diary"] = (view, _) => DiaryPage.MakeAsync(view, null),
        ["diary/*"] = DiaryPage.MakeAsync,
        ["settings"] = (view, _) => view.MayAdminister ? SettingsPage.MakeAsync(view) : throw ErrorPage.NoSuchPage(),
    };

    /// <summary>The pages, as they stand behind <c>/-/</c>.</summary>
    public static IReadOnlyCollection<string> Pages => s_pages.Keys;

    /// <summary>A page of a repository.</summary>
    /// <exception cref="FaultException">NotFound: no such repository or page, or not for this reader.</exception>
    public static async Task<PageView> ReadAsync(PageContext page, string path)
    {
        (RepositoryView view, string section, string argument) = await OpenAsync(page, path);
        return await (s_pages.GetValueOrDefault(argument.Length == 0 ? section : section + "/*")
            ?? throw ErrorPage.NoSuchPage())(view, argument);
    }

    /// <summary>A form of a repository.</summary>
    /// <exception cref="FaultException">NotFound, Forbidden, or what the action itself refuses.</exception>
    public static async Task WriteAsync(PageContext page, string path)
    {
        FormFields form = await page.ReadFormAsync();
        (RepositoryView view, string section, _) = await OpenAsync(page, path);
        await RepositoryForms.HandleAsync(view, section, form);
    }

    private static async Task<(RepositoryView View, string Section, string Argument)> OpenAsync(PageContext page, string path)
    {
        int divider = path.IndexOf(Divider, StringComparison.Ordinal);
        string name = divider < 0 ? path : path[..divider];
        string rest = divider < 0 ? "" : path[(divider + Divider.Length)..];
        int slash = rest.IndexOf('/');
        if (!RepositoryName.TryParse(name, out RepositoryName repository))
            throw NotHere(page);
        RepositoryAccess access = await page.Services.Access.OfAsync(page.Caller, repository, page.Cancelled);
        RepositorySummary? summary = access.HasFlag(RepositoryAccess.Pull)
            ? await page.Services.Browsing.Search.TryGetAsync(repository, page.Cancelled) : null;
        if (summary is null)
            throw NotHere(page);
        return (new RepositoryView(page, summary, access), slash < 0 ? rest : rest[..slash], slash < 0 ? "" : rest[(slash + 1)..]);
    }

    // The same words for what is not there and for what others may not know of.
    private static FaultException NotHere(PageContext page) => FaultException.NotFound(
        page.Caller.Name is null && page.HasAccounts
            ? "There is no such repository, or it is private. If it is yours, sign in."
            : "There is no such repository, or you have no right to it.");
}
