using System.Collections.Concurrent;
using Berth.Registry.Database;

namespace Berth.Registry.Protocol.Manifests;

/// <summary>Counts pulls in memory and adds them to the database now and then: a pull must not wait for a write.</summary>
internal sealed class PullCounter(HubDatabase database) : IAsyncDisposable
{
    private ConcurrentDictionary<(long RepositoryId, string Digest), Pulls> _counts = new();

    /// <summary>Counts one pull of a manifest.</summary>
    public void Count(long repositoryId, string digest, long now) => _counts.AddOrUpdate(
        (repositoryId, digest), static (_, now) => new Pulls(1, now), static (_, before, now) => new Pulls(before.Count + 1, now), now);

    /// <summary>Adds what was counted to the database.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        // On a full disk the counts wait for room.
        if (_counts.IsEmpty || database.IsDiskFull)
            return;
        // A count that comes to the former dictionary in this moment may be lost: it is a figure for people.
        var counts = Interlocked.Exchange(ref _counts, new ConcurrentDictionary<(long RepositoryId, string Digest), Pulls>());
        await database.WriteAsync(
            Durability.Process,
            async (transaction, token) =>
            {
                foreach (var repository in counts.GroupBy(pair => pair.Key.RepositoryId).OrderBy(group => group.Key))
                {
                    long count = repository.Sum(pair => pair.Value.Count);
                    await transaction.ExecuteAsync(
                        $"update repositories set pull_count = pull_count + {count} where id = {repository.Key}", token).ConfigureAwait(false);
                    foreach (((_, string digest), Pulls pulls) in repository.OrderBy(pair => pair.Key.Digest, StringComparer.Ordinal))
                        await transaction.ExecuteAsync(
                            $"""
                            update manifests set pulled_at = {pulls.LastAt}
                            where repository_id = {repository.Key} and digest = {digest} and coalesce(pulled_at, 0) < {pulls.LastAt}
                            """, token).ConfigureAwait(false);
                }
                return true;
            }, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync() => await FlushAsync(CancellationToken.None).ConfigureAwait(false);

    private readonly record struct Pulls(long Count, long LastAt);
}
