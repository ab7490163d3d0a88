using System.Reflection;
using Berth.Registry.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Berth.Registry.Api;

/// <summary>The JSON API beneath <c>/api/v1</c>, described in docs/hub-api.md, and docker's search.</summary>
public static class HubApi
{
    private const string Root = "/api/v1";
    private static readonly string[] s_read = [HttpMethods.Get, HttpMethods.Head];
    private static readonly string[] s_any = [HttpMethods.Get, HttpMethods.Head, HttpMethods.Post, HttpMethods.Put, HttpMethods.Patch,
        HttpMethods.Delete];
    private static readonly string[] s_patch = [HttpMethods.Patch];

    /// <summary>Maps every call.</summary>
    public static void Map(IEndpointRouteBuilder endpoints, HubServices services)
    {
        ApiRunner runner = new(services);
        void Read(string path, Func<ApiCall, Task> handle) => endpoints.MapMethods(Root + path, s_read, runner.Call(handle));
        void Post(string path, Func<ApiCall, Task> handle) => endpoints.MapPost(Root + path, runner.Call(handle));
        void Patch(string path, Func<ApiCall, Task> handle) => endpoints.MapMethods(Root + path, s_patch, runner.Call(handle));

        Read("", ShowAsync);
        Read("/repositories", RepositoryCalls.ListAsync);
        Post("/repositories", RepositoryCalls.CreateAsync);
        endpoints.MapMethods(Root + "/repositories/{**path}", s_any, runner.Call(RepositoryCalls.OneAsync));
        Read("/account", AccountCalls.ShowAsync);
        Patch("/account", AccountCalls.ChangeAsync);
        Read("/account/tokens", AccountCalls.TokensAsync);
        Post("/account/tokens", AccountCalls.CreateTokenAsync);
        endpoints.MapDelete(Root + "/account/tokens/{token}", runner.Call(AccountCalls.RevokeTokenAsync));
        Read("/organisations", AccountCalls.OrganisationsAsync);
        Post("/organisations", AccountCalls.CreateOrganisationAsync);
        endpoints.MapMethods(Root + "/organisations/{name}/{**rest}", s_any, runner.Call(AccountCalls.OrganisationAsync));
        Read("/admin/figures", AdministrationCalls.FiguresAsync);
        Read("/admin/users", AdministrationCalls.UsersAsync);
        Post("/admin/users", AdministrationCalls.CreateUserAsync);
        Patch("/admin/users/{user}", AdministrationCalls.ChangeUserAsync);
        Post("/admin/invitations", AdministrationCalls.InviteAsync);
        Post("/admin/collect", AdministrationCalls.CollectAsync);
        Read("/admin/audit", AdministrationCalls.AuditAsync);
        endpoints.MapMethods("/v1/search", s_read, runner.Call(DockerSearch.SearchAsync));
        endpoints.MapMethods("/v1/_ping", s_read, runner.Call(DockerSearch.PingAsync));
        endpoints.MapMethods(Root + "/{**rest}", s_any, runner.Call(_ => throw FaultException.NotFound("there is no such call")));
    }

    private static Task ShowAsync(ApiCall call) => call.SendAsync(
        new HubWire(
            "berth-hub",
            typeof(HubApi).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "",
            !call.Services.Options.AnonymousPush, call.Services.Accounts.Settings.SignUp.ToString().ToLowerInvariant()),
        ApiJson.Default.HubWire);
}
