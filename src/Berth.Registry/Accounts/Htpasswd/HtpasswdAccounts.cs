using Berth.Registry.Audit;
using Berth.Registry.Database;
using Berth.Registry.Model;

namespace Berth.Registry.Accounts.Htpasswd;

/// <summary>Which accounts are those of the htpasswd file: bound at the first sign-in, like those of a provider, so that no name in the
/// file opens an account that somebody else has.</summary>
public sealed class HtpasswdAccounts(HubDatabase database, UserService users, AuditLog audit, TimeProvider time)
{
    /// <summary>Stands for the file where a provider's people have its address.</summary>
    internal const string Issuer = "htpasswd";

    /// <summary>Makes the account of somebody who has proven a password of the file, where there is none, and binds it.</summary>
    /// <returns>Why they cannot have one; null when they have.</returns>
    /// <exception cref="FaultException">Unavailable: the database cannot be written.</exception>
    public async Task<string?> EnterAsync(string name, string? address, CancellationToken cancellationToken)
    {
        try
        {
            return await database.WriteAsync((transaction, token) => EnterAsync(transaction, name, address, token), cancellationToken);
        }
        catch (FaultException fault) when (fault.Kind is FaultKind.Conflict or FaultKind.InvalidArgument)
        {
            return fault.Message;
        }
    }

    private async Task<string?> EnterAsync(HubTransaction transaction, string name, string? address, CancellationToken cancellationToken)
    {
        // The operator's word, which the file is: repositories that were imported wait for such an owner.
        Caller self = new() { Name = name, RemoteAddress = address, IsAdministrator = true };
        long? id = await transaction.NumberAsync($"select id from accounts where name = {name} and kind = 'user'", cancellationToken);
        if (id is { } known)
        {
            if (await transaction.NumberAsync(
                $"select cast(1 as bigint) from identities where account_id = {known} and issuer = {Issuer}", cancellationToken)
                is not null)
                return null;
            if (await transaction.NumberAsync(
                $"""
                select cast(1 as bigint) from users u where u.account_id = {known} and (u.password is not null or u.disabled_at is not null
                or exists (select 1 from identities i where i.account_id = u.account_id))
                """, cancellationToken) is not null)
                return "the account is not the htpasswd file's";
        }
        else
        {
            UserAccount made = await users.InsertAsync(transaction, self, new NewUser(name, null), password: null, cancellationToken);
            id = made.Id;
        }
        await transaction.ExecuteAsync(
            $"""
            insert into identities(issuer, subject, account_id, created_at)
            values ({Issuer}, {name}, {id}, {time.GetUtcNow().ToUnixTimeMilliseconds()})
            """, cancellationToken);
        await audit.RecordAsync(
            transaction, self with { AccountId = id }, AuditActions.UserUpdate, name, "signs in by the htpasswd file", cancellationToken);
        return null;
    }
}
