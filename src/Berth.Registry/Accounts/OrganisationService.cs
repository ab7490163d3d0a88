using System.Data.Common;
using Berth.Registry.Audit;
using Berth.Registry.Database;
using Berth.Registry.Model;
using Berth.Registry.Repositories;

namespace Berth.Registry.Accounts;

/// <summary>Organisations and who belongs to them. Callers decide who may; every change stands in the audit log.</summary>
public sealed class OrganisationService(HubDatabase database, AuditLog audit, TimeProvider time)
{
    /// <summary>Organisations of which one user may be the owner, unless an administrator makes more.</summary>
    public const int OwnedMax = 20;

    /// <summary>Members of one organisation.</summary>
    public const int MembersMax = 10_000;

    private const string Columns = "id, name, display_name, created_at from accounts";

    /// <summary>Makes an organisation; its owner is the user who is named.</summary>
    /// <exception cref="FaultException">InvalidArgument: the name is wrong. NotFound: no such owner. Conflict: the name is taken, or the
    /// user has too many.</exception>
    public Task<Organisation> CreateAsync(
        Caller actor, string name, string displayName, string owner, CancellationToken cancellationToken)
    {
        AccountName.Parse(name);
        CheckText(displayName);
        return database.WriteAsync(
            async (transaction, token) =>
            {
                long ownerId = await UserIdAsync(transaction, owner, token);
                await AccountNames.RequireFreeAsync(transaction, actor, "organisation", name, token);
                if (!actor.IsAdministrator && await transaction.NumberAsync(
                    $"select count(*) from memberships where account_id = {ownerId} and role = 'owner'", token) >= OwnedMax)
                    throw FaultException.Conflict($"organisation {name}: {owner} owns {OwnedMax} already");
                long now = time.GetUtcNow().ToUnixTimeMilliseconds();
                long id = (await transaction.NumberAsync(
                    $"insert into accounts(name, kind, display_name, created_at) values ({name}, 'organisation', {displayName}, {now}) returning id",
                    token))!.Value;
                await transaction.ExecuteAsync(
                    $"insert into memberships(organisation_id, account_id, role, created_at) values ({id}, {ownerId}, 'owner', {now})", token);
                await transaction.ExecuteAsync(
                    $"update repositories set account_id = {id} where namespace = {name} and account_id is null", token);
                await audit.RecordAsync(transaction, actor, AuditActions.OrganisationCreate, name, $"owner {owner}", token);
                return new Organisation(id, name, displayName, DateTimeOffset.FromUnixTimeMilliseconds(now));
            }, cancellationToken);
    }

    /// <summary>An organisation by name; null when there is none.</summary>
    public Task<Organisation?> FindAsync(string name, CancellationToken cancellationToken) => database.ReadAsync(
        (transaction, token) => transaction.FirstAsync(
            $"select {(SqlText)Columns} where kind = 'organisation' and name = {name}", Read, token), cancellationToken);

    /// <summary>Organisations by name, after a name.</summary>
    public Task<List<Organisation>> ListAsync(string? after, int count, CancellationToken cancellationToken) => database.ReadAsync(
        (transaction, token) => transaction.ListAsync(
            $"select {(SqlText)Columns} where kind = 'organisation' and name > {after ?? ""} order by name limit {Math.Clamp(count, 1, 1000)}",
            Read, token), cancellationToken);

    /// <summary>The organisations of a user, by name, with the user's role.</summary>
    public Task<List<(Organisation Organisation, OrganisationRole Role)>> ListOfAsync(long accountId,
        CancellationToken cancellationToken) =>
        database.ReadAsync(
            (transaction, token) => transaction.ListAsync(
                $"""
                select a.id, a.name, a.display_name, a.created_at, m.role from accounts a join memberships m on m.organisation_id = a.id
                where m.account_id = {accountId} order by a.name
                """, row => (Read(row), RoleOf(row.GetString(4))), token), cancellationToken);

    /// <summary>Changes the name that people read.</summary>
    /// <exception cref="FaultException">NotFound: no such organisation. InvalidArgument: the text is too long.</exception>
    public Task UpdateAsync(Caller actor, string name, string displayName, CancellationToken cancellationToken)
    {
        CheckText(displayName);
        return ChangeAsync(
            actor, name, AuditActions.OrganisationUpdate, "",
            (transaction, id, token) =>
                transaction.ExecuteAsync($"update accounts set display_name = {displayName} where id = {id}", token),
            cancellationToken);
    }

    /// <summary>Removes an organisation with all that is its: teams, robot tokens, webhooks, quota.</summary>
    /// <exception cref="FaultException">NotFound: no such organisation. Conflict: it still has repositories.</exception>
    public Task RemoveAsync(Caller actor, string name, CancellationToken cancellationToken) => ChangeAsync(
        actor, name, AuditActions.OrganisationRemove, "",
        async (transaction, id, token) =>
        {
            if (await RepositoryTable.CountOfAsync(transaction, name, id, token) is > 0 and var count)
                throw FaultException.Conflict($"remove organisation {name}: it has {count} repositories: remove those first");
            await AccountRemoval.RemoveAsync(transaction, audit, actor, name, id, token);
        }, cancellationToken);

    /// <summary>The members by name.</summary>
    /// <exception cref="FaultException">NotFound: no such organisation.</exception>
    public Task<List<OrganisationMember>> MembersAsync(string name, CancellationToken cancellationToken) => database.ReadAsync(
        async (transaction, token) =>
        {
            long id = await IdAsync(transaction, name, token);
            return await transaction.ListAsync(
                $"""
                select a.id, a.name, a.display_name, m.role from memberships m join accounts a on a.id = m.account_id
                where m.organisation_id = {id} order by a.name limit {MembersMax}
                """, row => new OrganisationMember(row.GetInt64(0), row.GetString(1), row.GetString(2), RoleOf(row.GetString(3))), token);
        }, cancellationToken);

    /// <summary>The role of a user; null for no member.</summary>
    public Task<OrganisationRole?> RoleAsync(string name, long accountId, CancellationToken cancellationToken) => database.ReadAsync(
        async (transaction, token) =>
        {
            string? role = await transaction.TextAsync(
                $"""
                select m.role from memberships m join accounts a on a.id = m.organisation_id
                where a.name = {name} and m.account_id = {accountId}
                """, token);
            return role is null ? (OrganisationRole?)null : RoleOf(role);
        }, cancellationToken);

    /// <summary>Makes a user a member, or gives a member another role.</summary>
    /// <exception cref="FaultException">NotFound: no such organisation or user. Conflict: it would have no owner.</exception>
    public Task SetMemberAsync(Caller actor, string name, string user, OrganisationRole role, CancellationToken cancellationToken) =>
        ChangeAsync(
        actor, name, AuditActions.MemberSet, $"{user}: {TextOf(role)}",
        async (transaction, id, token) =>
        {
            long account = await UserIdAsync(transaction, user, token);
            if (await transaction.NumberAsync($"select count(*) from memberships where organisation_id = {id}", token) >= MembersMax)
                throw FaultException.Conflict($"organisation {name}: it has {MembersMax} members already");
            long now = time.GetUtcNow().ToUnixTimeMilliseconds();
            await transaction.ExecuteAsync(
                $"""
                insert into memberships(organisation_id, account_id, role, created_at) values ({id}, {account}, {TextOf(role)}, {now})
                on conflict(organisation_id, account_id) do update set role = excluded.role
                """, token);
            await RequireOwnerAsync(transaction, id, name, token);
        }, cancellationToken);

    /// <summary>Takes a user out of an organisation and its teams.</summary>
    /// <exception cref="FaultException">NotFound: no such organisation or member. Conflict: it would have no owner.</exception>
    public Task RemoveMemberAsync(Caller actor, string name, string user, CancellationToken cancellationToken) => ChangeAsync(
        actor, name, AuditActions.MemberRemove, user,
        async (transaction, id, token) =>
        {
            long account = await UserIdAsync(transaction, user, token);
            if (await transaction.ExecuteAsync(
                $"delete from memberships where organisation_id = {id} and account_id = {account}", token) == 0)
                throw FaultException.NotFound($"organisation {name}: {user} is no member");
            await transaction.ExecuteAsync(
                $"delete from team_members where account_id = {account} and team_id in (select id from teams where organisation_id = {id})", token);
            await RequireOwnerAsync(transaction, id, name, token);
        }, cancellationToken);

    /// <summary>The word for a role.</summary>
    public static string TextOf(OrganisationRole role) => role switch
    {
        OrganisationRole.Owner => "owner",
        OrganisationRole.Maintainer => "maintainer",
        _ => "member",
    };

    /// <summary>The role for a word; false for another word.</summary>
    public static bool TryParseRole(string? text, out OrganisationRole role)
    {
        role = text switch { "owner" => OrganisationRole.Owner, "maintainer" => OrganisationRole.Maintainer, _ => OrganisationRole.Member };
        return text is "owner" or "maintainer" or "member";
    }

    internal static OrganisationRole RoleOf(string text) => TryParseRole(text, out OrganisationRole role) ? role : OrganisationRole.Member;

    internal static async Task<long> IdAsync(HubTransaction transaction, string name, CancellationToken cancellationToken) =>
        await transaction.NumberAsync($"select id from accounts where kind = 'organisation' and name = {name}", cancellationToken)
            ?? throw FaultException.NotFound($"organisation {name}: there is none of this name");

    internal static async Task<long> UserIdAsync(HubTransaction transaction, string name, CancellationToken cancellationToken) =>
        await transaction.NumberAsync($"select id from accounts where kind = 'user' and name = {name}", cancellationToken)
            ?? throw FaultException.NotFound($"user {name}: there is none of this name");

    private async Task ChangeAsync(
        Caller actor, string name, string action, string details, Func<HubTransaction, long, CancellationToken, Task> change,
        CancellationToken cancellationToken) =>
        await database.WriteAsync(
            async (transaction, token) =>
            {
                await change(transaction, await IdAsync(transaction, name, token), token);
                await audit.RecordAsync(transaction, actor, action, name, details, token);
                return true;
            }, cancellationToken);

    private static async Task RequireOwnerAsync(HubTransaction transaction, long id, string name, CancellationToken cancellationToken)
    {
        if (await transaction.NumberAsync(
            $"select cast(1 as bigint) from memberships where organisation_id = {id} and role = 'owner' limit 1", cancellationToken) is null)
            throw FaultException.Conflict($"organisation {name}: it needs an owner: make somebody else one first");
    }

    private static void CheckText(string text)
    {
        if (text.Length > UserService.TextLengthMax || text.Any(char.IsControl))
            throw FaultException.Invalid(
                $"display name: at most {UserService.TextLengthMax} characters without control characters are allowed");
    }

    private static Organisation Read(DbDataReader row) =>
        new(row.GetInt64(0), row.GetString(1), row.GetString(2), DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(3)));
}
