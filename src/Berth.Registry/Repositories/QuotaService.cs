using Berth.Registry.Audit;
using Berth.Registry.Database;
using Berth.Registry.Model;

namespace Berth.Registry.Repositories;

/// <summary>
/// How much the repositories of each user and organisation may hold. Callers decide who may; changes stand in the audit log.
/// </summary>
public sealed class QuotaService(HubDatabase database, AuditLog audit)
{
    /// <summary>Sets the most that a namespace may hold. What is there already stays, also beyond it.</summary>
    /// <param name="actor">Who asks.</param>
    /// <param name="space">The first part of repositories' names; empty for names of one part.</param>
    /// <param name="bytesMax">Bytes of its blobs, each once, and of its manifests; null: no limit.</param>
    /// <param name="cancellationToken">Gives up; nothing is changed then.</param>
    /// <exception cref="FaultException">InvalidArgument: it is no first part of a name. NotFound: nobody has this name.</exception>
    public Task SetAsync(Caller actor, string space, long? bytesMax, CancellationToken cancellationToken)
    {
        if (space.Length > 0 && (space.Contains('/', StringComparison.Ordinal) || !RepositoryName.TryParse(space, out _)))
            throw FaultException.Invalid($"quota {space}: the name of a user or an organisation is expected");
        return database.WriteAsync(
            async (transaction, token) =>
            {
                await RequireKnownAsync(transaction, space, token).ConfigureAwait(false);
                await QuotaTable.SetAsync(transaction, space, bytesMax, token).ConfigureAwait(false);
                string details = bytesMax is { } max ? $"{max} bytes" : "no limit";
                await audit.RecordAsync(transaction, actor, AuditActions.QuotaSet, space, details, token).ConfigureAwait(false);
                return true;
            }, cancellationToken);
    }

    // Also names of repositories that wait for their owner, and those that a quota was set for before.
    private static async Task RequireKnownAsync(HubTransaction transaction, string space, CancellationToken cancellationToken)
    {
        if (space.Length > 0 && await transaction.NumberAsync(
            $"""
            select 1 where exists(select 1 from accounts where name = {space})
                or exists(select 1 from repositories where namespace = {space})
                or exists(select 1 from cache_prefixes where namespace = {space})
                or exists(select 1 from quotas where namespace = {space})
            """, cancellationToken).ConfigureAwait(false) is null)
            throw FaultException.NotFound(
                $"quota {space}: there is no user or organisation of this name, and no repository begins with it: make the account first");
    }
}
