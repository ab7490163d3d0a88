using Berth.Registry.Accounts;
using Berth.Registry.Model;
using Berth.Registry.Pages.Accounts;
using Berth.Registry.Tokens;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Api;

/// <summary>The calls about one's own account, its tokens, and organisations.</summary>
internal static class AccountCalls
{
    public static async Task ShowAsync(ApiCall call)
    {
        (AccountServices accounts, long id, _) = Person(call);
        UserAccount user = await accounts.Users.FindAsync(id, call.Cancelled) ?? throw FaultException.NotFound("the account is gone");
        await call.SendAsync(Account(user), ApiJson.Default.AccountWire);
    }

    public static async Task ChangeAsync(ApiCall call)
    {
        (AccountServices accounts, long id, string name) = Person(call);
        AccountChangeWire wanted = await call.ReadAsync(ApiJson.Default.AccountChangeWire);
        if (wanted.Administrator is not null || wanted.Blocked is not null)
            throw new FaultException(FaultKind.Forbidden, "change account: rights are given by administrators");
        UserAccount user = await accounts.Users.FindAsync(id, call.Cancelled) ?? throw FaultException.NotFound("the account is gone");
        await accounts.Users.UpdateAsync(
            call.Caller, name, wanted.DisplayName ?? user.DisplayName, wanted.Email ?? user.Email, call.Cancelled);
        await call.DoneAsync();
    }

    public static async Task TokensAsync(ApiCall call)
    {
        (AccountServices accounts, long id, _) = Person(call);
        List<StoredToken> tokens = await accounts.Secrets.ListTokensAsync(id, call.Cancelled);
        await call.SendAsync(new PageWire<TokenWire>([.. tokens.Select(token => Token(token, null))], null),
            ApiJson.Default.PageWireTokenWire);
    }

    public static async Task CreateTokenAsync(ApiCall call)
    {
        (AccountServices accounts, long id, _) = Person(call);
        await CreateTokenAsync(call, accounts, SecretKind.Personal, id);
    }

    public static async Task RevokeTokenAsync(ApiCall call)
    {
        (AccountServices accounts, long id, _) = Person(call);
        await RevokeTokenAsync(call, accounts, id);
    }

    public static async Task OrganisationsAsync(ApiCall call)
    {
        (AccountServices accounts, long id, _) = Person(call);
        List<(Organisation Organisation, OrganisationRole Role)> mine = await accounts.Organisations.ListOfAsync(id, call.Cancelled);
        IReadOnlyList<OrganisationWire> items = [.. mine.Select(each => new OrganisationWire(
            each.Organisation.Name, each.Organisation.DisplayName, each.Organisation.CreatedAt, OrganisationPages.RoleText(each.Role)))];
        await call.SendAsync(new PageWire<OrganisationWire>(items, null), ApiJson.Default.PageWireOrganisationWire);
    }

    public static async Task CreateOrganisationAsync(ApiCall call)
    {
        (AccountServices accounts, _, string name) = Person(call);
        NewOrganisationWire wanted = await call.ReadAsync(ApiJson.Default.NewOrganisationWire);
        Organisation made = await accounts.Organisations.CreateAsync(call.Caller, wanted.Name ?? "", wanted.DisplayName ?? "", name,
            call.Cancelled);
        await call.SendAsync(
            new OrganisationWire(made.Name, made.DisplayName, made.CreatedAt, "owner"), ApiJson.Default.OrganisationWire,
                StatusCodes.Status201Created);
    }

    /// <summary>Whatever is asked of one organisation: its members, teams and robots.</summary>
    public static async Task OrganisationAsync(ApiCall call)
    {
        string name = call.Route("name");
        string[] rest = call.Route("rest").Split('/', StringSplitOptions.RemoveEmptyEntries);
        (AccountServices accounts, Organisation organisation, OrganisationRole role) = await OpenAsync(call, name);
        if (rest.Length == 0 && (HttpMethods.IsGet(call.Method) || HttpMethods.IsHead(call.Method)))
        {
            await ShowOrganisationAsync(call, accounts, organisation, role);
            return;
        }
        if (role != OrganisationRole.Owner)
            throw new FaultException(FaultKind.Forbidden, $"change {name}: only its owners may");
        await ChangeOrganisationAsync(call, accounts, organisation, rest);
    }

    public static AccountWire Account(UserAccount user) => new(
        user.Name, user.DisplayName, user.Email, user.IsAdministrator, user.DisabledAt is not null, user.CreatedAt, user.LastSignInAt);

    private static async Task ChangeOrganisationAsync(ApiCall call, AccountServices accounts, Organisation organisation, string[] rest)
    {
        string name = organisation.Name;
        CancellationToken token = call.Cancelled;
        switch (call.Method, rest)
        {
            case ("DELETE", []):
                await accounts.Organisations.RemoveAsync(call.Caller, name, token);
                break;
            case ("PUT", ["members", var user]):
                RoleWire role = await call.ReadAsync(ApiJson.Default.RoleWire);
                await accounts.Organisations.SetMemberAsync(call.Caller, name, user, OrganisationPages.RoleOf(role.Role ?? ""), token);
                break;
            case ("DELETE", ["members", var user]):
                await accounts.Organisations.RemoveMemberAsync(call.Caller, name, user, token);
                break;
            case ("POST", ["teams"]):
                NewTeamWire team = await call.ReadAsync(ApiJson.Default.NewTeamWire);
                await accounts.Teams.CreateAsync(call.Caller, name, team.Name ?? "", team.Description ?? "", token);
                break;
            case ("DELETE", ["teams", var removed]):
                await accounts.Teams.RemoveAsync(call.Caller, name, removed, token);
                break;
            case ("PUT", ["teams", var joined, "members", var user]):
                await accounts.Teams.AddMemberAsync(call.Caller, name, joined, user, token);
                break;
            case ("DELETE", ["teams", var left, "members", var user]):
                await accounts.Teams.RemoveMemberAsync(call.Caller, name, left, user, token);
                break;
            case ("PUT", ["teams", var given, "rights"]):
                RightWire right = await call.ReadAsync(ApiJson.Default.RightWire);
                await accounts.Teams.SetPermissionAsync(
                    call.Caller, name, given, right.Repository ?? "", OrganisationPages.AccessOf(right.Access ?? ""), token);
                break;
            case ("GET" or "HEAD", ["robots"]):
                List<StoredToken> robots = await accounts.Secrets.ListTokensAsync(organisation.Id, token);
                await call.SendAsync(
                    new PageWire<TokenWire>([.. robots.Select(robot => Token(robot, null))], null), ApiJson.Default.PageWireTokenWire);
                return;
            case ("POST", ["robots"]):
                await CreateTokenAsync(call, accounts, SecretKind.Robot, organisation.Id);
                return;
            case ("DELETE", ["robots", var robot]):
                await RevokeAsync(call, accounts, organisation.Id, robot);
                return;
            default:
                throw FaultException.NotFound("there is no such call");
        }
        await call.DoneAsync();
    }

    private static async Task ShowOrganisationAsync(ApiCall call, AccountServices accounts, Organisation organisation,
        OrganisationRole role)
    {
        List<OrganisationMember> members = await accounts.Organisations.MembersAsync(organisation.Name, call.Cancelled);
        List<Team> teams = await accounts.Teams.ListAsync(organisation.Name, call.Cancelled);
        OrganisationWire wire = new(
            organisation.Name, organisation.DisplayName, organisation.CreatedAt, OrganisationPages.RoleText(role),
            [.. members.Select(member => new MemberWire(member.Name, member.DisplayName, OrganisationPages.RoleText(member.Role)))],
            [.. teams.Select(team => new TeamWire(
                team.Name, team.Description, team.Members,
                [.. team.Permissions.Select(scope => new RightWire(scope.Repository, string.Join(',',
                    ScopeText.ActionsOf(scope.Access))))]))]);
        await call.SendAsync(wire, ApiJson.Default.OrganisationWire);
    }

    private static async Task CreateTokenAsync(ApiCall call, AccountServices accounts, SecretKind kind, long accountId)
    {
        NewTokenWire wanted = await call.ReadAsync(ApiJson.Default.NewTokenWire);
        IReadOnlyList<TokenScope>? scopes = wanted.Scopes is null ? null : TokenScopes.Parse(wanted.Scopes);
        (StoredToken token, string secret) = await accounts.Secrets.CreateTokenAsync(
            call.Caller, kind, accountId, wanted.Name ?? "", scopes, wanted.ExpiresAt, call.Cancelled);
        await call.SendAsync(Token(token, secret), ApiJson.Default.TokenWire, StatusCodes.Status201Created);
    }

    private static Task RevokeTokenAsync(ApiCall call, AccountServices accounts, long accountId) =>
        RevokeAsync(call, accounts, accountId, call.Route("token"));

    private static async Task RevokeAsync(ApiCall call, AccountServices accounts, long accountId, string name)
    {
        if (!await accounts.Secrets.RevokeTokenAsync(call.Caller, accountId, name, call.Cancelled))
            throw FaultException.NotFound("there is no token of this name");
        await call.DoneAsync();
    }

    private static TokenWire Token(StoredToken token, string? secret) => new(
        token.Name, token.Hint, token.Scopes is null ? null
            : [.. token.Scopes.Select(scope => TokenScopes.Format([scope]))], token.CreatedAt,
        token.ExpiresAt, token.LastUsedAt, secret);

    private static async Task<(AccountServices Accounts, Organisation Organisation, OrganisationRole Role)> OpenAsync(ApiCall call,
        string name)
    {
        (AccountServices accounts, long id, _) = Person(call);
        Organisation organisation = await accounts.Organisations.FindAsync(name, call.Cancelled)
            ?? throw FaultException.NotFound("there is no such organisation");
        OrganisationRole? role = call.Caller.IsAdministrator ? OrganisationRole.Owner
            : await accounts.Organisations.RoleAsync(name, id, call.Cancelled);
        return (accounts, organisation, role ?? throw FaultException.NotFound("there is no such organisation"));
    }

    // A narrowed token and a robot change no accounts, nor what an account likes.
    internal static (AccountServices Accounts, long Id, string Name) Person(ApiCall call)
    {
        AccountServices accounts = call.Services.Accounts;
        if (call.Caller.AccountId is not { } id || call.Caller.Name is not { } name)
            throw new FaultException(FaultKind.Unauthorized, "sign in first");
        return call.Caller.Scopes is null && !name.Contains('+') ? (accounts, id, name)
            : throw new FaultException(FaultKind.Forbidden, "a narrowed token may not do this");
    }
}
