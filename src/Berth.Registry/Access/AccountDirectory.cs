using System.Data.Common;
using Berth.Registry.Accounts;
using Berth.Registry.Accounts.Htpasswd;
using Berth.Registry.Database;
using Berth.Registry.Model;
using Berth.Registry.Tokens;

namespace Berth.Registry.Access;

/// <summary>Looks up accounts, secrets and repositories for every request, and remembers them while the database does not change.</summary>
public sealed class AccountDirectory
{
    private const int EntriesMax = 20_000;

    private readonly HubDatabase _database;
    private readonly SecretStore _secrets;
    private readonly MarkedCache<long, AccountRights?> _rights;
    private readonly MarkedCache<string, AccountRights?> _rightsByName;
    private readonly MarkedCache<long, StoredToken?> _tokens;
    private readonly MarkedCache<string, StoredToken?> _tokensBySecret;
    private readonly MarkedCache<RepositoryName, bool?> _repositories;

    /// <summary>Makes one for a database.</summary>
    public AccountDirectory(HubDatabase database, SecretStore secrets)
    {
        (_database, _secrets) = (database, secrets);
        _rights = new(database, EntriesMax);
        _rightsByName = new(database, EntriesMax);
        _tokens = new(database, EntriesMax);
        _tokensBySecret = new(database, EntriesMax);
        _repositories = new(database, EntriesMax);
    }

    internal ValueTask<AccountRights?> RightsAsync(long id, CancellationToken cancellationToken) =>
        _rights.GetAsync(id, (key, token) => ReadRightsAsync($"a.id = {key}", token), cancellationToken);

    internal ValueTask<AccountRights?> RightsAsync(string name, CancellationToken cancellationToken) =>
        _rightsByName.GetAsync(name, (key, token) => ReadRightsAsync($"a.name = {key}", token), cancellationToken);

    /// <summary>A secret that is good now, by its row.</summary>
    internal async ValueTask<StoredToken?> TokenAsync(long id, CancellationToken cancellationToken) =>
        Good(await _tokens.GetAsync(id, _secrets.FindAsync, cancellationToken));

    /// <summary>A secret that is good now, by its text.</summary>
    internal async ValueTask<StoredToken?> TokenAsync(string secret, CancellationToken cancellationToken) =>
        // Looked up by its hash, so that memory holds no more secrets than the database.
        SecretText.TryRead(secret, out _)
            ? Good(await _tokensBySecret.GetAsync(
                SecretText.HashOf(secret), (_, token) => _secrets.FindAsync(secret, token), cancellationToken))
            : null;

    /// <summary>Whether a repository is public; null when there is none.</summary>
    internal ValueTask<bool?> IsPublicAsync(RepositoryName name, CancellationToken cancellationToken) => _repositories.GetAsync(
        name, async (key, token) => await _database.ReadAsync(
            (transaction, cancelled) => transaction.TextAsync($"select visibility from repositories where name = {key}", cancelled), token)
            switch { null => null, "public" => true, _ => false }, cancellationToken);

    private StoredToken? Good(StoredToken? token) => token is not null && _secrets.IsGood(token) ? token : null;

    private Task<AccountRights?> ReadRightsAsync(SqlText condition, CancellationToken cancellationToken) => _database.ReadAsync(
        async (transaction, token) =>
        {
            AccountRights? account = await transaction.FirstAsync(
                $"""
                select a.id, a.name, a.kind, u.is_administrator, u.disabled_at, u.password,
                (select count(*) from identities i where i.account_id = a.id and i.issuer = {HtpasswdAccounts.Issuer}),
                (select count(*) from identities i where i.account_id = a.id) from accounts a
                left join users u on u.account_id = a.id where {condition}
                """, ReadAccount, token);
            if (account is null or { IsOrganisation: true })
                return account;
            List<(string Name, OrganisationRole Role)> roles = await transaction.ListAsync(
                $"""
                select a.name, m.role from memberships m join accounts a on a.id = m.organisation_id where m.account_id = {account.Id}
                """, row => (row.GetString(0), OrganisationService.RoleOf(row.GetString(1))), token);
            List<TokenScope> teams = roles.Count == 0 ? [] : await transaction.ListAsync(
                $"""
                select p.repository, p.access from team_permissions p join team_members m on m.team_id = p.team_id
                where m.account_id = {account.Id}
                """, row => new TokenScope(row.GetString(0), (RepositoryAccess)row.GetInt64(1)), token);
            return account with { Roles = roles.ToDictionary(role => role.Name, role => role.Role), Teams = teams };
        }, cancellationToken);

    private static AccountRights ReadAccount(DbDataReader row) => new()
    {
        Id = row.GetInt64(0),
        Name = row.GetString(1),
        IsOrganisation = row.GetString(2) == "organisation",
        IsAdministrator = !row.IsDBNull(3) && row.GetInt64(3) != 0,
        IsDisabled = !row.IsDBNull(4),
        Password = row.IsDBNull(5) ? null : row.GetString(5),
        IsOfHtpasswd = row.GetInt64(6) > 0,
        MayBeOfHtpasswd = row.GetString(2) == "user" && row.IsDBNull(5) && (row.GetInt64(6) > 0 || row.GetInt64(7) == 0),
    };
}
