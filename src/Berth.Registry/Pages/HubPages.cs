using Berth.Registry.Accounts.Oidc;
using Berth.Registry.Hosting;
using Berth.Registry.Pages.Accounts;
using Berth.Registry.Pages.Administration;
using Berth.Registry.Pages.Assets;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Pages.Html;
using Berth.Registry.Pages.Repositories;
using Berth.Registry.Pages.Start;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Berth.Registry.Pages;

/// <summary>The hub's pages for people: rendered here, readable without a script.</summary>
public static class HubPages
{
    private static readonly string[] s_read = [HttpMethods.Get, HttpMethods.Head];

    /// <summary>The pages of a repository, as they stand behind <c>/r/NAME/-/</c>; <c>*</c> is a tag or a digest.</summary>
    public static IReadOnlyCollection<string> RepositoryPages => RepositoryRoutes.Pages;

    /// <summary>Maps every page and every form.</summary>
    public static void Map(IEndpointRouteBuilder endpoints, HubServices services)
    {
        PageRunner runner = new(services);
        endpoints.MapMethods(AssetFiles.Folder + "{name}", s_read, AssetFiles.ServeAsync);
        void Page(string pattern, Func<PageContext, Task<PageView>> make) => endpoints.MapMethods(pattern, s_read, runner.Page(make));
        void Form(string pattern, Func<PageContext, Task> handle) => endpoints.MapPost(pattern, runner.Form(handle));

        Page(Links.Start, StartPage.MakeAsync);
        Page(Links.Search, SearchPage.MakeAsync);
        Form(Links.Theme, ThemeForm.HandleAsync);
        Page("/r/{**path}", page => RepositoryRoutes.ReadAsync(page, Value(page, "path")));
        Form("/r/{**path}", page => RepositoryRoutes.WriteAsync(page, Value(page, "path")));
        Page("/u/{name}", page => OwnerPage.MakeAsync(page, Value(page, "name")));
        Page("/u/{name}/-/people", page => OrganisationPages.PeopleAsync(page, Value(page, "name")));
        Page("/u/{name}/-/robots", page => OrganisationPages.RobotsAsync(page, Value(page, "name")));
        Page("/u/{name}/-/webhooks", page => WebhookPages.MakeAsync(page, Value(page, "name")));
        Form("/u/{name}/-/webhooks", page => WebhookPages.CreateAsync(page, Value(page, "name")));
        Form("/u/{name}/-/webhooks/remove", page => WebhookPages.RemoveAsync(page, Value(page, "name")));
        Form("/u/{name}/-/{**action}", page => OrganisationPages.WriteAsync(page, Value(page, "name"), Value(page, "action")));
        Page(Links.NewRepository, NewRepositoryPage.MakeAsync);
        Form(Links.NewRepository, NewRepositoryPage.CreateAsync);

        Page(Links.SignIn, page => Task.FromResult(SignInPages.SignIn(page)));
        Form(Links.SignIn, SignInPages.SignInAsync);
        endpoints.Map(OidcEndpoints.StartPath, runner.Form(SignInPages.AtProviderAsync));
        endpoints.Map(OidcEndpoints.CallbackPath, runner.Form(SignInPages.AtProviderAsync));
        Form(Links.SignOut, SignInPages.SignOutAsync);
        Page(Links.SignUp, page => Task.FromResult(SignInPages.SignUp(page)));
        Form(Links.SignUp, SignInPages.SignUpAsync);
        Page(Links.Setup, page => SignInPages.SetUpAsync(page));
        Form(Links.Setup, SignInPages.SetUpWriteAsync);
        Page(Links.Account, AccountPages.MakeAsync);
        Form(Links.Account + "/profile", AccountPages.ProfileAsync);
        Form(Links.Account + "/password", AccountPages.PasswordAsync);
        Page(Links.Tokens, TokenPages.MakeAsync);
        Form(Links.Tokens, TokenPages.CreateAsync);
        Form(Links.Tokens + "/revoke", TokenPages.RevokeAsync);
        Page(Links.Organisations, OrganisationPages.MineAsync);
        Form(Links.Organisations, OrganisationPages.CreateAsync);
        AdministrationPages.Map(Page, Form);
        endpoints.MapFallback("{**path}", runner.Page(_ => throw ErrorPage.NoSuchPage()));
    }

    private static string Value(PageContext page, string name) => (string?)page.Http.Request.RouteValues[name] ?? "";
}
