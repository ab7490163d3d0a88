using Berth.Registry.Audit;
using Berth.Registry.Database;
using Berth.Registry.Model;
using Berth.Registry.Tokens;

namespace Berth.Registry.Accounts;

/// <summary>Teams of organisations: who belongs to them and what they may do. Callers decide who may; every change stands in the audit
/// log.</summary>
public sealed class TeamService(HubDatabase database, AuditLog audit, TimeProvider time)
{
    /// <summary>Teams of one organisation.</summary>
    public const int TeamsMax = 500;

    /// <summary>Repositories that one team may have rights for; <c>org/*</c> is one.</summary>
    public const int PermissionsMax = 1000;

    /// <summary>Makes a team.</summary>
    /// <exception cref="FaultException">NotFound: no such organisation. InvalidArgument: the name is wrong. Conflict: it is taken, or there
    /// are too many.</exception>
    public Task CreateAsync(Caller actor, string organisation, string team, string description, CancellationToken cancellationToken)
    {
        AccountName.Parse(team);
        if (description.Length > 500 || description.Any(char.IsControl))
            throw FaultException.Invalid("team description: at most 500 characters without control characters are allowed");
        return WriteAsync(
            actor, organisation, AuditActions.TeamCreate, team,
            async (transaction, id, token) =>
            {
                if (await transaction.NumberAsync($"select id from teams where organisation_id = {id} and name = {team}",
                    token) is not null)
                    throw FaultException.Conflict($"team {organisation}/{team}: the name is taken");
                if (await transaction.NumberAsync($"select count(*) from teams where organisation_id = {id}", token) >= TeamsMax)
                    throw FaultException.Conflict($"team {organisation}/{team}: the organisation has {TeamsMax} teams already");
                long now = time.GetUtcNow().ToUnixTimeMilliseconds();
                await transaction.ExecuteAsync(
                    $"insert into teams(organisation_id, name, description, created_at) values ({id}, {team}, {description}, {now})", token);
            }, cancellationToken);
    }

    /// <summary>Removes a team and with it what it gave.</summary>
    /// <exception cref="FaultException">NotFound: no such organisation or team.</exception>
    public Task RemoveAsync(Caller actor, string organisation, string team, CancellationToken cancellationToken) => WriteAsync(
        actor, organisation, AuditActions.TeamRemove, team,
        async (transaction, id, token) =>
        {
            if (await transaction.ExecuteAsync($"delete from teams where organisation_id = {id} and name = {team}", token) == 0)
                throw NoTeam(organisation, team);
        }, cancellationToken);

    /// <summary>Puts a member of the organisation into a team.</summary>
    /// <exception cref="FaultException">NotFound: no such organisation, team or user. Conflict: the user is no member of the
    /// organisation.</exception>
    public Task AddMemberAsync(Caller actor, string organisation, string team, string user, CancellationToken cancellationToken) =>
        WriteAsync(
        actor, organisation, AuditActions.TeamMemberAdd, $"{team}: {user}",
        async (transaction, id, token) =>
        {
            long teamId = await TeamIdAsync(transaction, id, organisation, team, token);
            long account = await OrganisationService.UserIdAsync(transaction, user, token);
            if (await transaction.NumberAsync(
                $"select cast(1 as bigint) from memberships where organisation_id = {id} and account_id = {account}", token) is null)
                throw FaultException.Conflict($"team {organisation}/{team}: {user} is no member of {organisation}");
            await transaction.ExecuteAsync(
                $"insert into team_members(team_id, account_id) values ({teamId}, {account}) on conflict do nothing", token);
        }, cancellationToken);

    /// <summary>Takes a user out of a team.</summary>
    /// <exception cref="FaultException">NotFound: no such organisation, team or member.</exception>
    public Task RemoveMemberAsync(Caller actor, string organisation, string team, string user, CancellationToken cancellationToken) =>
        WriteAsync(
        actor, organisation, AuditActions.TeamMemberRemove, $"{team}: {user}",
        async (transaction, id, token) =>
        {
            long teamId = await TeamIdAsync(transaction, id, organisation, team, token);
            long account = await OrganisationService.UserIdAsync(transaction, user, token);
            if (await transaction.ExecuteAsync($"delete from team_members where team_id = {teamId} and account_id = {account}", token) == 0)
                throw FaultException.NotFound($"team {organisation}/{team}: {user} is no member");
        }, cancellationToken);

    /// <summary>Sets what a team may do with a repository of its organisation, or with all of them (<c>org/*</c>); None takes it
    /// away.</summary>
    /// <exception cref="FaultException">NotFound: no such organisation or team. InvalidArgument: not one of the organisation's
    /// repositories.</exception>
    public Task SetPermissionAsync(
        Caller actor, string organisation, string team, string repository, RepositoryAccess access, CancellationToken cancellationToken)
    {
        bool isAll = repository == organisation + "/*";
        if (!isAll && !(RepositoryName.TryParse(repository, out RepositoryName name) && name.Namespace == organisation))
            throw FaultException.Invalid(
                $"team {organisation}/{team}: {repository} is not a repository of {organisation}, nor {organisation}/*");
        // Each right includes what it cannot do without.
        RepositoryAccess full = access is RepositoryAccess.None ? access : access | RepositoryAccess.Pull;
        string words = string.Join(',', ScopeText.ActionsOf(full));
        return WriteAsync(
            actor, organisation, AuditActions.TeamPermission, $"{team}: {repository}: {(words.Length > 0 ? words : "none")}",
            (transaction, id, token) =>
                SetPermissionAsync(transaction, id, organisation, team, repository, full, token), cancellationToken);
    }

    /// <summary>The teams of an organisation with all that belongs to them, by name.</summary>
    /// <exception cref="FaultException">NotFound: no such organisation.</exception>
    public Task<List<Team>> ListAsync(string organisation, CancellationToken cancellationToken) => database.ReadAsync(
        async (transaction, token) =>
        {
            long id = await OrganisationService.IdAsync(transaction, organisation, token);
            List<Team> bare = await transaction.ListAsync(
                $"select id, name, description from teams where organisation_id = {id} order by name",
                row => new Team(row.GetInt64(0), row.GetString(1), row.GetString(2), [], []), token);
            ILookup<long, string> members = (await transaction.ListAsync(
                $"""
                select m.team_id, a.name from team_members m join teams t on t.id = m.team_id join accounts a on a.id = m.account_id
                where t.organisation_id = {id} order by a.name
                """, row => (Team: row.GetInt64(0), Name: row.GetString(1)), token)).ToLookup(row => row.Team, row => row.Name);
            ILookup<long, TokenScope> permissions = (await transaction.ListAsync(
                $"""
                select p.team_id, p.repository, p.access from team_permissions p join teams t on t.id = p.team_id
                where t.organisation_id = {id} order by p.repository
                """, row => (Team: row.GetInt64(0), Scope: new TokenScope(row.GetString(1), (RepositoryAccess)row.GetInt64(2))), token))
                .ToLookup(row => row.Team, row => row.Scope);
            return bare.ConvertAll(team => team with { Members = [.. members[team.Id]], Permissions = [.. permissions[team.Id]] });
        }, cancellationToken);

    private static async Task SetPermissionAsync(
        HubTransaction transaction, long organisationId, string organisation, string team, string repository, RepositoryAccess access,
        CancellationToken cancellationToken)
    {
        long teamId = await TeamIdAsync(transaction, organisationId, organisation, team, cancellationToken);
        if (access is RepositoryAccess.None)
        {
            await transaction.ExecuteAsync(
                $"delete from team_permissions where team_id = {teamId} and repository = {repository}", cancellationToken);
            return;
        }
        if (await transaction.NumberAsync($"select count(*) from team_permissions where team_id = {teamId}",
            cancellationToken) >= PermissionsMax)
            throw FaultException.Conflict($"team {organisation}/{team}: it has {PermissionsMax} permissions already: use {organisation}/*");
        await transaction.ExecuteAsync(
            $"""
            insert into team_permissions(team_id, repository, access) values ({teamId}, {repository}, {(long)access})
            on conflict(team_id, repository) do update set access = excluded.access
            """, cancellationToken);
    }

    private static async Task<long> TeamIdAsync(
        HubTransaction transaction, long organisationId, string organisation, string team, CancellationToken cancellationToken) =>
        await transaction.NumberAsync($"select id from teams where organisation_id = {organisationId} and name = {team}", cancellationToken)
            ?? throw NoTeam(organisation, team);

    private static FaultException NoTeam(string organisation, string team) =>
        FaultException.NotFound($"team {organisation}/{team}: there is none of this name");

    private async Task WriteAsync(
        Caller actor, string organisation, string action, string details, Func<HubTransaction, long, CancellationToken, Task> change,
        CancellationToken cancellationToken) =>
        await database.WriteAsync(
            async (transaction, token) =>
            {
                await change(transaction, await OrganisationService.IdAsync(transaction, organisation, token), token);
                await audit.RecordAsync(transaction, actor, action, organisation, details, token);
                return true;
            }, cancellationToken);
}
