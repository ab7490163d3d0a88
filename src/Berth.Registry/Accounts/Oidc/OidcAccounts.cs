using System.Text;
using Berth.Registry.Audit;
using Berth.Registry.Database;
using Berth.Registry.Model;
using Berth.Registry.Tokens;

namespace Berth.Registry.Accounts.Oidc;

/// <summary>Which account belongs to whom at the provider.</summary>
/// <remarks>Bound by the provider's subject alone. A name or an address at the provider never opens an account that exists here:
/// whoever can
/// choose theirs there could choose somebody else's.</remarks>
public sealed class OidcAccounts(HubDatabase database, UserService users, SecretStore secrets, AuditLog audit, TimeProvider time)
{
    private const int NamesTriedMax = 100;

    /// <summary>The account of an identity; null when there is none.</summary>
    public Task<long?> FindAsync(string issuer, string subject, CancellationToken cancellationToken) =>
        database.ReadAsync((transaction, token) => FindAsync(transaction, issuer, subject, token), cancellationToken);

    /// <summary>The account of an identity; where there is none it is made, with a name like the one that they have there.</summary>
    /// <exception cref="FaultException">Conflict: no name is free.</exception>
    public Task<long> FindOrCreateAsync(string issuer, OidcIdentity identity, string? address, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async (transaction, token) =>
            {
                // Asked here once more: a browser's two tabs sign in at once, and the first has made it.
                if (await FindAsync(transaction, issuer, identity.Subject, token) is { } known)
                    return known;
                string wish = NameFrom(identity);
                for (int i = 1; i <= NamesTriedMax; i++)
                {
                    string name = i == 1 ? wish : $"{wish[..Math.Min(wish.Length, AccountName.LengthMax - 4)]}-{i}";
                    if (!AccountName.TryParse(name, out _) || !await AccountNames.IsFreeAsync(transaction, name, token))
                        continue;
                    var user = new NewUser(name, null) { DisplayName = Printable(identity.DisplayName), Email = identity.Email };
                    Caller self = new() { Name = name, RemoteAddress = address };
                    UserAccount made = await users.InsertAsync(transaction, self, user, password: null, token);
                    await BindAsync(transaction, issuer, identity.Subject, made.Id, token);
                    return made.Id;
                }
                throw FaultException.Conflict($"sign in: no name like {wish} is free");
            }, cancellationToken);

    /// <summary>Binds an identity to an account that exists, for an operator.</summary>
    /// <exception cref="FaultException">NotFound: no such user. Conflict: the identity belongs to another account.</exception>
    public Task LinkAsync(Caller actor, string name, string issuer, string subject, CancellationToken cancellationToken) =>
        database.WriteAsync(
        async (transaction, token) =>
        {
            long id = await OrganisationService.UserIdAsync(transaction, name, token);
            long? bound = await FindAsync(transaction, issuer, subject, token);
            if (bound is not null && bound != id)
                throw FaultException.Conflict($"link user {name}: {subject} belongs to another account");
            if (bound is null)
                await BindAsync(transaction, issuer, subject, id, token);
            await audit.RecordAsync(transaction, actor, AuditActions.UserUpdate, name, $"signs in as {subject} of {issuer}", token);
            return true;
        }, cancellationToken);

    /// <summary>Ends what <see cref="LinkAsync"/> or a first sign-in began: they sign in as that user no more. Sessions end.</summary>
    /// <exception cref="FaultException">NotFound: no such user, or the identity does not belong to them.</exception>
    public Task UnlinkAsync(Caller actor, string name, string issuer, string subject, CancellationToken cancellationToken) =>
        database.WriteAsync(
        async (transaction, token) =>
        {
            long id = await OrganisationService.UserIdAsync(transaction, name, token);
            if (await transaction.ExecuteAsync(
                $"delete from identities where issuer = {issuer} and subject = {subject} and account_id = {id}", token) == 0)
                throw FaultException.NotFound($"unlink user {name}: {subject} does not sign in as this user at {issuer}");
            await secrets.EndSessionsAsync(transaction, id, token);
            await audit.RecordAsync(
                transaction, actor, AuditActions.UserUpdate, name, $"no longer signs in as {subject} of {issuer}", token);
            return true;
        }, cancellationToken);

    private static Task<long?> FindAsync(
        HubTransaction transaction, string issuer, string subject, CancellationToken cancellationToken) => transaction.NumberAsync(
            $"select account_id from identities where issuer = {issuer} and subject = {subject}", cancellationToken);

    private Task<int> BindAsync(HubTransaction transaction, string issuer, string subject, long account,
        CancellationToken cancellationToken) =>
        transaction.ExecuteAsync(
            $"insert into identities(issuer, subject, account_id, created_at) values ({issuer}, {subject}, {account}, {time.GetUtcNow().ToUnixTimeMilliseconds()})",
            cancellationToken);

    private static string NameFrom(OidcIdentity identity)
    {
        string wish = identity.PreferredName.Length > 0 ? identity.PreferredName : identity.Email;
        int at = wish.IndexOf('@', StringComparison.Ordinal);
        var name = new StringBuilder();
        foreach (char c in (at > 0 ? wish[..at] : wish).ToLowerInvariant())
        {
            if (char.IsAsciiLetterOrDigit(c))
                name.Append(c);
            else if (name.Length > 0 && name[^1] != '-')
                name.Append('-');
        }
        string text = name.ToString();
        text = text[..Math.Min(text.Length, AccountName.LengthMax)].Trim('-');
        return text.Length >= AccountName.LengthMin ? text : "user";
    }

    private static string Printable(string text)
    {
        string line = string.Concat(text.Where(c => !char.IsControl(c)));
        return line.Length > UserService.TextLengthMax ? line[..UserService.TextLengthMax] : line;
    }
}
