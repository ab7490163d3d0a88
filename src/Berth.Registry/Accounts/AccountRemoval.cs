using Berth.Registry.Audit;
using Berth.Registry.Database;
using Berth.Registry.Model;
using Berth.Registry.Repositories;

namespace Berth.Registry.Accounts;

/// <summary>Removes an account with everything that is kept under its name or its row: the name may be another's tomorrow, who must
/// neither inherit a quota nor be watched by a webhook.</summary>
internal static class AccountRemoval
{
    /// <summary>Removes it. That it has no repositories the caller has looked at in the same transaction.</summary>
    public static async Task RemoveAsync(
        HubTransaction transaction, AuditLog audit, Caller actor, string name, long id, CancellationToken cancellationToken)
    {
        await RepositoryTable.RemoveHiddenAsync(transaction, name, id, cancellationToken);
        await transaction.ExecuteAsync(
            $"""
            update repositories set star_count = star_count - 1
            where id in (select repository_id from stars where account_id = {id})
            """, cancellationToken);
        List<string> watched = await transaction.ListAsync(
            $"delete from webhooks where namespace = {name} returning repository", row => row.GetString(0), cancellationToken);
        foreach (string repository in watched)
            await audit.RecordAsync(transaction, actor, AuditActions.WebhookRemove, repository, $"with {name}", cancellationToken);
        await transaction.ExecuteAsync($"update quotas set bytes_max = null where namespace = {name}", cancellationToken);
        await transaction.ExecuteAsync($"delete from secrets where account_id = {id}", cancellationToken);
        await transaction.ExecuteAsync($"delete from accounts where id = {id}", cancellationToken);
    }
}
