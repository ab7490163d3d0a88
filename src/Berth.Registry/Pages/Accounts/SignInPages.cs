using Berth.Registry.Accounts;
using Berth.Registry.Accounts.Oidc;
using Berth.Registry.Model;
using Berth.Registry.Pages.Forms;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Pages.Html;
using Berth.Registry.Tokens;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Pages.Accounts;

/// <summary>Signing in, up and out, and the link that makes the first administrator.</summary>
internal static class SignInPages
{
    public static PageView SignIn(PageContext page, string name = "", string? refusal = null, string? back = null)
    {
        page.RequireAccounts();
        string target = back ?? page.Query("back");
        Markup body = Markup.Of($"""
            <div class="card narrow"><h1>Sign in</h1>{Refusal(refusal)}
            <form method="post" action="{Links.SignIn}">{page.FormToken}<input type="hidden" name="back" value="{target}">
            {Field.AccountName("name", "Name", name)}{Field.Password("password", "Password", isNew: false)}
            <button class="button">Sign in</button></form>
            {ProviderLink(page, target)}
            {Markup.When(page.MaySignUp, $"<hr><p>No account yet? <a href=\"{Links.SignUp}\">Sign up</a></p>")}</div>
            """);
        return new PageView { Title = "Sign in", Body = body, Status = refusal is null ? 200 : 401 };
    }

    public static async Task SignInAsync(PageContext page)
    {
        AccountServices accounts = page.RequireAccounts();
        FormFields form = await page.ReadFormAsync();
        string name = form.Text("name").ToLowerInvariant();
        Caller? caller = null;
        string refusal = "There is no account with this name and password.";
        try
        {
            caller = await accounts.SignIn.WithPasswordAsync(name, form.Raw("password"), page.Caller.RemoteAddress, page.Cancelled);
        }
        catch (TooManyAttemptsException tooMany)
        {
            long seconds = Math.Max(1, (long)Math.Ceiling(tooMany.Wait.TotalSeconds));
            refusal = $"Too many attempts. Try again in {Figures.Counted(seconds, "second")}.";
        }
        if (caller is null)
        {
            await page.SendAsync(SignIn(page, name, refusal, form.Text("back")));
            return;
        }
        SessionCookie.Set(page.Http, await accounts.SignIn.BeginSessionAsync(caller, page.Cancelled));
        await page.RedirectAsync(Back(form));
    }

    /// <summary>The way to the OpenID provider and back. What goes wrong on it is told in the browser.</summary>
    public static async Task AtProviderAsync(PageContext page)
    {
        OidcEndpoints provider = page.Accounts?.Oidc ?? throw ErrorPage.NoSuchPage();
        try
        {
            await provider.HandleAsync(page.Http);
        }
        catch (FaultException fault)
        {
            int status = fault.Kind switch
            {
                FaultKind.InvalidArgument => StatusCodes.Status400BadRequest,
                FaultKind.Unauthorized or FaultKind.Forbidden => StatusCodes.Status403Forbidden,
                FaultKind.Conflict => StatusCodes.Status409Conflict,
                _ => StatusCodes.Status502BadGateway,
            };
            Markup body = Markup.Of($"""
                <div class="card empty"><h1>The sign-in did not work</h1><p>{ErrorPage.Sentence(fault)}</p>
                <p class="row"><a class="button" href="{Links.SignIn}">Sign in again</a>
                <a class="button-quiet" href="{Links.Start}">To the start page</a></p></div>
                """);
            await page.SendAsync(new PageView { Title = "The sign-in did not work", Body = body, Status = status });
        }
    }

    public static async Task SignOutAsync(PageContext page)
    {
        AccountServices accounts = page.RequireAccounts();
        await page.ReadFormAsync();
        if (SessionCookie.Read(page.Http) is { } secret)
            await accounts.Secrets.EndSessionAsync(page.Caller, secret, page.Cancelled);
        SessionCookie.Clear(page.Http);
        await page.RedirectAsync(Links.Start, "signed-out");
    }

    public static PageView SignUp(PageContext page, Registration? filled = null, string? refusal = null)
    {
        AccountServices accounts = page.RequireAccounts();
        if (!page.MaySignUp)
            throw new FaultException(FaultKind.Forbidden, "Accounts on this hub are made by its administrators.");
        string invitation = filled?.Invitation ?? page.Query("invitation");
        Markup body = Markup.Of($"""
            <div class="card narrow"><h1>Sign up</h1>{Refusal(refusal)}
            <form method="post" action="{Links.SignUp}">{page.FormToken}{Fields(filled)}
            {(accounts.Settings.SignUp == SignUpMode.Invited
                ? Field.Line("invitation", "Invitation", invitation, Markup.Of($"required autocomplete=\"off\" ")) : Markup.Empty)}
            <button class="button">Sign up</button></form><hr><p>You have an account? <a href="{Links.SignIn}">Sign in</a></p></div>
            """);
        return new PageView { Title = "Sign up", Body = body, Status = refusal is null ? 200 : 400 };
    }

    public static async Task SignUpAsync(PageContext page)
    {
        AccountServices accounts = page.RequireAccounts();
        FormFields form = await page.ReadFormAsync();
        Registration wanted = Read(form);
        UserAccount user;
        try
        {
            user = await accounts.Users.RegisterAsync(wanted, page.Caller.RemoteAddress, page.Cancelled);
        }
        catch (FaultException fault) when (fault.Kind is FaultKind.InvalidArgument or FaultKind.Conflict or FaultKind.Forbidden
            && page.MaySignUp)
        {
            await page.SendAsync(SignUp(page, wanted, fault.Message));
            return;
        }
        await EnterAsync(page, accounts, user);
    }

    public static async Task<PageView> SetUpAsync(PageContext page, string? secret = null, Registration? filled = null,
        string? refusal = null)
    {
        AccountServices accounts = page.RequireAccounts();
        string token = secret ?? page.Query("token");
        if (!await accounts.Secrets.IsRedeemableAsync(SecretKind.Setup, token, page.Cancelled)
            || await accounts.Users.HasAdministratorAsync(page.Cancelled))
            throw new FaultException(
                FaultKind.Forbidden,
                "This link was used already or has expired. A restart of the hub prints a new one while there is no administrator.");
        Markup body = Markup.Of($"""
            <div class="card narrow"><h1>Welcome</h1><p>This hub is new. Make the account of its first administrator.</p>{Refusal(refusal)}
            <form method="post" action="{Links.Setup}">{page.FormToken}<input type="hidden" name="token" value="{token}">{Fields(filled)}
            <button class="button">Make the account</button></form></div>
            """);
        return new PageView { Title = "First administrator", Body = body, Status = refusal is null ? 200 : 400 };
    }

    public static async Task SetUpWriteAsync(PageContext page)
    {
        AccountServices accounts = page.RequireAccounts();
        FormFields form = await page.ReadFormAsync();
        Registration wanted = Read(form);
        UserAccount user;
        try
        {
            user = await accounts.Users.SetUpAsync(form.Text("token"), wanted, page.Caller.RemoteAddress, page.Cancelled);
        }
        catch (FaultException fault) when (fault.Kind is FaultKind.InvalidArgument or FaultKind.Conflict)
        {
            await page.SendAsync(await SetUpAsync(page, form.Text("token"), wanted, fault.Message));
            return;
        }
        await EnterAsync(page, accounts, user);
    }

    private static async Task EnterAsync(PageContext page, AccountServices accounts, UserAccount user)
    {
        Caller caller = new()
        {
            AccountId = user.Id, Name = user.Name, IsAdministrator = user.IsAdministrator, RemoteAddress = page.Caller.RemoteAddress,
        };
        SessionCookie.Set(page.Http, await accounts.SignIn.BeginSessionAsync(caller, page.Cancelled));
        await page.RedirectAsync(Links.Start);
    }

    private static Markup Fields(Registration? filled) => Markup.Of($"""
        {Field.AccountName("name", "Name", filled?.Name ?? "", "Lower-case letters and digits; your repositories begin with it.")}
        {Field.Line("display-name", "Your name as you write it", filled?.DisplayName ?? "",
            Markup.Of($"maxlength=\"100\" autocomplete=\"name\" "))}
        {Field.Line("email", "E-mail", filled?.Email ?? "",
            Markup.Of($"type=\"email\" maxlength=\"100\" autocomplete=\"email\" "), "Seen by you and the administrators.")}
        {Field.Password("password", "Password", isNew: true, $"At least {UserService.PasswordLengthMin} characters.")}
        """);

    // These fields and no others: what else a form carries is never looked at.
    private static Registration Read(FormFields form) => new(
        form.Text("name"), form.Raw("password"), form.Text("display-name"), form.Text("email"),
        form.Text("invitation") is { Length: > 0 } invitation ? invitation : null);

    private static Markup ProviderLink(PageContext page, string back)
    {
        if (page.Accounts?.Oidc is not { } provider)
            return Markup.Empty;
        string address = Links.With(OidcEndpoints.StartPath, ("return_to", Links.IsLocal(back) ? back : null));
        return Markup.Of($"""<hr><p><a class="button-quiet" href="{address}">Sign in with {provider.ProviderName}</a></p>""");
    }

    private static Markup Refusal(string? text) =>
        text is null ? Markup.Empty : Markup.Of($"""<div class="notice notice-bad" role="alert"><p>{text}</p></div>""");

    private static string Back(FormFields form) => Links.IsLocal(form.Text("back")) ? form.Text("back") : Links.Start;
}
