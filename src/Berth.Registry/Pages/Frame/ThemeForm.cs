using Berth.Registry.Pages.Forms;
using Berth.Registry.Pages.Html;

namespace Berth.Registry.Pages.Frame;

/// <summary>The switch between light and dark, where no script does it.</summary>
internal static class ThemeForm
{
    /// <summary>Chooses the other one and goes back to the page.</summary>
    public static async Task HandleAsync(PageContext page)
    {
        FormFields form = await page.ReadFormAsync();
        // Without a choice so far and without a script nobody knows what the system shows; light is the rule, so dark is the change.
        Theme.Choose(page.Http.Response, page.Theme == "dark" ? "light" : "dark");
        string back = form.Text("back");
        await page.RedirectAsync(Links.IsLocal(back) ? back : Links.Start);
    }
}
