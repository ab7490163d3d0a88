using System.Reflection;
using Berth.Registry.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Berth.Registry.Api;

/// <summary>The JSON API beneath <c>/api/v1</c>, described in docs/hub-api.md, and docker's search.</summary>
public static class HubApi
{
    /// <summary>Where its paths begin.</summary>
    internal const string Root = "/api/v1";
    private static readonly string[] s_read = [HttpMethods.Get, HttpMethods.Head];
    private static readonly string[] s_any = [HttpMethods.Get, HttpMethods.Head, HttpMethods.Post, HttpMethods.Put, HttpMethods.Patch,
        HttpMethods.Delete];
    private static readonly string[] s_patch = [HttpMethods.Patch];
    private static readonly string[] s_put = [HttpMethods.Put];
    private static readonly string[] s_delete = [HttpMethods.Delete];
    private static readonly string[] s_post = [HttpMethods.Post];

    /// <summary>Maps every call.</summary>
    public static void Map(IEndpointRouteBuilder endpoints, HubServices services)
    {
        ApiRunner runner = new(services);
        void Read(string path, Func<ApiCall, Task> handle, params IReadOnlyList<string> names) =>
            endpoints.MapMethods(Root + path, s_read, runner.Call(handle, names));
        void Post(string path, Func<ApiCall, Task> handle) => endpoints.MapPost(Root + path, runner.Call(handle, []));
        void Patch(string path, Func<ApiCall, Task> handle) => endpoints.MapMethods(Root + path, s_patch, runner.Call(handle, []));

        Read("", ShowAsync);
        Read("/repositories", RepositoryCalls.ListAsync, "q", "owner", "visibility", "is", "sort", "after", "limit");
        Post("/repositories", RepositoryCalls.CreateAsync);
        endpoints.MapMethods(Root + "/repositories/{**path}", s_any, runner.Call(RepositoryCalls.OneAsync, null));
        Read("/account", AccountCalls.ShowAsync);
        Patch("/account", AccountCalls.ChangeAsync);
        Read("/account/tokens", AccountCalls.TokensAsync);
        Post("/account/tokens", AccountCalls.CreateTokenAsync);
        endpoints.MapDelete(Root + "/account/tokens/{token}", runner.Call(AccountCalls.RevokeTokenAsync, []));
        Read("/organisations", AccountCalls.OrganisationsAsync);
        Post("/organisations", AccountCalls.CreateOrganisationAsync);
        endpoints.MapMethods(Root + "/organisations/{name}/{**rest}", s_any, runner.Call(AccountCalls.OrganisationAsync, []));
        void Admin(string[] methods, string path, Func<ApiCall, Task> handle, params IReadOnlyList<string> names) =>
            endpoints.MapMethods(Root + "/admin" + path, methods, runner.Call(AdministrationCalls.Only(handle, names), null));

        Admin(s_read, "/figures", AdministrationCalls.FiguresAsync);
        Admin(s_read, "/users", AdministrationCalls.UsersAsync, "after", "limit");
        Admin(s_post, "/users", AdministrationCalls.CreateUserAsync);
        Admin(s_patch, "/users/{user}", AdministrationCalls.ChangeUserAsync);
        Admin(s_post, "/invitations", AdministrationCalls.InviteAsync);
        Admin(s_read, "/marks", MarkCalls.ListAsync);
        Admin(s_put, "/marks/{mark}/{**name}", MarkCalls.SetAsync);
        Admin(s_delete, "/marks/{mark}/{**name}", MarkCalls.UnsetAsync);
        Admin(s_post, "/collect", AdministrationCalls.CollectAsync);
        Admin(s_read, "/audit", AdministrationCalls.AuditAsync, "subject", "action", "before", "limit");
        // Docker's protocol, not ours: its clients send what they like.
        endpoints.MapMethods("/v1/search", s_read, runner.Call(DockerSearch.SearchAsync, null));
        endpoints.MapMethods("/v1/_ping", s_read, runner.Call(DockerSearch.PingAsync, null));
        endpoints.MapMethods(Root + "/{**rest}", s_any, runner.Call(_ => throw FaultException.NotFound("there is no such call"), null));
    }

    private static Task ShowAsync(ApiCall call) => call.SendAsync(
        new HubWire(
            "berth-hub",
            typeof(HubApi).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "",
            !call.Services.Options.AnonymousPush, call.Services.Accounts.Settings.SignUp.ToString().ToLowerInvariant()),
        ApiJson.Default.HubWire);
}
