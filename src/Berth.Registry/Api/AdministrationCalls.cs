using Berth.Registry.Accounts;
using Berth.Registry.Audit;
using Berth.Registry.Browsing;
using Berth.Registry.Collection;
using Berth.Registry.Pages.Html;
using Berth.Registry.Tokens;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Api;

/// <summary>The calls of administrators; to all others there is nothing beneath <c>/api/v1/admin</c>.</summary>
internal static class AdministrationCalls
{
    private const int UsualPage = 100;

    /// <summary>A call for administrators; to all others it is not found, whatever its query names.</summary>
    public static Func<ApiCall, Task> Only(Func<ApiCall, Task> handle, IReadOnlyList<string> names) => call =>
    {
        Administrator(call);
        call.RequireNames(names);
        return handle(call);
    };

    public static async Task FiguresAsync(ApiCall call)
    {
        Administrator(call);
        HubFigures figures = await HubFigures.CountAsync(call.Services.Database, call.Cancelled);
        FiguresWire wire = new(
            figures.Users, figures.Organisations, figures.Repositories, figures.PrivateRepositories, figures.Tags, figures.Manifests,
            figures.Blobs, figures.BlobBytes, figures.WaitingBytes, figures.Uploads, figures.UploadBytes);
        await call.SendAsync(wire, ApiJson.Default.FiguresWire);
    }

    public static async Task UsersAsync(ApiCall call)
    {
        AccountServices accounts = Administrator(call);
        int limit = call.Limit(UsualPage, UserService.PageMax);
        List<UserAccount> users = await accounts.Users.ListAsync(call.Query("after"), limit, call.Cancelled);
        PageWire<AccountWire> wire = new([.. users.Select(AccountCalls.Account)], users.Count < limit ? null : users[^1].Name);
        await call.SendAsync(wire, ApiJson.Default.PageWireAccountWire);
    }

    public static async Task CreateUserAsync(ApiCall call)
    {
        AccountServices accounts = Administrator(call);
        NewAccountWire wanted = await call.ReadAsync(ApiJson.Default.NewAccountWire);
        NewUser user = new(wanted.Name ?? "", wanted.Password ?? "")
        {
            DisplayName = wanted.DisplayName ?? "", Email = wanted.Email ?? "", IsAdministrator = wanted.Administrator ?? false,
        };
        UserAccount made = await accounts.Users.CreateAsync(call.Caller, user, call.Cancelled);
        await call.SendAsync(AccountCalls.Account(made), ApiJson.Default.AccountWire, StatusCodes.Status201Created);
    }

    public static async Task ChangeUserAsync(ApiCall call)
    {
        AccountServices accounts = Administrator(call);
        string name = call.Route("user");
        AccountChangeWire wanted = await call.ReadAsync(ApiJson.Default.AccountChangeWire);
        UserChange change = new()
        {
            DisplayName = wanted.DisplayName, Email = wanted.Email, IsAdministrator = wanted.Administrator, IsDisabled = wanted.Blocked,
        };
        await accounts.Users.ChangeAsync(call.Caller, name, change, call.Cancelled);
        await call.DoneAsync();
    }

    public static async Task InviteAsync(ApiCall call)
    {
        AccountServices accounts = Administrator(call);
        InvitationWire wanted = await call.ReadAsync(ApiJson.Default.InvitationWire);
        string secret = await accounts.Secrets.InviteAsync(call.Caller, SecretKind.Invitation, wanted.Note ?? "", call.Cancelled);
        string link = accounts.Address.Of(call.Http) + Links.With(Links.SignUp, ("invitation", secret));
        await call.SendAsync(new InvitationWire(wanted.Note, link), ApiJson.Default.InvitationWire, StatusCodes.Status201Created);
    }

    public static async Task CollectAsync(ApiCall call)
    {
        AccountServices accounts = Administrator(call);
        CollectionReport report = await call.Services.Collector.RunAsync(call.Cancelled);
        string details = $"{report.BlobsRemoved} blobs removed, {report.BytesFreed} bytes freed";
        await accounts.Audit.RecordCollectionAsync(call.Caller, details, call.Cancelled);
        CollectionWire wire = new(
            report.BytesFreed, report.BlobsRemoved, report.BlobsUnlinked, report.UploadsExpired, report.UnnamedRemoved,
            report.SweepRefusal);
        await call.SendAsync(wire, ApiJson.Default.CollectionWire);
    }

    public static async Task AuditAsync(ApiCall call)
    {
        AccountServices accounts = Administrator(call);
        AuditFilter filter = new()
        {
            Namespace = call.Query("subject") is { Length: > 0 } subject ? subject : null,
            Action = call.Query("action") is { Length: > 0 } action ? action : null,
        };
        int limit = call.Limit(UsualPage, AuditLog.PageMax);
        List<AuditEntry> entries = await accounts.Audit.ListAsync(filter, call.Number("before"), limit, call.Cancelled);
        IReadOnlyList<AuditWire> items = [.. entries.Select(entry =>
            new AuditWire(entry.Id, entry.At, entry.Actor, entry.Address, entry.Action, entry.Subject, entry.Details))];
        string? next = entries.Count < limit ? null : entries[^1].Id.ToString(System.Globalization.CultureInfo.InvariantCulture);
        await call.SendAsync(new PageWire<AuditWire>(items, next), ApiJson.Default.PageWireAuditWire);
    }

    private static AccountServices Administrator(ApiCall call) => call.Caller.IsAdministrator
        ? call.Services.Accounts : throw FaultException.NotFound("there is no such call");
}
