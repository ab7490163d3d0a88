using Berth.Registry.Model;
using Berth.Registry.Pages.Assets;
using Berth.Registry.Pages.Forms;
using Berth.Registry.Pages.Html;

namespace Berth.Registry.Pages.Frame;

/// <summary>The frame that all pages share: head, top bar with search and menu, content, foot.</summary>
internal static class PageFrame
{
    /// <summary>What stands in titles.</summary>
    public const string HubName = "Berth Hub";

    private static readonly Markup s_mark = Markup.Of($"""
        <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false"><rect class="cargo" x="9" y="4" width="6" height="6" rx="1"/>
        <rect class="cargo" x="17" y="4" width="6" height="6" rx="1"/>
        <path class="hull" d="M3.500 12h25l-3.500 7.200a2.200 2.200 0 0 1-2 1.300H9a2.200 2.200 0 0 1-2-1.300z"/>
        <path class="wave" d="M3 26c2.200 0 2.200-1.600 4.300-1.600s2.200 1.600 4.300 1.600
        2.200-1.600 4.400-1.600 2.200 1.600 4.300 1.600 2.200-1.600 4.300-1.600S26.800 26 29 26"/></svg>
        """);

    private static readonly Markup s_themeIcon = Markup.Of($"""
        <svg viewBox="0 0 24 24" aria-hidden="true" focusable="false"><circle cx="12" cy="12" r="8.500"/>
        <path d="M12 3.500v17a8.500 8.500 0 0 0 0-17z" fill="currentColor"/></svg>
        """);

    /// <summary>The whole document.</summary>
    public static Markup Render(PageContext page, PageView view) => Markup.Of($"""
        <!doctype html>
        <html lang="en"{Markup.When(page.Theme is not null, $" data-theme=\"{page.Theme}\"")}>
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>{view.Title} · {HubName}</title>
        <meta name="color-scheme" content="light dark">
        <link rel="icon" type="image/svg+xml" href="{AssetFiles.Address("icon.svg")}">
        <link rel="stylesheet" href="{AssetFiles.Address("hub.css")}">
        <script src="{AssetFiles.Address("hub.js")}" defer></script>
        </head>
        <body>
        <a class="skip" href="#content">Skip to content</a>
        <header class="top"><div class="top-inner">
        <a class="brand" href="{Links.Start}">{s_mark}<span>{HubName}</span></a>
        {(view.HidesSearch ? Markup.Empty : SearchField(view.Search))}
        <nav class="menu" aria-label="Main">{ThemeSwitch(page)}{Menu(page)}</nav>
        </div></header>
        <main id="content" tabindex="-1">{Notice(page)}{view.Body}</main>
        <footer class="foot"><div class="foot-inner">
        <span>{HubName} {page.Version}</span>
        <span><a href="/api/v1">JSON API</a></span>
        </div></footer>
        <div id="status" class="visually-hidden" role="status" aria-live="polite"></div>
        </body>
        </html>
        """);

    /// <summary>The square with a name's first letter, in a colour that follows from the name.</summary>
    public static Markup Tile(string name, string size = "")
    {
        // The last part tells repositories of one owner apart.
        string last = name[(name.LastIndexOf('/') + 1)..];
        uint hash = 2166136261;
        foreach (char c in name)
            hash = (hash ^ c) * 16777619;
        string letter = last.Length == 0 ? "?" : last[..1];
        return Markup.Of($"""<span class="tile tile-{hash % 8} {size}" aria-hidden="true">{letter}</span>""");
    }

    private static Markup SearchField(string text) => Markup.Of($"""
        <form class="top-search" role="search" action="{Links.Search}"><label class="visually-hidden" for="q">Search repositories</label>
        <input id="q" name="q" type="search" value="{text}" placeholder="Search repositories" maxlength="200" autocomplete="off"
        spellcheck="false"></form>
        """);

    private static Markup ThemeSwitch(PageContext page) => Markup.Of($"""
        <form class="theme" method="post" action="{Links.Theme}">{page.FormToken}<input type="hidden" name="back" value="{page.Address}">
        <button type="submit" title="Light or dark">
        <span class="visually-hidden">Switch between light and dark</span>{s_themeIcon}</button></form>
        """);

    private static Markup Menu(PageContext page)
    {
        Caller caller = page.Caller;
        if (caller.Name is null)
        {
            return page.HasAccounts
                ? Markup.Of($"""
                    <a href="{Links.SignIn}">Sign in</a>
                    {Markup.When(page.MaySignUp, $"<a class=\"button button-small\" href=\"{Links.SignUp}\">Sign up</a>")}
                    """)
                : Markup.Empty;
        }
        return Markup.Of($"""
            <details class="account"><summary>{Tile(caller.Name, "tile-small")}<span>{caller.Name}</span></summary>
            <div class="account-list">
            <a href="{Links.Owner(caller.Name)}">My repositories</a>
            <a href="{Links.Organisations}">Organisations</a>
            <a href="{Links.Tokens}">Access tokens</a>
            <a href="{Links.Account}">Account settings</a>
            {Markup.When(caller.IsAdministrator, $"<hr><a href=\"{Links.Administration}\">Administration</a>")}
            <hr>
            <form method="post" action="{Links.SignOut}">{page.FormToken}<button type="submit">Sign out</button></form>
            </div></details>
            """);
    }

    private static Markup Notice(PageContext page) => Notices.Find(page.Http.Request.Query["done"]) is { } text
        ? Markup.Of($"""<div class="notice notice-good" role="status"><p>{text}</p></div>""")
        : Markup.Empty;
}
