using Berth.Registry.Accounts;
using Berth.Registry.Pages.Forms;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Pages.Html;

namespace Berth.Registry.Pages.Accounts;

/// <summary>The signed-in person's own settings: names, password.</summary>
internal static class AccountPages
{
    public static async Task<PageView> MakeAsync(PageContext page)
    {
        (AccountServices accounts, long id, _) = page.RequirePerson();
        UserAccount user = await accounts.Users.FindAsync(id, page.Cancelled) ?? throw ErrorPage.NoSuchPage();
        Markup content = Markup.Of($"""
            <section class="card" aria-labelledby="who"><h2 id="who">Who you are</h2>
            <form method="post" action="{Links.Account}/profile">{page.FormToken}
            {Field.Line("display-name", "Your name as you write it", user.DisplayName,
                Markup.Of($"maxlength=\"100\" autocomplete=\"name\" "))}
            {Field.Line("email", "E-mail", user.Email,
                Markup.Of($"type=\"email\" maxlength=\"100\" autocomplete=\"email\" "), "Seen by you and the administrators.")}
            <button class="button">Save</button></form></section>
            {(user.HasPassword ? Password(page) : Markup.Empty)}
            <section class="card" aria-labelledby="since"><h2 id="since">This account</h2><dl class="facts"><dt>Name</dt>
            <dd>{user.Name}</dd><dt>Made</dt><dd>{Figures.Moment(user.CreatedAt.ToUnixTimeMilliseconds(), page.Now)}</dd>
            <dt>Last sign-in</dt><dd>{Figures.Moment(user.LastSignInAt?.ToUnixTimeMilliseconds(), page.Now)}</dd></dl></section>
            """);
        return Sided(page, "account", "Account settings", content);
    }

    public static async Task ProfileAsync(PageContext page)
    {
        FormFields form = await page.ReadFormAsync();
        (AccountServices accounts, _, string name) = page.RequirePerson();
        await accounts.Users.UpdateAsync(page.Caller, name, form.Text("display-name"), form.Text("email"), page.Cancelled);
        await page.RedirectAsync(Links.Account, "saved");
    }

    public static async Task PasswordAsync(PageContext page)
    {
        FormFields form = await page.ReadFormAsync();
        (AccountServices accounts, long id, string name) = page.RequirePerson();
        Model.Caller? proven = await accounts.SignIn.WithPasswordAsync(
            name, form.Raw("old-password"), page.Caller.RemoteAddress, page.Cancelled);
        // A personal token opens the account, too, but it is no password.
        if (proven is null || proven.AccountId != id || proven.TokenId is not null)
            throw new FaultException(FaultKind.Forbidden, "The password was not changed: the present one is wrong.");
        // A password of one's own would no longer be the file's keeper's to take away.
        if (proven.HtpasswdMark is not null)
            throw new FaultException(
                FaultKind.Forbidden, "The password was not changed: it is kept in the hub's htpasswd file. Ask an administrator.");
        await accounts.Users.SetPasswordAsync(page.Caller, name, form.Raw("new-password"), page.Cancelled);
        // All sessions ended, this one included: the one who just proved the password goes on.
        Tokens.SessionCookie.Set(page.Http, await accounts.SignIn.BeginSessionAsync(proven, page.Cancelled));
        await page.RedirectAsync(Links.Account, "password");
    }

    /// <summary>A page of the account with the list of its pages beside it.</summary>
    public static PageView Sided(PageContext page, string key, string title, Markup content)
    {
        Markup Item(string itemKey, string label, string address) =>
            Markup.Of($"""<li><a href="{address}"{Markup.When(itemKey == key, $" aria-current=\"page\"")}>{label}</a></li>""");
        Markup body = Markup.Of($"""
            <h1>{title}</h1><div class="with-side"><nav aria-label="Account"><ul class="side">
            {Item("account", "Settings", Links.Account)}{Item("tokens", "Access tokens", Links.Tokens)}
            {Item("organisations", "Organisations", Links.Organisations)}{Item("webhooks", "Webhooks", Links.Webhooks(page.Caller.Name!))}
            </ul></nav><div>{content}</div></div>
            """);
        return new PageView { Title = title, Body = body };
    }

    private static Markup Password(PageContext page) => Markup.Of($"""
        <section class="card" aria-labelledby="password"><h2 id="password">Password</h2>
        <form method="post" action="{Links.Account}/password">{page.FormToken}
        {Field.Password("old-password", "Present password", isNew: false)}
        {Field.Password("new-password", "New password",
            isNew: true, $"At least {UserService.PasswordLengthMin} characters. Other browsers are signed out; access tokens stay.")}
        <button class="button">Change</button></form></section>
        """);
}
