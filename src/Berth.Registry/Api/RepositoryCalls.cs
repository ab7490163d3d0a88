using Berth.Registry.Browsing;
using Berth.Registry.Diary;
using Berth.Registry.Model;
using Berth.Registry.Pages.Start;
using Berth.Registry.Retention;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Api;

/// <summary>The calls beneath <c>/api/v1/repositories</c>. A repository's name of any depth is followed by <c>/-/</c> and what is
/// wanted of it.</summary>
internal static class RepositoryCalls
{
    private const string Divider = "/-/";
    private const int UsualPage = 50;

    public static async Task ListAsync(ApiCall call)
    {
        RepositoryQuery query = new()
        {
            Text = call.Query("q"),
            Namespace = call.Query("owner") is { Length: > 0 } owner ? owner : null,
            IsPrivate = call.OneOf("visibility", "private", "public") switch { "private" => true, "public" => false, _ => null },
            Marks = SearchPage.MarksOf(call.OneOf("is", SearchPage.Marks)),
            Order = SearchPage.OrderOf(call.OneOf("sort", SearchPage.Orders)),
            After = call.Mark(),
            Limit = call.Limit(UsualPage, RepositoryQuery.PageMax),
        };
        Listing<RepositorySummary> found = await call.Services.Browsing.Search.FindAsync(call.Caller, query, call.Cancelled);
        await call.SendAsync(
            new PageWire<RepositoryWire>([.. found.Items.Select(ApiText.Repository)], found.Next), ApiJson.Default.PageWireRepositoryWire);
    }

    public static async Task CreateAsync(ApiCall call)
    {
        RepositoryChangeWire wanted = await call.ReadAsync(ApiJson.Default.RepositoryChangeWire);
        RepositoryName name = RepositoryName.Parse(wanted.Name ?? "");
        if (!await call.Services.Access.MayCreateAsync(call.Caller, name, call.Cancelled))
            throw Refused(call, $"create {name}");
        await call.Services.Browsing.Settings.CreateAsync(call.Caller, name, ChangeOf(wanted), call.Cancelled);
        RepositorySummary made = (await call.Services.Browsing.Search.TryGetAsync(name, call.Cancelled))!;
        await call.SendAsync(ApiText.Repository(made), ApiJson.Default.RepositoryWire, StatusCodes.Status201Created);
    }

    /// <summary>Whatever is asked of one repository.</summary>
    public static async Task OneAsync(ApiCall call)
    {
        (Subject subject, string section, string argument) = await OpenAsync(call);
        call.RequireNames((call.Method, section, argument) switch
        {
            ("GET" or "HEAD", "tags", "") => ["filter", "sort", "after", "limit"],
            ("GET" or "HEAD", "diary", "") => ["tag", "before", "limit"],
            ("POST", "retention", "run") => ["dry-run"],
            _ => [],
        });
        await ((call.Method, section, argument) switch
        {
            ("GET" or "HEAD", "", "") => ShowAsync(subject),
            ("PATCH", "", "") => ChangeAsync(subject),
            ("DELETE", "", "") => DeleteAsync(subject),
            ("GET" or "HEAD", "tags", "") => TagCalls.ListAsync(subject),
            ("GET" or "HEAD", "tags", _) => TagCalls.ShowAsync(subject, argument),
            ("DELETE", "tags", not "") => TagCalls.DeleteAsync(subject, argument),
            ("GET" or "HEAD", "images", not "") => TagCalls.ImageAsync(subject, argument, null, null),
            ("GET" or "HEAD", "diary", "") => TagCalls.DiaryAsync(subject),
            ("POST", "undo", "") => TagCalls.UndoAsync(subject),
            ("GET" or "HEAD", "immutable-tags", "") => RuleCalls.FrozenAsync(subject),
            ("POST", "immutable-tags", "") => RuleCalls.FreezeAsync(subject),
            ("DELETE", "immutable-tags", not "") => RuleCalls.ThawAsync(subject, argument),
            ("GET" or "HEAD", "retention", "") => RuleCalls.RulesAsync(subject),
            ("POST", "retention", "") => RuleCalls.AddAsync(subject),
            ("POST", "retention", "run") => RuleCalls.RunAsync(subject),
            ("DELETE", "retention", not "") => RuleCalls.RemoveAsync(subject, argument),
            ("PUT" or "DELETE", "star", "") => StarAsync(subject),
            _ => throw FaultException.NotFound("there is no such call"),
        });
    }

    /// <summary>One repository for one caller.</summary>
    internal sealed record Subject(ApiCall Call, RepositorySummary Summary, RepositoryAccess Access)
    {
        public long Id => Summary.Id;

        public HubBrowsing Browsing => Call.Services.Browsing;

        /// <exception cref="FaultException">Unauthorized for the anonymous, otherwise Forbidden.</exception>
        public void Require(RepositoryAccess wanted, string what)
        {
            if (!Access.HasFlag(wanted))
                throw Refused(Call, $"{what}: {Summary.Name}");
        }
    }

    private static async Task<(Subject Subject, string Section, string Argument)> OpenAsync(ApiCall call)
    {
        string path = call.Route("path");
        int divider = path.IndexOf(Divider, StringComparison.Ordinal);
        string text = divider < 0 ? path : path[..divider];
        string rest = divider < 0 ? "" : path[(divider + Divider.Length)..];
        int slash = rest.IndexOf('/');
        if (!RepositoryName.TryParse(text, out RepositoryName name))
            throw FaultException.NotFound("there is no such repository");
        RepositoryAccess access = await call.Services.Access.OfAsync(call.Caller, name, call.Cancelled);
        RepositorySummary? summary = access.HasFlag(RepositoryAccess.Pull)
            ? await call.Services.Browsing.Search.TryGetAsync(name, call.Cancelled) : null;
        Subject subject = new(call, summary ?? throw FaultException.NotFound("there is no such repository"), access);
        return (subject, slash < 0 ? rest : rest[..slash], slash < 0 ? "" : rest[(slash + 1)..]);
    }

    private static async Task ShowAsync(Subject subject)
    {
        RepositoryWire wire = ApiText.Repository(subject.Summary) with
        {
            Readme = await subject.Browsing.Settings.ReadmeAsync(subject.Id, subject.Call.Cancelled),
            Tags = await subject.Browsing.Tags.CountAsync(subject.Id, subject.Call.Cancelled),
            May = ApiText.Rights(subject.Access),
        };
        await subject.Call.SendAsync(wire, ApiJson.Default.RepositoryWire);
    }

    private static async Task ChangeAsync(Subject subject)
    {
        subject.Require(RepositoryAccess.Administer, "change");
        RepositoryChangeWire wanted = await subject.Call.ReadAsync(ApiJson.Default.RepositoryChangeWire);
        if (wanted.Name is not null)
            throw FaultException.Invalid("name: a repository keeps its name");
        await subject.Browsing.Settings.ChangeAsync(subject.Call.Caller, subject.Summary.Name, ChangeOf(wanted), subject.Call.Cancelled);
        await subject.Call.DoneAsync();
    }

    private static async Task DeleteAsync(Subject subject)
    {
        subject.Require(RepositoryAccess.Administer, "delete");
        await subject.Browsing.Settings.DeleteAsync(
            subject.Call.Caller, RepositoryName.Parse(subject.Summary.Name), subject.Call.Cancelled);
        await subject.Call.DoneAsync();
    }

    private static async Task StarAsync(Subject subject)
    {
        (_, long account, _) = AccountCalls.Person(subject.Call);
        await subject.Browsing.Stars.SetAsync(account, subject.Id, HttpMethods.IsPut(subject.Call.Method), subject.Call.Cancelled);
        await subject.Call.DoneAsync();
    }

    private static RepositoryChange ChangeOf(RepositoryChangeWire wire) => new()
    {
        Description = wire.Description,
        Readme = wire.Readme,
        IsPrivate = wire.Visibility switch
        {
            null => null,
            "private" => true,
            "public" => false,
            _ => throw FaultException.Invalid("visibility: public or private is expected"),
        },
    };

    private static FaultException Refused(ApiCall call, string what) => call.Caller.AccountId is null
        ? new FaultException(FaultKind.Unauthorized, $"{what}: sign in first")
        : new FaultException(FaultKind.Forbidden, $"{what}: you have no right to it");
}
