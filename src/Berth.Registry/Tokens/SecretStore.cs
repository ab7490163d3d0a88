using System.Data.Common;
using Berth.Registry.Audit;
using Berth.Registry.Database;
using Berth.Registry.Model;

namespace Berth.Registry.Tokens;

/// <summary>Secrets that the hub gave out: personal and robot tokens, refresh tokens, sessions, invitations. Only their hashes are
/// kept.</summary>
public sealed class SecretStore(HubDatabase database, AuditLog audit, TimeProvider time)
{
    /// <summary>Personal or robot tokens of one account.</summary>
    public const int TokensMax = 200;

    /// <summary>Refresh tokens and sessions of one account; older ones end when there are more.</summary>
    public const int SessionsMax = 100;

    /// <summary>Longest name of a token.</summary>
    public const int NameLengthMax = 100;

    /// <summary>How long a refresh token lives that nobody uses.</summary>
    public static readonly TimeSpan RefreshLifetime = TimeSpan.FromDays(90);

    /// <summary>How long a browser's session lives that nobody uses.</summary>
    public static readonly TimeSpan SessionLifetime = TimeSpan.FromDays(14);

    /// <summary>How long an invitation and the set-up link are good.</summary>
    public static readonly TimeSpan InvitationLifetime = TimeSpan.FromDays(7);

    // The last use is written down at most this often: a busy token must not make every request a write.
    private static readonly TimeSpan s_useStep = TimeSpan.FromMinutes(10);

    private const string Columns =
        "id, kind, account_id, name, hint, scopes, parent_id, created_at, expires_at, last_used_at from secrets";

    /// <summary>Makes a personal token for a user or a robot token for an organisation; the secret is told this once.</summary>
    /// <exception cref="FaultException">InvalidArgument: the name or the time is wrong. Conflict: there is one of that name, or too
    /// many.</exception>
    public async Task<(StoredToken Token, string Secret)> CreateTokenAsync(
        Caller actor, SecretKind kind, long accountId, string name, IReadOnlyList<TokenScope>? scopes, DateTimeOffset? expiresAt,
        CancellationToken cancellationToken)
    {
        // It is a part of the address by which the API revokes the token, which takes a slash and dots for a way through it.
        if (name.Length is 0 or > NameLengthMax || name is "." or ".." || name.Any(c => char.IsControl(c) || c == '/'))
            throw FaultException.Invalid(
                $"token name: 1 to {NameLengthMax} characters without slashes and control characters are allowed, and not dots alone");
        if (expiresAt <= time.GetUtcNow())
            throw FaultException.Invalid("token: its end is in the past");
        if (kind is SecretKind.Robot && (scopes is null || !RobotName.IsValid(name)))
            throw FaultException.Invalid(
                "robot token: scopes are needed, and a name of lower-case letters, digits and single '-', '_' or '.'");
        string secret = SecretText.Create(kind);
        StoredToken token = await database.WriteAsync(
            async (transaction, cancelled) =>
            {
                await RequireRoomAsync(transaction, kind, accountId, name, cancelled);
                long id = await InsertAsync(
                    transaction, secret, kind, accountId, name, scopes, parentId: null, actor.AccountId, expiresAt, cancelled);
                string owner = await transaction.TextAsync($"select name from accounts where id = {accountId}", cancelled) ?? "";
                string details = $"{KindText(kind)} token {name}: {(scopes is null ? "not narrowed" : TokenScopes.Format(scopes))}";
                await audit.RecordAsync(transaction, actor, AuditActions.TokenCreate, owner, details, cancelled);
                return (await transaction.FirstAsync($"select {(SqlText)Columns} where id = {id}", Read, cancelled))!;
            }, cancellationToken);
        return (token, secret);
    }

    /// <summary>The personal or robot tokens of an account, by name.</summary>
    public Task<List<StoredToken>> ListTokensAsync(long accountId, CancellationToken cancellationToken) => database.ReadAsync(
        (transaction, token) => transaction.ListAsync(
            $"select {(SqlText)Columns} where account_id = {accountId} and kind in ('personal', 'robot') order by name", Read, token),
        cancellationToken);

    /// <summary>Revokes a token by name, with the refresh tokens that were given for it; false when there is none.</summary>
    public Task<bool> RevokeTokenAsync(Caller actor, long accountId, string name, CancellationToken cancellationToken) =>
        database.FreeAsync(
        async (transaction, token) =>
        {
            int count = await transaction.ExecuteAsync(
                $"delete from secrets where account_id = {accountId} and name = {name} and kind in ('personal', 'robot')", token);
            if (count == 0)
                return false;
            string owner = await transaction.TextAsync($"select name from accounts where id = {accountId}", token) ?? "";
            await audit.RecordAsync(transaction, actor, AuditActions.TokenRevoke, owner, $"token {name}", token);
            return true;
        }, cancellationToken);

    /// <summary>Makes a session or a refresh token that ends by itself alone, or with the token that it was given for.</summary>
    public Task<string> BeginSessionAsync(SecretKind kind, long accountId, long? parentId, CancellationToken cancellationToken) =>
        BeginSessionAsync(kind, accountId, parentId, htpasswdMark: null, cancellationToken);

    /// <summary>Makes a session or a refresh token.</summary>
    /// <param name="kind">Which of both.</param>
    /// <param name="accountId">Whose it is.</param>
    /// <param name="parentId">The token that it was given for, if one was.</param>
    /// <param name="htpasswdMark">The entry of the htpasswd file that it ends with, if one opened it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<string> BeginSessionAsync(
        SecretKind kind, long accountId, long? parentId, string? htpasswdMark, CancellationToken cancellationToken)
    {
        string secret = SecretText.Create(kind);
        DateTimeOffset end = time.GetUtcNow() + LifetimeOf(kind);
        string word = KindText(kind);
        // A client goes on with its password where it gets no refresh token; a browser has nothing else than its session.
        ReserveUse use = kind is SecretKind.Session ? ReserveUse.SignIn : ReserveUse.None;
        await database.WriteAsync(
            Durability.Process, use,
            async (transaction, token) =>
            {
                await transaction.ExecuteAsync(
                    $"delete from secrets where expires_at < {time.GetUtcNow().ToUnixTimeMilliseconds()}", token);
                await transaction.ExecuteAsync($"""
                    delete from secrets where account_id = {accountId} and kind = {word} and id not in
                    (select id from secrets where account_id = {accountId} and kind = {word} order by id desc limit {SessionsMax - 1})
                    """, token);
                return await InsertAsync(
                    transaction, secret, kind, accountId, htpasswdMark ?? "", null, parentId, accountId, end, token);
            }, cancellationToken);
        return secret;
    }

    /// <summary>Makes a one-time secret that is nobody's: an invitation, or the first start's link.</summary>
    public async Task<string> InviteAsync(Caller actor, SecretKind kind, string note, CancellationToken cancellationToken)
    {
        string secret = SecretText.Create(kind);
        // A hub starts also on a full disk, where it is to be emptied.
        ReserveUse use = kind is SecretKind.Setup ? ReserveUse.Freeing : ReserveUse.None;
        await database.WriteAsync(
            Durability.Power, use,
            async (transaction, token) =>
            {
                // There is one link for the set-up: the latest.
                if (kind is SecretKind.Setup)
                    await EndSetUpAsync(transaction, token);
                else
                    await audit.RecordAsync(transaction, actor, AuditActions.UserInvite, note, "", token);
                return await InsertAsync(
                    transaction, secret, kind, null, note, null, null, actor.AccountId, time.GetUtcNow() + InvitationLifetime, token);
            }, cancellationToken);
        return secret;
    }

    /// <summary>Uses up a one-time secret; false when it is not there any more.</summary>
    public async Task<bool> RedeemAsync(HubTransaction transaction, SecretKind kind, string secret, CancellationToken cancellationToken)
    {
        if (!SecretText.TryRead(secret, out SecretKind actual) || actual != kind)
            return false;
        long now = time.GetUtcNow().ToUnixTimeMilliseconds();
        return await transaction.ExecuteAsync(
            $"delete from secrets where hash = {SecretText.HashOf(secret)} and kind = {KindText(kind)} and expires_at > {now}", cancellationToken) == 1;
    }

    /// <summary>Takes back the set-up link: there is an administrator now, or a newer link.</summary>
    public Task EndSetUpAsync(HubTransaction transaction, CancellationToken cancellationToken) =>
        transaction.ExecuteAsync($"delete from secrets where kind = {KindText(SecretKind.Setup)}", cancellationToken);

    /// <summary>Whether a one-time secret would be taken now.</summary>
    public async Task<bool> IsRedeemableAsync(SecretKind kind, string secret, CancellationToken cancellationToken) =>
        SecretText.TryRead(secret, out SecretKind actual) && actual == kind && await FindAsync(secret, cancellationToken) is not null;

    /// <summary>The stored side of a secret that is still good; null for any other text.</summary>
    public async Task<StoredToken?> FindAsync(string secret, CancellationToken cancellationToken)
    {
        if (!SecretText.TryRead(secret, out SecretKind kind))
            return null;
        string hash = SecretText.HashOf(secret);
        StoredToken? found = await database.ReadAsync(
            (transaction, token) =>
                transaction.FirstAsync($"select {(SqlText)Columns} where hash = {hash}", Read, token), cancellationToken);
        return found is not null && found.Kind == kind && IsGood(found) ? found : null;
    }

    /// <summary>A secret by its row, if it is still good.</summary>
    public async Task<StoredToken?> FindAsync(long id, CancellationToken cancellationToken)
    {
        StoredToken? found = await database.ReadAsync(
            (transaction, token) => transaction.FirstAsync($"select {(SqlText)Columns} where id = {id}", Read, token), cancellationToken);
        return found is not null && IsGood(found) ? found : null;
    }

    /// <summary>Whether it has not ended.</summary>
    public bool IsGood(StoredToken token) => token.ExpiresAt is not { } end || end > time.GetUtcNow();

    /// <summary>Notes that a secret was used, now and then, and moves the end of a session that is in use.</summary>
    public async Task NoteUseAsync(StoredToken token, CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        if (token.LastUsedAt is { } last && now - last < s_useStep)
            return;
        long? end = token.Kind is SecretKind.Session or SecretKind.Refresh
            ? (now + LifetimeOf(token.Kind)).ToUnixTimeMilliseconds() : token.ExpiresAt?.ToUnixTimeMilliseconds();
        await database.NoteAsync(
            (transaction, cancelled) => transaction.ExecuteAsync(
                $"update secrets set last_used_at = {now.ToUnixTimeMilliseconds()}, expires_at = {end} where id = {token.Id}", cancelled),
            cancellationToken);
    }

    /// <summary>Ends one session or refresh token: its owner signs out.</summary>
    public Task EndSessionAsync(Caller actor, string secret, CancellationToken cancellationToken) => database.FreeAsync(
        async (transaction, token) =>
        {
            int ended = await transaction.ExecuteAsync(
                $"delete from secrets where hash = {SecretText.HashOf(secret)} and kind in ('session', 'refresh')", token);
            if (ended > 0 && actor.Name is { } name)
                await audit.RecordAsync(transaction, actor, AuditActions.UserSignOut, name, "", token);
            return ended;
        }, cancellationToken);

    /// <summary>Ends all sessions and refresh tokens of an account that a password opened; personal tokens stay.</summary>
    public Task EndSessionsAsync(HubTransaction transaction, long accountId, CancellationToken cancellationToken) =>
        transaction.ExecuteAsync(
        $"delete from secrets where account_id = {accountId} and kind in ('session', 'refresh') and parent_id is null", cancellationToken);

    private async Task RequireRoomAsync(
        HubTransaction transaction, SecretKind kind, long accountId, string name, CancellationToken cancellationToken)
    {
        string word = KindText(kind);
        if (await transaction.NumberAsync(
            $"select cast(1 as bigint) from secrets where account_id = {accountId} and kind = {word} and name = {name}", cancellationToken) is not null)
            throw FaultException.Conflict($"token {name}: there is one of this name");
        if (await transaction.NumberAsync(
            $"select count(*) from secrets where account_id = {accountId} and kind = {word}", cancellationToken) >= TokensMax)
            throw FaultException.Conflict($"token {name}: there are {TokensMax} already: revoke some first");
    }

    private async Task<long> InsertAsync(
        HubTransaction transaction, string secret, SecretKind kind, long? accountId, string name, IReadOnlyList<TokenScope>? scopes,
        long? parentId, long? createdBy, DateTimeOffset? expiresAt, CancellationToken cancellationToken)
    {
        long now = time.GetUtcNow().ToUnixTimeMilliseconds();
        string? scopesText = scopes is null ? null : TokenScopes.Format(scopes);
        return (await transaction.NumberAsync($"""
            insert into secrets(kind, account_id, name, hint, hash, scopes, parent_id, created_by, created_at, expires_at)
            values ({KindText(kind)}, {accountId}, {name}, {SecretText.HintOf(secret)}, {SecretText.HashOf(secret)}, {scopesText},
            {parentId},
            {createdBy}, {now}, {expiresAt?.ToUnixTimeMilliseconds()}) returning id
            """, cancellationToken))!.Value;
    }

    private static TimeSpan LifetimeOf(SecretKind kind) => kind is SecretKind.Session ? SessionLifetime : RefreshLifetime;

    private static string KindText(SecretKind kind) => kind switch
    {
        SecretKind.Personal => "personal",
        SecretKind.Robot => "robot",
        SecretKind.Refresh => "refresh",
        SecretKind.Session => "session",
        SecretKind.Invitation => "invitation",
        _ => "setup",
    };

    private static SecretKind KindOf(string text) => Enum.GetValues<SecretKind>().First(kind => KindText(kind) == text);

    private static StoredToken Read(DbDataReader row) => new()
    {
        Id = row.GetInt64(0),
        Kind = KindOf(row.GetString(1)),
        AccountId = row.IsDBNull(2) ? null : row.GetInt64(2),
        Name = row.GetString(3),
        Hint = row.GetString(4),
        Scopes = row.IsDBNull(5) ? null : TokenScopes.Parse([row.GetString(5)]),
        ParentId = row.IsDBNull(6) ? null : row.GetInt64(6),
        CreatedAt = DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(7)),
        ExpiresAt = row.IsDBNull(8) ? null : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(8)),
        LastUsedAt = row.IsDBNull(9) ? null : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(9)),
    };
}
