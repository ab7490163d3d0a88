using Berth.Registry.Database;
using Berth.Registry.Hosting;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Pages.Html;

namespace Berth.Registry.Pages.Administration;

/// <summary>How the hub is configured, to read. It is changed in the configuration file.</summary>
internal static class SettingsSection
{
    public static Task<PageView> MakeAsync(PageContext page)
    {
        var accounts = page.RequireAdministrator();
        Markup content = Markup.Of($"""
            <section class="card" aria-labelledby="settings"><h2 id="settings" class="visually-hidden">Settings</h2><dl class="facts">
            <dt>Reached at</dt><dd>{page.RegistryHost}</dd>
            <dt>Sign-up</dt><dd>{accounts.Settings.SignUp.ToString().ToLowerInvariant()}</dd>
            <dt>Name in tokens</dt><dd>{accounts.Settings.Service}</dd>
            <dt>Database</dt><dd>{DatabaseOf(page.Services)}</dd>
            <dt>Version</dt><dd>{page.Version}</dd>
            </dl></section><p class="soft">These come from the hub's configuration file and its flags.</p>
            """);
        return Task.FromResult(AdministrationPages.Sided("settings", "Settings", content));
    }

    /// <summary>The kind of database. Never its address: a connection string may hold a password.</summary>
    public static string DatabaseOf(HubServices services) =>
        services.Database.Dialect == Dialect.PostgreSql ? "PostgreSQL" : "SQLite, embedded";
}
