using System.Collections.Concurrent;
using Berth.Registry.Database;

namespace Berth.Registry.Protocol.Manifests;

/// <summary>Counts pulls in memory and adds them to the database now and then: a pull must not wait for a write.</summary>
internal sealed class PullCounter(HubDatabase database) : IAsyncDisposable
{
    private ConcurrentDictionary<long, long> _counts = new();

    /// <summary>Counts one pull of a repository.</summary>
    public void Count(long repositoryId) => _counts.AddOrUpdate(repositoryId, 1, static (_, count) => count + 1);

    /// <summary>Adds what was counted to the database.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        if (_counts.IsEmpty)
            return;
        // A count that comes to the former dictionary in this moment may be lost: it is a figure for people.
        ConcurrentDictionary<long, long> counts = Interlocked.Exchange(ref _counts, new ConcurrentDictionary<long, long>());
        await database.WriteAsync(
            Durability.Process,
            async (transaction, token) =>
            {
                foreach ((long repository, long count) in counts.OrderBy(pair => pair.Key))
                    await transaction.ExecuteAsync(
                        $"update repositories set pull_count = pull_count + {count} where id = {repository}", token).ConfigureAwait(false);
                return true;
            }, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync() => await FlushAsync(CancellationToken.None).ConfigureAwait(false);
}
