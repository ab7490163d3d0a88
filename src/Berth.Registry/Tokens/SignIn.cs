using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Berth.Registry.Access;
using Berth.Registry.Accounts;
using Berth.Registry.Accounts.Htpasswd;
using Berth.Registry.Audit;
using Berth.Registry.Database;
using Berth.Registry.Model;
using Microsoft.Extensions.Logging;

namespace Berth.Registry.Tokens;

/// <summary>Proves who somebody is: by password, by personal or robot token, by refresh token, by session.</summary>
public sealed partial class SignIn(
    HubDatabase database, AccountDirectory directory, SecretStore secrets, PasswordHasher hasher, LoginThrottle throttle,
    HtpasswdFile? htpasswd, HtpasswdAccounts htpasswdAccounts, AuditLog audit, TimeProvider time, ILogger<SignIn> logger)
{
    private const int ProvenMax = 10_000;
    private static readonly string s_mostBcryptCost = BcryptHash.CostMax.ToString("00", CultureInfo.InvariantCulture);
    private static readonly TimeSpan s_provenFor = TimeSpan.FromMinutes(10);

    // Basic credentials come with every request: after the costly proof, a keyed hash of them is remembered for a while, together with
    // the stored password that they were proven against. The key lives and dies with the process.
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private readonly Lock _gate = new();
    private readonly Dictionary<string, (string Stored, DateTimeOffset Until)> _proven = new(StringComparer.Ordinal); // Guarded by _gate.
    private readonly MarkedCache<int, int> _bcryptCosts = new(database, entriesMax: 1);
    private long _failures;

    /// <summary>Wrong passwords and tokens since the process began.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    /// <summary>Who has this name and this password or token; null when nobody.</summary>
    /// <exception cref="TooManyAttemptsException">There were too many wrong passwords, or wrong tokens and this one is, too.</exception>
    /// <exception cref="FaultException">Unavailable: too many sign-ins at once.</exception>
    public async ValueTask<Caller?> WithPasswordAsync(string name, string password, string? address, CancellationToken cancellationToken)
    {
        if (SecretText.TryRead(password, out _))
            return await WithTokenAsync(password, name, address, cancellationToken);
        if (await ProveAsync(name, password, address, cancellationToken) is { } caller)
            return caller with { RemoteAddress = address };
        NoteFailure(name, address);
        return null;
    }

    /// <summary>Who has this personal or robot token. A right one is always taken; wrong ones count for their address.</summary>
    /// <param name="secret">The token.</param>
    /// <param name="name">The name that must belong to it; null where none is given.</param>
    /// <param name="address">Where it came from.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="TooManyAttemptsException">It is wrong, and there were too many from this address.</exception>
    public async ValueTask<Caller?> WithTokenAsync(string secret, string? name, string? address, CancellationToken cancellationToken)
    {
        if (await LookUpAsync(secret, name, cancellationToken) is { } caller)
            return caller with { RemoteAddress = address };
        NoteFailure(name ?? "", address);
        try
        {
            if (await throttle.TokenFailedAsync(address) is var wait && wait > TimeSpan.Zero)
                throw new TooManyAttemptsException(wait);
            await RefuseAsync(Shown(name ?? ""), address, $"no such token, or its time is over: {SecretText.HintOf(secret)}");
        }
        catch (FaultException fault) when (fault.Kind is FaultKind.Unavailable)
        {
            // On a full disk it is refused all the same: there is nothing to be learnt from that.
        }
        return null;
    }

    private void NoteFailure(string name, string? address)
    {
        Interlocked.Increment(ref _failures);
        Log.Refused(logger, Shown(name), address);
    }

    // A stranger's text: no longer than a robot's whole name.
    private static string Shown(string name) => name.Length > AccountName.LengthMax * 2 ? "(too long)" : name;

    private async ValueTask<Caller?> LookUpAsync(string secret, string? name, CancellationToken cancellationToken)
    {
        StoredToken? token = await directory.TokenAsync(secret, cancellationToken);
        if (token is not { Kind: SecretKind.Personal or SecretKind.Robot })
            return null;
        Caller? caller = await CallerAsync(token, cancellationToken);
        if (caller is null || (name is not null && name != caller.Name))
            return null;
        await secrets.NoteUseAsync(token, cancellationToken);
        return caller;
    }

    /// <summary>Who has this refresh token; what it was given for decides what it may do.</summary>
    public ValueTask<Caller?> WithRefreshTokenAsync(string secret, CancellationToken cancellationToken) =>
        WithSessionAsync(secret, SecretKind.Refresh, cancellationToken);

    /// <summary>Whose browser session this is.</summary>
    public ValueTask<Caller?> WithSessionAsync(string secret, CancellationToken cancellationToken) =>
        WithSessionAsync(secret, SecretKind.Session, cancellationToken);

    /// <summary>Begins a browser session of somebody who is proven.</summary>
    public async Task<string> BeginSessionAsync(Caller caller, CancellationToken cancellationToken)
    {
        string secret = await secrets.BeginSessionAsync(
            SecretKind.Session, caller.AccountId!.Value, caller.TokenId, caller.HtpasswdMark, cancellationToken);
        long now = time.GetUtcNow().ToUnixTimeMilliseconds();
        await database.WriteAsync(
            Durability.Process, ReserveUse.SignIn,
            async (transaction, token) =>
            {
                await transaction.ExecuteAsync(
                    $"update users set last_login_at = {now} where account_id = {caller.AccountId}", token);
                await audit.RecordAsync(transaction, caller, AuditActions.UserSignIn, caller.Name!, "", token);
                return true;
            }, cancellationToken);
        return secret;
    }

    /// <summary>Who a stored secret speaks for; null when its owner is gone or switched off.</summary>
    internal async ValueTask<Caller?> CallerAsync(StoredToken token, CancellationToken cancellationToken)
    {
        if (token.AccountId is not { } id || await directory.RightsAsync(id, cancellationToken) is not { IsDisabled: false } rights)
            return null;
        // Opened by a password of the htpasswd file, which is no longer there or another now.
        if (token is { Kind: SecretKind.Session or SecretKind.Refresh, Name: { Length: > 0 } mark }
            && htpasswd?.Holds(rights.Name, mark) is not true)
            return null;
        StoredToken? narrowing = token;
        if (token.ParentId is { } parent && (narrowing = await directory.TokenAsync(parent, cancellationToken)) is null)
            return null;
        return new Caller
        {
            AccountId = id,
            Name = narrowing.Kind is SecretKind.Robot ? RobotName.Of(rights.Name, narrowing.Name) : rights.Name,
            // A narrowed token changes no settings of the hub.
            IsAdministrator = rights.IsAdministrator && narrowing.Scopes is null,
            TokenId = token.Kind is SecretKind.Session ? token.ParentId : token.Id,
            Scopes = narrowing.Scopes,
        };
    }

    private async ValueTask<Caller?> WithSessionAsync(string secret, SecretKind kind, CancellationToken cancellationToken)
    {
        StoredToken? token = await directory.TokenAsync(secret, cancellationToken);
        if (token is null || token.Kind != kind)
            return null;
        Caller? caller = await CallerAsync(token, cancellationToken);
        if (caller is not null)
            await secrets.NoteUseAsync(token, cancellationToken);
        return caller;
    }

    private async ValueTask<Caller?> ProveAsync(string name, string password, string? address, CancellationToken cancellationToken)
    {
        // A name that cannot exist costs nothing and tells nothing: whoever reads the rule knows it too.
        if (!AccountName.TryParse(name, out _))
            return null;
        await AdmitAsync(name, address, cancellationToken);
        AccountRights? rights = await directory.RightsAsync(name, cancellationToken);
        bool isBlocked = rights is { IsDisabled: true };
        // A password of the account's own counts alone; without an account, the file's makes one.
        HtpasswdEntry? entry = rights is null or { MayBeOfHtpasswd: true } ? htpasswd?.Find(name) : null;
        // What cannot be opened has no password: a right one would otherwise be answered in another time than a wrong one.
        string? stored = isBlocked || rights is { IsOrganisation: true } ? null : rights?.Password ?? entry?.Hash;
        string key = KeyOf(name, password);
        bool isKnown = IsProven(key, stored);
        int bcryptCost = Math.Max(htpasswd?.CostMax ?? 0, await _bcryptCosts.GetAsync(0, ReadBcryptCostAsync, cancellationToken));
        // Asked once more when its turn has come: many guesses that were sent at once have all been admitted above.
        if (!isKnown && !await hasher.VerifyAsync(
            password, stored, bcryptCost, () => AdmitAsync(name, address, cancellationToken), () => throttle.FailedAsync(name, address),
            cancellationToken))
            return await RefuseAsync(name, address, isBlocked ? "the account is blocked" : "");
        if (entry is not null && rights is not { IsOfHtpasswd: true })
        {
            if (await htpasswdAccounts.EnterAsync(name, address, cancellationToken) is { } reason)
                return await RefuseAsync(name, address, reason);
            rights = await directory.RightsAsync(name, cancellationToken);
        }
        if (rights is null)
            return await RefuseAsync(name, address, "");
        if (!isKnown)
        {
            await throttle.SucceededAsync(name, address, cancellationToken);
            await NoteAsync(rights, key, password, stored!, cancellationToken);
        }
        return new Caller
        {
            AccountId = rights.Id, Name = rights.Name, IsAdministrator = rights.IsAdministrator, HtpasswdMark = entry?.Mark,
        };
    }

    // By the index of the accounts' schema, which is all that the database reads for it.
    private Task<int> ReadBcryptCostAsync(int key, CancellationToken cancellationToken) => database.ReadAsync(
        async (transaction, token) => int.TryParse(
            await transaction.TextAsync(
                $"""
                select max(substr(password, 5, 2)) from users
                where substr(password, 1, 2) = '$2' and substr(password, 5, 2) <= {s_mostBcryptCost}
                """, token), NumberStyles.None, CultureInfo.InvariantCulture, out int cost) ? cost : 0, cancellationToken);

    // A line each does not fill the log: past a few, the throttle lets nobody come this far. Also for a client that has gone away.
    private async Task<Caller?> RefuseAsync(string name, string? address, string why)
    {
        await audit.RecordAsync(
            Caller.Anonymous with { RemoteAddress = address }, AuditActions.UserSignInFailed, name, why, CancellationToken.None);
        return null;
    }

    /// <exception cref="TooManyAttemptsException">There were too many wrong passwords.</exception>
    private async Task AdmitAsync(string name, string? address, CancellationToken cancellationToken)
    {
        TimeSpan wait = await throttle.WaitForAsync(name, address, cancellationToken);
        if (wait > TimeSpan.Zero)
            throw new TooManyAttemptsException(wait);
    }

    private async Task NoteAsync(AccountRights rights, string key, string password, string stored, CancellationToken cancellationToken)
    {
        string newest = rights.Password is not null && PasswordHasher.IsOutdated(stored)
            ? await RenewAsync(password, cancellationToken) ?? stored : stored;
        long now = time.GetUtcNow().ToUnixTimeMilliseconds();
        await database.NoteAsync(
            async (transaction, token) =>
            {
                // Unless the password was changed meanwhile: that one must win.
                if (newest != stored)
                    await transaction.ExecuteAsync(
                        $"update users set password = {newest} where account_id = {rights.Id} and password = {stored}", token);
                return await transaction.ExecuteAsync(
                    $"update users set last_login_at = {now} where account_id = {rights.Id}", token);
            }, cancellationToken);
        lock (_gate)
        {
            if (_proven.Count >= ProvenMax)
                _proven.Clear();
            _proven[key] = (newest, time.GetUtcNow() + s_provenFor);
        }
    }

    // Null where too many sign in at once: it was the right password all the same, and the next time does as well.
    private async Task<string?> RenewAsync(string password, CancellationToken cancellationToken)
    {
        try
        {
            return await hasher.HashAsync(password, cancellationToken);
        }
        catch (FaultException fault) when (fault.Kind is FaultKind.Unavailable)
        {
            return null;
        }
    }

    private bool IsProven(string key, string? stored)
    {
        lock (_gate)
            return stored is not null && _proven.TryGetValue(key, out (string Stored, DateTimeOffset Until) proven)
                && proven.Stored == stored && proven.Until > time.GetUtcNow();
    }

    private string KeyOf(string name, string password) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes($"{name}\n{password}")));

    private static partial class Log
    {
        [LoggerMessage(EventId = 6101, Level = LogLevel.Information, Message = "Sign-in as {Name} from {Address} refused")]
        public static partial void Refused(ILogger logger, string name, string? address);
    }
}
