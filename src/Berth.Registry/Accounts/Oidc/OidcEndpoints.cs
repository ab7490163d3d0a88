using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Berth.Registry.Access;
using Berth.Registry.Audit;
using Berth.Registry.Database;
using Berth.Registry.Model;
using Berth.Registry.Sealing;
using Berth.Registry.Tokens;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Berth.Registry.Accounts.Oidc;

/// <summary>Sign-in through the provider: <c>/auth/oidc/start</c> sends the browser there, <c>/auth/oidc/callback</c> takes it
/// back.</summary>
/// <remarks>Authorization code with PKCE, state and nonce. What a sign-in began with is kept in the database, so it may end at
/// another process;
/// the state is also in a cookie, so that it can only end in the browser in which it began.</remarks>
public sealed partial class OidcEndpoints(
    OidcSettings settings, OidcProvider provider, OidcAccounts accounts, AccountDirectory directory, SignIn signIn, AuditLog audit,
    PublicAddress address, HubDatabase database, SealedSecrets seals, TimeProvider time, ILogger<OidcEndpoints> logger)
{
    /// <summary>Where a sign-in begins.</summary>
    public const string StartPath = "/auth/oidc/start";

    /// <summary>Where the provider sends browsers back to; operators enter it there.</summary>
    public const string CallbackPath = "/auth/oidc/callback";

    private const string Cookie = "berth_oidc";
    private const int ReturnLengthMax = 1000;
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);

    /// <summary>What people call the provider.</summary>
    public string ProviderName => settings.Name;

    /// <summary>Leads on to the provider, or back from it with a session. What is refused stands in the log; the audit log has what
    /// the provider or the hub refused to somebody who had begun here.</summary>
    /// <exception cref="FaultException">InvalidArgument: it did not begin here. Unauthorized, Forbidden, Conflict: they may not.
    /// Unavailable: the provider is away.</exception>
    public async Task HandleAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        try
        {
            if (!HttpMethods.IsGet(context.Request.Method))
                throw FaultException.Invalid("sign in: GET is expected");
            await (context.Request.Path == StartPath ? StartAsync(context) : FinishAsync(context));
        }
        catch (FaultException fault)
        {
            string? from = CallerReader.AddressOf(context);
            if (fault.Kind is FaultKind.Unavailable or FaultKind.Internal)
                Log.Failed(logger, settings.Name, from, fault.Message);
            else
                Log.Refused(logger, settings.Name, from, fault.Message);
            if (fault.Kind is FaultKind.Unauthorized or FaultKind.Forbidden or FaultKind.Conflict)
                await audit.RecordAsync(
                    new Caller { RemoteAddress = from }, AuditActions.UserSignInFailed, "", fault.Message, context.RequestAborted);
            throw;
        }
    }

    private async Task StartAsync(HttpContext context)
    {
        (string state, string nonce, string verifier) = (RandomText(), RandomText(), RandomText());
        string challenge = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)));
        Uri target = await provider.AuthorizationAsync(Redirect(context), state, nonce, challenge, context.RequestAborted);
        string back = LocalPath(context.Request.Query["return_to"].ToString());
        long now = time.GetUtcNow().ToUnixTimeMilliseconds();
        long end = now + (long)s_patience.TotalMilliseconds;
        await database.WriteAsync(
            Durability.Process,
            async (transaction, token) =>
            {
                await transaction.ExecuteAsync($"delete from sign_ins where expires_at < {now}", token);
                string key = SecretText.HashOf(state);
                string kept = SealedColumn.TextOf(
                    await seals.SealAsync(transaction, SealedColumn.SignIns, key, Encoding.ASCII.GetBytes(verifier), token));
                return await transaction.ExecuteAsync(
                    $"insert into sign_ins(state, verifier, nonce, return_to, expires_at) values ({key}, {kept}, {nonce}, {back}, {end})",
                    token);
            }, context.RequestAborted);
        context.Response.Cookies.Append(Cookie, state, CookieFor(context, s_patience));
        context.Response.Redirect(target.AbsoluteUri);
    }

    private async Task FinishAsync(HttpContext context)
    {
        IQueryCollection query = context.Request.Query;
        string state = query["state"].ToString();
        string began = context.Request.Cookies[Cookie] ?? "";
        context.Response.Cookies.Delete(Cookie, CookieFor(context, null));
        (string Verifier, string Nonce, string Back)? attempt = await TakeAsync(state, context.RequestAborted);
        if (attempt is not { } known || state.Length == 0
            || !CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(state), Encoding.UTF8.GetBytes(began)))
            throw FaultException.Invalid("sign in: it began in another browser, or too long ago: begin again");
        // RFC 9207: a provider that names itself in its answer must be the one that was asked.
        if (query["iss"].ToString() is { Length: > 0 } issuer && issuer != settings.Issuer)
            throw new FaultException(FaultKind.Unauthorized, "sign in: another provider answered");
        if (query["code"].ToString() is not { Length: > 0 } code)
            throw new FaultException(FaultKind.Unauthorized, $"sign in at {settings.Name}: the provider refused");
        OidcIdentity identity = await provider.RedeemAsync(code, Redirect(context), known.Verifier, known.Nonce, context.RequestAborted);
        Caller caller = await CallerAsync(identity, CallerReader.AddressOf(context), context.RequestAborted);
        SessionCookie.Set(context, await signIn.BeginSessionAsync(caller, context.RequestAborted));
        context.Response.Redirect(known.Back);
    }

    private async Task<Caller> CallerAsync(OidcIdentity identity, string? from, CancellationToken cancellationToken)
    {
        long? id = await accounts.FindAsync(settings.Issuer, identity.Subject, cancellationToken);
        if (id is null && !settings.MakesAccounts)
            throw new FaultException(FaultKind.Forbidden,
                $"sign in at {settings.Name}: no account here belongs to you; ask an administrator of this hub");
        id ??= await accounts.FindOrCreateAsync(settings.Issuer, identity, from, cancellationToken);
        if (await directory.RightsAsync(id.Value, cancellationToken) is not { IsDisabled: false } rights)
            throw new FaultException(FaultKind.Forbidden, "sign in: the account is switched off");
        return new Caller { AccountId = rights.Id, Name = rights.Name, RemoteAddress = from };
    }

    // Whoever comes second with the same state finds nothing.
    private Task<(string Verifier, string Nonce, string Back)?> TakeAsync(string state, CancellationToken cancellationToken) =>
        database.WriteAsync(
        Durability.Process,
        async (transaction, token) =>
        {
            string key = SecretText.HashOf(state);
            long now = time.GetUtcNow().ToUnixTimeMilliseconds();
            (string, string, string)? found = await transaction.FirstAsync(
                $"select verifier, nonce, return_to from sign_ins where state = {key} and expires_at > {now}",
                row => ((string, string, string)?)(row.GetString(0), row.GetString(1), row.GetString(2)), token);
            if (found is not { } known)
                return found;
            await transaction.ExecuteAsync($"delete from sign_ins where state = {key}", token);
            return (Encoding.ASCII.GetString(seals.Open(SealedColumn.SignIns, key, known.Item1)), known.Item2, known.Item3);
        }, cancellationToken);

    private string Redirect(HttpContext context) => address.Of(context) + CallbackPath;

    private static string RandomText() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    // A path on this hub, never another place: "//evil" and "/\evil" are hosts to a browser.
    internal static string LocalPath(string wanted) =>
        wanted.Length is > 0 and <= ReturnLengthMax && wanted[0] == '/' && !wanted.AsSpan(1).StartsWith("/")
        && !wanted.AsSpan().ContainsAny("\\\r\n\t") ? wanted : "/";

    private static CookieOptions CookieFor(HttpContext context, TimeSpan? age) => new()
    {
        HttpOnly = true, Secure = context.Request.IsHttps, SameSite = SameSiteMode.Lax, Path = "/auth/oidc", MaxAge = age,
            IsEssential = true,
    };

    private static partial class Log
    {
        [LoggerMessage(EventId = 6111, Level = LogLevel.Information, Message = "Sign-in at {Provider} from {Address} refused: {Reason}")]
        public static partial void Refused(ILogger logger, string provider, string? address, string reason);

        [LoggerMessage(EventId = 6112, Level = LogLevel.Warning, Message = "Sign-in at {Provider} from {Address} failed: {Reason}")]
        public static partial void Failed(ILogger logger, string provider, string? address, string reason);
    }
}
