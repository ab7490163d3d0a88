using Berth.Registry.Database;

namespace Berth.Registry.Browsing;

/// <summary>Which accounts starred which repositories; the count stands in the repository's row and is changed with it.</summary>
public sealed class Stars(HubDatabase database, TimeProvider time)
{
    /// <summary>Whether an account starred a repository.</summary>
    public async Task<bool> IsStarredAsync(long accountId, long repositoryId, CancellationToken cancellationToken) =>
        await database.ReadAsync(
            (transaction, token) => transaction.NumberAsync(
                $"select 1 from stars where account_id = {accountId} and repository_id = {repositoryId}", token), cancellationToken) is not null;

    /// <summary>Sets or takes away a star; doing it twice is the same as once.</summary>
    public Task SetAsync(long accountId, long repositoryId, bool isStarred, CancellationToken cancellationToken) => database.WriteAsync(
        async (transaction, token) =>
        {
            long now = time.GetUtcNow().ToUnixTimeMilliseconds();
            int changed = isStarred
                ? await transaction.ExecuteAsync($"""
                    insert into stars(account_id, repository_id, starred_at) values ({accountId}, {repositoryId}, {now})
                    on conflict(account_id, repository_id) do nothing
                    """, token)
                : -await transaction.ExecuteAsync(
                    $"delete from stars where account_id = {accountId} and repository_id = {repositoryId}", token);
            if (changed != 0)
                await transaction.ExecuteAsync(
                    $"update repositories set star_count = star_count + {(long)changed} where id = {repositoryId}", token);
            return changed;
        }, cancellationToken);
}
