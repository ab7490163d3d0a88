using System.Globalization;
using Berth.Registry.Accounts;
using Berth.Registry.Audit;
using Berth.Registry.Model;
using Berth.Registry.Pages.Forms;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Pages.Html;
using Berth.Registry.Pages.Start;
using Berth.Registry.Tokens;

namespace Berth.Registry.Pages.Administration;

/// <summary>The administrators' view: figures, accounts, storage and its collection, caches, audit log, settings.</summary>
internal static class AdministrationPages
{
    private const int UsersPerPage = 50;
    private const int EntriesPerPage = 100;

    /// <summary>Maps the pages and forms; to everybody else there is nothing here.</summary>
    public static void Map(Action<string, Func<PageContext, Task<PageView>>> page, Action<string, Func<PageContext, Task>> form)
    {
        page(Links.Administration, StorageSection.OverviewAsync);
        page(Links.Admin("users"), UsersAsync);
        form(Links.Admin("users"), CreateUserAsync);
        form(Links.Admin("invite"), InviteAsync);
        form(Links.Admin("user"), ChangeUserAsync);
        page(Links.Admin("storage"), StorageSection.StorageAsync);
        form(Links.Admin("collect"), StorageSection.CollectAsync);
        form(Links.Admin("quota"), StorageSection.SetQuotaAsync);
        page(Links.Admin("caches"), CachesSection.MakeAsync);
        page(Links.Admin("marks"), MarksSection.MakeAsync);
        form(Links.Admin("marks"), MarksSection.ChangeAsync);
        page(Links.Admin("audit"), AuditAsync);
        page(Links.Admin("settings"), SettingsSection.MakeAsync);
    }

    /// <summary>A page of the view with the list of its sections beside it.</summary>
    public static PageView Sided(string key, string title, Markup content)
    {
        Markup Item(string itemKey, string label, string address) =>
            Markup.Of($"""<li><a href="{address}"{Markup.When(itemKey == key, $" aria-current=\"page\"")}>{label}</a></li>""");
        Markup body = Markup.Of($"""
            <h1>{title}</h1><div class="with-side"><nav aria-label="Administration"><ul class="side">
            {Item("overview", "Overview", Links.Administration)}{Item("users", "Users", Links.Admin("users"))}
            {Item("storage", "Storage", Links.Admin("storage"))}{Item("caches", "Caches", Links.Admin("caches"))}
            {Item("marks", "Marks", Links.Admin("marks"))}
            {Item("audit", "Audit log", Links.Admin("audit"))}{Item("settings", "Settings", Links.Admin("settings"))}
            </ul></nav><div>{content}</div></div>
            """);
        return new PageView { Title = title, Body = body };
    }

    private static async Task<PageView> UsersAsync(PageContext page)
    {
        AccountServices accounts = page.RequireAdministrator();
        List<UserAccount> users = await accounts.Users.ListAsync(page.Query("after"), UsersPerPage + 1, page.Cancelled);
        string? next = null;
        if (users.Count > UsersPerPage)
        {
            users.RemoveAt(UsersPerPage);
            next = Links.With(Links.Admin("users"), ("after", users[^1].Name));
        }
        Markup content = Markup.Of($"""
            <div class="card card-flush"><table class="table"><caption class="visually-hidden">Users</caption><thead><tr>
            <th scope="col">Name</th><th scope="col">E-mail</th><th scope="col">Last sign-in</th><th scope="col">
            <span class="visually-hidden">Change</span></th></tr></thead><tbody>{users.Select(user => UserRow(page, user))}</tbody>
            </table></div>
            {Paging.Links(page.Query("after").Length == 0 ? null : Links.Admin("users"), next)}
            <div class="columns"><section class="card" aria-labelledby="new-user"><h2 id="new-user">New user</h2>
            <form method="post" action="{Links.Admin("users")}">
            {page.FormToken}{Field.AccountName("name", "Name")}
            {Field.Password("password", "First password", isNew: true, "The user can change it.")}<div class="choice">
                <input type="checkbox" id="administrator" name="administrator" value="yes">
                <label for="administrator">Administrator</label></div><button class="button">Make the account</button></form></section>
            <section class="card" aria-labelledby="invite"><h2 id="invite">Invitation</h2>
            <p class="soft">A link by which one person makes an account, good for {(int)SecretStore.InvitationLifetime.TotalDays}
            days.</p><form method="post" action="{Links.Admin("invite")}">
            {page.FormToken}{Field.Line("note", "For whom", "", Markup.Of($"maxlength=\"100\" "))}<button class="button">Make a
            link</button></form></section></div>
            """);
        return Sided("users", "Users", content);
    }

    private static Markup UserRow(PageContext page, UserAccount user) => Markup.Of($"""
        <tr><td><span><a href="{Links.Owner(user.Name)}"><b>{user.Name}</b>
        </a> {Markup.When(user.IsAdministrator, $"<span class=\"badge badge-sea\">administrator</span> ")}
        {Markup.When(user.DisabledAt is not null, $"<span class=\"badge badge-bad\">blocked</span> ")}<span class="soft">
        {user.DisplayName}</span></span></td>
        <td data-label="E-mail"><span>{(user.Email.Length == 0 ? "–" : user.Email)}</span></td>
        <td data-label="Last sign-in">{Figures.Moment(user.LastSignInAt?.ToUnixTimeMilliseconds(), page.Now)}</td>
        <td class="number"><span class="row">
        {Action(page, user, user.DisabledAt is null ? "block" : "unblock", user.DisabledAt is null ? "Block" : "Unblock")}
        {Action(page, user, user.IsAdministrator ? "demote" : "promote", user.IsAdministrator ? "No administrator"
            : "Administrator")}</span></td></tr>
        """);

    private static Markup Action(PageContext page, UserAccount user, string action, string label) => Markup.Of($"""
        <form method="post" action="{Links.Admin("user")}">{page.FormToken}<input type="hidden" name="name" value="{user.Name}">
        <input type="hidden" name="action" value="{action}">
        <button class="button-quiet button-small">{label}<span class="visually-hidden">: {user.Name}</span></button></form>
        """);

    private static async Task CreateUserAsync(PageContext page)
    {
        FormFields form = await page.ReadFormAsync();
        AccountServices accounts = page.RequireAdministrator();
        NewUser wanted = new(form.Text("name"), form.Raw("password")) { IsAdministrator = form.IsTicked("administrator") };
        await accounts.Users.CreateAsync(page.Caller, wanted, page.Cancelled);
        await page.RedirectAsync(Links.Admin("users"), "created");
    }

    private static async Task InviteAsync(PageContext page)
    {
        FormFields form = await page.ReadFormAsync();
        AccountServices accounts = page.RequireAdministrator();
        string secret = await accounts.Secrets.InviteAsync(page.Caller, SecretKind.Invitation, form.Text("note"), page.Cancelled);
        string link = accounts.Address.Of(page.Http) + Links.With(Links.SignUp, ("invitation", secret));
        Markup content = Markup.Of($"""
            <div class="secret" role="status"><p><b>Copy the link now: it is not shown again.</b></p>{Commands.Box(link)}</div>
            <p><a class="button-quiet" href="{Links.Admin("users")}">I have it</a></p>
            """);
        await page.SendAsync(Sided("users", "Invitation", content));
    }

    private static async Task ChangeUserAsync(PageContext page)
    {
        FormFields form = await page.ReadFormAsync();
        AccountServices accounts = page.RequireAdministrator();
        string name = form.Text("name");
        string action = form.Text("action");
        await (action switch
        {
            "block" or "unblock" => accounts.Users.SetDisabledAsync(page.Caller, name, action == "block", page.Cancelled),
            "promote" or "demote" => accounts.Users.SetAdministratorAsync(page.Caller, name, action == "promote", page.Cancelled),
            _ => throw ErrorPage.NoSuchPage(),
        });
        await page.RedirectAsync(Links.Admin("users"), action switch { "block" => "blocked", "unblock" => "unblocked", _ => "saved" });
    }

    private static async Task<PageView> AuditAsync(PageContext page)
    {
        AccountServices accounts = page.RequireAdministrator();
        string subject = page.Query("subject").Trim();
        string action = page.Query("action").Trim();
        long? before = long.TryParse(page.Query("before"), NumberStyles.None, CultureInfo.InvariantCulture, out long id) ? id : null;
        AuditFilter filter = new() { Namespace = subject.Length == 0 ? null : subject, Action = action.Length == 0 ? null : action };
        List<AuditEntry> entries = await accounts.Audit.ListAsync(filter, before, EntriesPerPage + 1, page.Cancelled);
        string? next = null;
        string Address(string? mark) => Links.With(Links.Admin("audit"), ("subject", subject), ("action", action), ("before", mark));
        if (entries.Count > EntriesPerPage)
        {
            entries.RemoveAt(EntriesPerPage);
            next = Address(entries[^1].Id.ToString(CultureInfo.InvariantCulture));
        }
        Markup content = Markup.Of($"""
            <form class="filters" action="{Links.Admin("audit")}" aria-label="Filters"><div class="grow">
            <label for="subject">Account or repository</label>
            <input id="subject" name="subject" value="{subject}" maxlength="255" autocapitalize="none" spellcheck="false"></div><div>
            <label for="action">Action</label>
            <input id="action" name="action" value="{action}" maxlength="60" placeholder="tag.delete" size="16" autocapitalize="none"
            spellcheck="false"></div><button class="button">Show</button></form>
            <div class="card card-flush"><table class="table"><caption class="visually-hidden">Audit log</caption><thead><tr>
            <th scope="col">When</th><th scope="col">Who</th><th scope="col">What</th><th scope="col">To what</th>
            <th scope="col">Details</th></tr></thead><tbody>
            {entries.Select(entry => Markup.Of($"""
                <tr><td class="nowrap">{Figures.Moment(entry.At.ToUnixTimeMilliseconds(), page.Now)}</td><td data-label="Who"><span>
                <b>{entry.Actor}</b> <span class="soft small">{entry.Address}</span></span></td><td data-label="What">
                <code class="nowrap">{entry.Action}</code></td><td data-label="To what"><span>{entry.Subject}</span></td>
                <td data-label="Details"><span class="small">{entry.Details}</span></td></tr>
                """))}
            </tbody></table></div>
            {Markup.When(entries.Count == 0, $"<p class=\"soft\">Nothing matches.</p>")}
            {Paging.Links(before is null ? null : Address(null), next)}
            """);
        return Sided("audit", "Audit log", content);
    }
}
