using Berth.Registry.Accounts;
using Berth.Registry.Model;
using Berth.Registry.Pages.Forms;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Pages.Html;
using Berth.Registry.Pages.Start;
using Berth.Registry.Tokens;

namespace Berth.Registry.Pages.Accounts;

/// <summary>Personal tokens of a user and robot tokens of an organisation: made and shown once, listed, revoked.</summary>
internal static class TokenPages
{
    private static readonly string[] s_lifetimes = ["7", "30", "90", "365"];

    public static async Task<PageView> MakeAsync(PageContext page)
    {
        (AccountServices accounts, long id, string name) = page.RequirePerson();
        Markup content = Markup.Of($"""
            <p>A token stands in the place of your password on machines and in scripts. It can do less than you, end by itself, and be
            revoked alone.</p>
            {await ListAsync(page, accounts, id, Links.Tokens)}{NewForm(page, Links.Tokens, name, isRobot: false)}
            """);
        return AccountPages.Sided(page, "tokens", "Access tokens", content);
    }

    public static async Task CreateAsync(PageContext page)
    {
        FormFields form = await page.ReadFormAsync();
        (AccountServices accounts, long id, string name) = page.RequirePerson();
        (StoredToken token, string secret) = await CreateAsync(page, accounts, SecretKind.Personal, id, form);
        Markup content = Once(page, token, secret, name, Links.Tokens);
        await page.SendAsync(AccountPages.Sided(page, "tokens", "Access tokens", content));
    }

    public static async Task RevokeAsync(PageContext page)
    {
        FormFields form = await page.ReadFormAsync();
        (AccountServices accounts, long id, _) = page.RequirePerson();
        await RevokeAsync(page, accounts, id, form);
        await page.RedirectAsync(Links.Tokens, "revoked");
    }

    /// <summary>Makes the token that a form asks for.</summary>
    public static Task<(StoredToken Token, string Secret)> CreateAsync(
        PageContext page, AccountServices accounts, SecretKind kind, long accountId, FormFields form)
    {
        string repositories = form.Text("repositories");
        string actions = form.Text("may") switch { "push" => "pull,push", "delete" => "pull,push,delete", "pull" => "pull", _ => "" };
        IReadOnlyList<TokenScope>? scopes = actions.Length == 0 && kind == SecretKind.Personal ? null
            : TokenScopes.Parse(repositories.Split([' ', ',', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries)
                .Select(pattern => $"{pattern}:{(actions.Length == 0 ? "pull" : actions)}"));
        DateTimeOffset? end = form.Text("days") is { Length: > 0 } && form.Number("days") is { } days
            ? page.Now.AddDays(Math.Clamp(days, 1, 3650)) : null;
        return accounts.Secrets.CreateTokenAsync(page.Caller, kind, accountId, form.Text("name"), scopes, end, page.Cancelled);
    }

    /// <summary>Revokes the token that a form names.</summary>
    public static async Task RevokeAsync(PageContext page, AccountServices accounts, long accountId, FormFields form)
    {
        if (!await accounts.Secrets.RevokeTokenAsync(page.Caller, accountId, form.Text("name"), page.Cancelled))
            throw FaultException.NotFound("There is no token of this name any more.");
    }

    /// <summary>The secret, which is shown this once.</summary>
    public static Markup Once(PageContext page, StoredToken token, string secret, string loginName, string back) => Markup.Of($"""
        <div class="secret" role="status"><h2>{token.Name}</h2><p><b>Copy it now: it is not shown again.</b></p>{Commands.Box(secret)}
        <p>Sign in with it in the place of the password:</p>
        {Commands.Box($"docker login {page.RegistryHost} -u {loginName}")}
        {Commands.Box($"berth login {page.RegistryHost} -u {loginName}")}</div>
        <p><a class="button-quiet" href="{back}">I have it</a></p>
        """);

    public static async Task<Markup> ListAsync(PageContext page, AccountServices accounts, long accountId, string action)
    {
        List<StoredToken> tokens = await accounts.Secrets.ListTokensAsync(accountId, page.Cancelled);
        if (tokens.Count == 0)
            return Markup.Of($"""<div class="card empty"><p>No tokens yet.</p></div>""");
        return Markup.Of($"""
            <div class="card card-flush"><table class="table"><caption class="visually-hidden">Tokens</caption><thead><tr>
            <th scope="col">Name</th><th scope="col">May</th><th scope="col">Last used</th><th scope="col">Ends</th><th scope="col">
            <span class="visually-hidden">Revoke</span></th></tr></thead>
            <tbody>{tokens.Select(token => Row(page, token, action))}</tbody></table></div>
            """);
    }

    public static Markup NewForm(PageContext page, string action, string space, bool isRobot) => Markup.Of($"""
        <section class="card" aria-labelledby="new-token"><h2 id="new-token">New token</h2>
        <form method="post" action="{action}">{page.FormToken}
        {Field.Line("name", "Name", "", Markup.Of($"required maxlength=\"100\" autocomplete=\"off\" "), isRobot
            ? "Lower-case letters and digits: it becomes a part of the robot's name." : "What it is for: laptop, build server.")}
        <div class="field"><label for="may">It may</label>
        <select id="may" name="may">
        {SearchPage.Option("pull", "pull", "pull")}{SearchPage.Option("push", "pull and push", "pull")}
        {SearchPage.Option("delete", "pull, push and delete", "pull")}
        {(isRobot ? Markup.Empty : SearchPage.Option("", "all that you may", "pull"))}</select></div>
        {Field.Line("repositories", "In these repositories", space + "/*",
            Markup.Of($"autocapitalize=\"none\" spellcheck=\"false\" maxlength=\"4000\" "),
            $"Names or {space}/*, with spaces between them.")}
        <div class="field"><label for="days">It ends</label>
        <select id="days" name="days">
        {s_lifetimes.Select(days => SearchPage.Option(days, $"in {days} days", "90"))}
        {SearchPage.Option("", "when it is revoked", "90")}</select></div>
        <button class="button">Make the token</button></form></section>
        """);

    private static Markup Row(PageContext page, StoredToken token, string action) => Markup.Of($"""
        <tr><td><span><b>{token.Name}</b> <span class="soft mono">{token.Hint}</span></span></td><td data-label="May">
        <code>{(token.Scopes is null ? "all that you may" : TokenScopes.Format(token.Scopes))}</code></td>
        <td data-label="Last used">{Figures.Moment(token.LastUsedAt?.ToUnixTimeMilliseconds(), page.Now)}</td><td data-label="Ends">
        <span>{(token.ExpiresAt is { } end ? Figures.Exact(end.ToUnixTimeMilliseconds()) : "never")}</span></td>
        <td class="number"><form method="post" action="{action}/revoke">
        {page.FormToken}<input type="hidden" name="name" value="{token.Name}">
        <button class="button-danger button-small">Revoke<span class="visually-hidden"> {token.Name}</span></button></form></td></tr>
        """);
}
