using System.Data.Common;
using System.Net.Mail;
using Berth.Registry.Audit;
using Berth.Registry.Database;
using Berth.Registry.Model;
using Berth.Registry.Repositories;
using Berth.Registry.Tokens;

namespace Berth.Registry.Accounts;

/// <summary>Users: making, changing and removing them. Callers decide who may; every change stands in the audit log.</summary>
public sealed class UserService(
    HubDatabase database, PasswordHasher hasher, SecretStore secrets, AuditLog audit, SignUpMode signUp, TimeProvider time)
{
    /// <summary>Shortest password in characters (NIST SP 800-63B, 3.1.1.2 asks for at least 8).</summary>
    public const int PasswordLengthMin = 8;

    /// <summary>Longest name of the free kind and longest address.</summary>
    public const int TextLengthMax = 100;

    /// <summary>Users that one page of the list may have.</summary>
    public const int PageMax = 1000;

    private const string Columns =
        "a.id, a.name, a.display_name, a.created_at, u.email, u.is_administrator, u.disabled_at, u.last_login_at, "
        + "cast(case when u.password is null then 0 else 1 end as bigint) from accounts a join users u on u.account_id = a.id";

    /// <summary>Who may make an account.</summary>
    public SignUpMode SignUp { get; } = signUp;

    /// <summary>Makes a user, for an operator.</summary>
    /// <exception cref="FaultException">InvalidArgument: a field is wrong. Conflict: the name is taken.</exception>
    public async Task<UserAccount> CreateAsync(Caller actor, NewUser wanted, CancellationToken cancellationToken)
    {
        Check(wanted);
        string? password = wanted.Password is null ? null : await hasher.HashAsync(wanted.Password, cancellationToken);
        return await database.WriteAsync(
            (transaction, token) => InsertAsync(transaction, actor, wanted, password, token), cancellationToken);
    }

    /// <summary>Makes a user for a stranger, as <see cref="SignUp"/> permits; never an administrator.</summary>
    /// <exception cref="FaultException">Forbidden: not permitted. InvalidArgument: a field is wrong. Conflict: the name is
    /// taken.</exception>
    public async Task<UserAccount> RegisterAsync(Registration wanted, string? address, CancellationToken cancellationToken)
    {
        if (SignUp is SignUpMode.Closed)
            throw new FaultException(FaultKind.Forbidden, "sign up: accounts on this hub are made by its administrators");
        if (SignUp is SignUpMode.Invited && string.IsNullOrEmpty(wanted.Invitation))
            throw new FaultException(FaultKind.Forbidden, "sign up: an invitation is needed on this hub");
        NewUser user = new(wanted.Name, wanted.Password) { DisplayName = wanted.DisplayName, Email = wanted.Email };
        Check(user);
        string password = await hasher.HashAsync(wanted.Password, cancellationToken);
        return await database.WriteAsync(
            async (transaction, token) =>
            {
                if (SignUp is SignUpMode.Invited)
                    await RedeemAsync(transaction, SecretKind.Invitation, wanted.Invitation, "sign up", token);
                Caller self = new() { Name = wanted.Name, RemoteAddress = address };
                return await InsertAsync(transaction, self, user, password, token);
            }, cancellationToken);
    }

    /// <summary>Makes the first administrator by the link that the first start printed.</summary>
    /// <exception cref="FaultException">Forbidden: there is an administrator already, or the link was used or is not ours.
    /// InvalidArgument, Conflict: as for others.</exception>
    public async Task<UserAccount> SetUpAsync(string secret, Registration wanted, string? address, CancellationToken cancellationToken)
    {
        NewUser user = new(wanted.Name, wanted.Password) { DisplayName = wanted.DisplayName, Email = wanted.Email, IsAdministrator = true };
        Check(user);
        string password = await hasher.HashAsync(wanted.Password, cancellationToken);
        return await database.WriteAsync(
            async (transaction, token) =>
            {
                // Here again, and not by the link alone: one may have been printed while the command line made an administrator.
                if (await HasAdministratorAsync(transaction, token))
                    throw new FaultException(FaultKind.Forbidden, "set up: this hub has an administrator already: ask them for an account");
                await RedeemAsync(transaction, SecretKind.Setup, secret, "set up", token);
                Caller self = new() { Name = wanted.Name, RemoteAddress = address };
                return await InsertAsync(transaction, self, user, password, token);
            }, cancellationToken);
    }

    /// <summary>Whether there is any administrator; before that the hub offers only its set-up.</summary>
    public Task<bool> HasAdministratorAsync(CancellationToken cancellationToken) =>
        database.ReadAsync(HasAdministratorAsync, cancellationToken);

    /// <summary>A user by name; null when there is none.</summary>
    public Task<UserAccount?> FindAsync(string name, CancellationToken cancellationToken) => database.ReadAsync(
        (transaction, token) => transaction.FirstAsync($"select {(SqlText)Columns} where a.name = {name}", Read, token), cancellationToken);

    /// <summary>A user by id; null when there is none.</summary>
    public Task<UserAccount?> FindAsync(long id, CancellationToken cancellationToken) => database.ReadAsync(
        (transaction, token) => transaction.FirstAsync($"select {(SqlText)Columns} where a.id = {id}", Read, token), cancellationToken);

    /// <summary>Users by name, after a name; for administrators.</summary>
    public Task<List<UserAccount>> ListAsync(string? after, int count, CancellationToken cancellationToken) => database.ReadAsync(
        (transaction, token) => transaction.ListAsync(
            $"select {(SqlText)Columns} where a.name > {after ?? ""} order by a.name limit {Math.Clamp(count, 1, PageMax)}", Read, token),
        cancellationToken);

    /// <summary>Sets a password, for an operator or for its owner who proved the old one. All sessions and refresh tokens end.</summary>
    /// <exception cref="FaultException">NotFound: no such user. InvalidArgument: the password is too short or long.</exception>
    public async Task SetPasswordAsync(Caller actor, string name, string password, CancellationToken cancellationToken)
    {
        CheckPassword(name, password);
        string hash = await hasher.HashAsync(password, cancellationToken);
        await ChangeAsync(
            actor, name, AuditActions.UserPassword, "",
            async (transaction, id, token) =>
            {
                await transaction.ExecuteAsync($"update users set password = {hash} where account_id = {id}", token);
                await secrets.EndSessionsAsync(transaction, id, token);
            }, cancellationToken);
    }

    /// <summary>Makes a user of a name and a password's hash that come from elsewhere, inside a transaction.</summary>
    /// <exception cref="FaultException">InvalidArgument: it is no name of an account. Conflict: the name is taken.</exception>
    internal async Task ImportAsync(
        HubTransaction transaction, Caller actor, string name, string hash, CancellationToken cancellationToken)
    {
        AccountName.Parse(name);
        await InsertAsync(transaction, actor, new NewUser(name, null), hash, cancellationToken);
    }

    /// <summary>Sets a password's hash that comes from elsewhere, inside a transaction. All sessions and refresh tokens end.</summary>
    internal async Task ReplacePasswordAsync(
        HubTransaction transaction, Caller actor, long id, string name, string hash, CancellationToken cancellationToken)
    {
        await transaction.ExecuteAsync($"update users set password = {hash} where account_id = {id}", cancellationToken);
        await secrets.EndSessionsAsync(transaction, id, cancellationToken);
        await audit.RecordAsync(transaction, actor, AuditActions.UserPassword, name, "from an htpasswd file", cancellationToken);
    }

    /// <summary>Changes what its owner may change.</summary>
    /// <exception cref="FaultException">NotFound: no such user. InvalidArgument: a text is too long or no address.</exception>
    public Task UpdateAsync(Caller actor, string name, string displayName, string email, CancellationToken cancellationToken) =>
        ChangeAsync(actor, name, new UserChange { DisplayName = displayName, Email = email }, cancellationToken);

    /// <summary>Switches an account off or on. Off: no sign-in, no token works, from the next request on.</summary>
    /// <exception cref="FaultException">NotFound: no such user. Conflict: it is the last administrator.</exception>
    public Task SetDisabledAsync(Caller actor, string name, bool isDisabled, CancellationToken cancellationToken) =>
        ChangeAsync(actor, name, new UserChange { IsDisabled = isDisabled }, cancellationToken);

    /// <summary>Makes a user an administrator, or no longer one.</summary>
    /// <exception cref="FaultException">NotFound: no such user. Conflict: it is the last administrator.</exception>
    public Task SetAdministratorAsync(Caller actor, string name, bool isAdministrator, CancellationToken cancellationToken) =>
        ChangeAsync(actor, name, new UserChange { IsAdministrator = isAdministrator }, cancellationToken);

    /// <summary>Changes several things, or none of them where one is refused.</summary>
    /// <exception cref="FaultException">NotFound: no such user. InvalidArgument: a text is too long or no address. Conflict: it is the last
    /// administrator.</exception>
    public Task ChangeAsync(Caller actor, string name, UserChange wanted, CancellationToken cancellationToken)
    {
        CheckTexts(wanted.DisplayName ?? "", wanted.Email ?? "");
        List<Step> steps = [];
        if (wanted.DisplayName is not null || wanted.Email is not null)
            steps.Add(new Step(AuditActions.UserUpdate, "", async (transaction, id, token) =>
            {
                await transaction.ExecuteAsync(
                    $"update accounts set display_name = coalesce({wanted.DisplayName}, display_name) where id = {id}", token);
                await transaction.ExecuteAsync($"update users set email = coalesce({wanted.Email}, email) where account_id = {id}", token);
            }));
        if (wanted.IsAdministrator is { } isAdministrator)
            steps.Add(new Step(
                AuditActions.UserAdministrator, isAdministrator ? "now an administrator" : "no longer an administrator",
                async (transaction, id, token) =>
                {
                    await transaction.ExecuteAsync($"update users set is_administrator = {isAdministrator} where account_id = {id}", token);
                    if (isAdministrator)
                        await secrets.EndSetUpAsync(transaction, token);
                }));
        if (wanted.IsDisabled is { } isDisabled)
        {
            long? at = isDisabled ? time.GetUtcNow().ToUnixTimeMilliseconds() : null;
            steps.Add(new Step(
                isDisabled ? AuditActions.UserDisable : AuditActions.UserEnable, "",
                (transaction, id, token) => transaction.ExecuteAsync(
                    $"update users set disabled_at = {at} where account_id = {id}", token)));
        }
        return ChangeAsync(actor, name, steps, cancellationToken);
    }

    /// <summary>Removes a user with all that is theirs: tokens, memberships, stars, webhooks, quota.</summary>
    /// <exception cref="FaultException">NotFound: no such user. Conflict: they still have repositories, are an organisation's only owner or
    /// the last administrator.</exception>
    public Task RemoveAsync(Caller actor, string name, CancellationToken cancellationToken) => ChangeAsync(
        actor, name, AuditActions.UserRemove, "",
        async (transaction, id, token) =>
        {
            if (await RepositoryTable.CountOfAsync(transaction, name, id, token) is > 0 and var count)
                throw FaultException.Conflict(
                    $"remove user {name}: they have {count} repositories: remove those first, or disable the user");
            string? orphan = await transaction.TextAsync($"""
                select a.name from memberships m join accounts a on a.id = m.organisation_id where m.account_id = {id} and m.role = 'owner'
                and not exists (select 1 from memberships o where o.organisation_id = m.organisation_id and o.role = 'owner'
                and o.account_id <> m.account_id) limit 1
                """, token);
            if (orphan is not null)
                throw FaultException.Conflict($"remove user {name}: they are the only owner of organisation {orphan}");
            await AccountRemoval.RemoveAsync(transaction, audit, actor, name, id, token);
        }, cancellationToken);

    private Task ChangeAsync(
        Caller actor, string name, string action, string details, Func<HubTransaction, long, CancellationToken, Task> change,
        CancellationToken cancellationToken) => ChangeAsync(actor, name, [new Step(action, details, change)], cancellationToken);

    private async Task ChangeAsync(Caller actor, string name, List<Step> steps, CancellationToken cancellationToken) =>
        await database.WriteAsync(
            async (transaction, token) =>
            {
                long id = await transaction.NumberAsync($"select id from accounts where name = {name} and kind = 'user'", token)
                    ?? throw FaultException.NotFound($"user {name}: there is none of this name");
                long? before = await AdministratorsAsync(transaction, token);
                foreach (Step step in steps)
                    await step.Change(transaction, id, token);
                // A hub without an administrator could only be repaired on the command line.
                if (before > 0 && await AdministratorsAsync(transaction, token) == 0)
                    throw FaultException.Conflict($"change user {name}: it is the last administrator");
                foreach (Step step in steps)
                    await audit.RecordAsync(transaction, actor, step.Action, name, step.Details, token);
                return true;
            }, cancellationToken);

    internal async Task<UserAccount> InsertAsync(
        HubTransaction transaction, Caller actor, NewUser wanted, string? password, CancellationToken cancellationToken)
    {
        await AccountNames.RequireFreeAsync(transaction, actor, "user", wanted.Name, cancellationToken);
        long now = time.GetUtcNow().ToUnixTimeMilliseconds();
        long id = (await transaction.NumberAsync(
            $"insert into accounts(name, kind, display_name, created_at) values ({wanted.Name}, 'user', {wanted.DisplayName}, {now}) returning id",
            cancellationToken))!.Value;
        await transaction.ExecuteAsync(
            $"insert into users(account_id, password, email, is_administrator) values ({id}, {password}, {wanted.Email}, {wanted.IsAdministrator})",
            cancellationToken);
        if (wanted.IsAdministrator)
            await secrets.EndSetUpAsync(transaction, cancellationToken);
        await transaction.ExecuteAsync(
            $"update repositories set account_id = {id} where namespace = {wanted.Name} and account_id is null", cancellationToken);
        Caller who = actor.AccountId is null && actor.Name == wanted.Name ? actor with { AccountId = id } : actor;
        await audit.RecordAsync(
            transaction, who, AuditActions.UserCreate, wanted.Name, wanted.IsAdministrator ? "an administrator" : "", cancellationToken);
        return (await transaction.FirstAsync($"select {(SqlText)Columns} where a.id = {id}", Read, cancellationToken))!;
    }

    private async Task RedeemAsync(
        HubTransaction transaction, SecretKind kind, string? secret, string attempt, CancellationToken cancellationToken)
    {
        if (secret is null || !await secrets.RedeemAsync(transaction, kind, secret, cancellationToken))
            throw new FaultException(FaultKind.Forbidden, $"{attempt}: the link was used already, has expired, or is not from this hub");
    }

    private static async Task<bool> HasAdministratorAsync(HubTransaction transaction, CancellationToken cancellationToken) =>
        await transaction.NumberAsync($"select cast(1 as bigint) from users where is_administrator = 1 limit 1", cancellationToken)
            is not null;

    private static Task<long?> AdministratorsAsync(HubTransaction transaction, CancellationToken cancellationToken) =>
        transaction.NumberAsync(
        $"select count(*) from users where is_administrator = 1 and disabled_at is null", cancellationToken);

    private static void Check(NewUser wanted)
    {
        AccountName.Parse(wanted.Name);
        if (wanted.Password is { } password)
            CheckPassword(wanted.Name, password);
        CheckTexts(wanted.DisplayName, wanted.Email);
    }

    private static void CheckPassword(string name, string password)
    {
        if (password.Length < PasswordLengthMin)
            throw FaultException.Invalid($"password: it has fewer than {PasswordLengthMin} characters");
        if (password.Equals(name, StringComparison.OrdinalIgnoreCase))
            throw FaultException.Invalid("password: it is the name");
        if (password.Any(char.IsControl))
            throw FaultException.Invalid("password: it has control characters");
        // Whoever saw the text at sign-in would take it for a token.
        if (SecretText.TryRead(password, out _))
            throw FaultException.Invalid("password: it is a token of a hub");
    }

    private static void CheckTexts(string displayName, string email)
    {
        if (displayName.Length > TextLengthMax || displayName.Any(char.IsControl))
            throw FaultException.Invalid($"display name: at most {TextLengthMax} characters without control characters are allowed");
        if (email.Length > 0
            && (email.Length > TextLengthMax || !MailAddress.TryCreate(email, out MailAddress? address) || address.Address != email))
            throw FaultException.Invalid("e-mail: it is not an address");
    }

    private static UserAccount Read(DbDataReader row) => new()
    {
        Id = row.GetInt64(0),
        Name = row.GetString(1),
        DisplayName = row.GetString(2),
        CreatedAt = DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(3)),
        Email = row.GetString(4),
        IsAdministrator = row.GetInt64(5) != 0,
        DisabledAt = row.IsDBNull(6) ? null : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(6)),
        LastSignInAt = row.IsDBNull(7) ? null : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(7)),
        HasPassword = row.GetInt64(8) != 0,
    };

    // A change of an account and what stands of it in the audit log.
    private sealed record Step(string Action, string Details, Func<HubTransaction, long, CancellationToken, Task> Change);
}
