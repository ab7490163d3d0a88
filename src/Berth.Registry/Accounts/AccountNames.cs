using Berth.Registry.Database;
using Berth.Registry.Model;

namespace Berth.Registry.Accounts;

/// <summary>Which names a new account may not have, because something here has them already.</summary>
internal static class AccountNames
{
    /// <summary>Refuses a name that is another account's, a cache's, or of repositories that wait for their owner.</summary>
    /// <param name="transaction">Makes the account, too, so that nobody comes between.</param>
    /// <param name="actor">Who makes it: an administrator may give repositories that were imported to their owner.</param>
    /// <param name="kind">What it is to be, for the sentence.</param>
    /// <param name="name">The name.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="FaultException">Conflict: something has it.</exception>
    public static async Task RequireFreeAsync(
        HubTransaction transaction, Caller actor, string kind, string name, CancellationToken cancellationToken)
    {
        if (await PrefixAsync(transaction, name, cancellationToken) is { } prefix)
            throw FaultException.Conflict(
                $"{kind} {name}: names that begin with {prefix} are another registry's, which this hub passes on: choose another name");
        if (await IsAccountAsync(transaction, name, cancellationToken)
            || (!actor.IsAdministrator && await HasRepositoriesAsync(transaction, name, cancellationToken)))
            throw FaultException.Conflict($"{kind} {name}: the name is taken");
    }

    /// <summary>Whether a stranger may have the name.</summary>
    public static async Task<bool> IsFreeAsync(HubTransaction transaction, string name, CancellationToken cancellationToken) =>
        await PrefixAsync(transaction, name, cancellationToken) is null
        && !await IsAccountAsync(transaction, name, cancellationToken)
        && !await HasRepositoriesAsync(transaction, name, cancellationToken);

    // The cache whose repositories would be the account's by their first part.
    private static Task<string?> PrefixAsync(HubTransaction transaction, string name, CancellationToken cancellationToken) =>
        transaction.TextAsync($"select prefix from cache_prefixes where namespace = {name} order by prefix limit 1", cancellationToken);

    private static async Task<bool> IsAccountAsync(HubTransaction transaction, string name, CancellationToken cancellationToken) =>
        await transaction.NumberAsync($"select id from accounts where name = {name}", cancellationToken) is not null;

    // Repositories may have been imported before their owner existed: their name must not be anybody's for the taking.
    private static async Task<bool> HasRepositoriesAsync(HubTransaction transaction, string name, CancellationToken cancellationToken) =>
        await transaction.NumberAsync(
            $"select cast(1 as bigint) from repositories where namespace = {name} limit 1", cancellationToken) is not null;
}
