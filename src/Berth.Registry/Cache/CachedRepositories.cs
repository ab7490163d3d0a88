using Berth.Registry.Database;
using Berth.Registry.Repositories;

namespace Berth.Registry.Cache;

/// <summary>The rows of repositories that are other registries'.</summary>
internal static class CachedRepositories
{
    /// <summary>Brings the database to the upstreams that are configured now: their names become nobody's, and all that is here of them
    /// gets the visibility that they have.</summary>
    /// <exception cref="FaultException">Conflict: an account has the first part of a prefix. Its owner would have rights to what is
    /// another registry's, and could push in the place of it. Or a repository of the hub's own lies beneath a prefix: it would be passed on
    /// as another registry's, to whoever may pull that.</exception>
    public static Task FollowAsync(
        HubDatabase database, IReadOnlyCollection<UpstreamOptions> upstreams, CancellationToken cancellationToken) => database.FreeAsync(
            async (transaction, token) =>
            {
                await ReserveAsync(transaction, upstreams, token).ConfigureAwait(false);
                await RequireNoneOfOursAsync(transaction, upstreams, token).ConfigureAwait(false);
                // Of two prefixes that fit, the longer counts.
                foreach (UpstreamOptions upstream in upstreams.OrderBy(upstream => upstream.Prefix.Length))
                {
                    (string first, string end, string visibility) = ($"{upstream.Prefix}/", EndOf(upstream.Prefix), upstream.Visibility);
                    await transaction.ExecuteAsync(
                        $"""
                        update repositories set visibility = {visibility}
                        where name > {first} and name < {end} and upstream is not null
                            and visibility not in ({visibility}, {RepositoryTable.Hidden})
                        """, token).ConfigureAwait(false);
                }
                return true;
            }, cancellationToken);

    /// <summary>Notes that a repository is an upstream's.</summary>
    public static Task MarkAsync(
        HubTransaction transaction, RepositoryRow repository, string prefix, CancellationToken cancellationToken) =>
        transaction.ExecuteAsync(
            $"update repositories set upstream = {prefix} where id = {repository.Id} and upstream is null", cancellationToken);

    private static async Task ReserveAsync(
        HubTransaction transaction, IReadOnlyCollection<UpstreamOptions> upstreams, CancellationToken cancellationToken)
    {
        await transaction.ExecuteAsync($"delete from cache_prefixes", cancellationToken).ConfigureAwait(false);
        foreach (string prefix in upstreams.Select(upstream => upstream.Prefix))
        {
            string space = prefix.Split('/')[0];
            if (await transaction.TextAsync($"select kind from accounts where name = {space}", cancellationToken).ConfigureAwait(false)
                is { } kind)
                throw FaultException.Conflict(
                    $"upstreams: prefix {prefix}: the {kind} {space} has this name: give the upstream another prefix, or remove the {kind}");
            await transaction.ExecuteAsync(
                $"insert into cache_prefixes(prefix, namespace) values ({prefix}, {space})", cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task RequireNoneOfOursAsync(
        HubTransaction transaction, IReadOnlyCollection<UpstreamOptions> upstreams, CancellationToken cancellationToken)
    {
        foreach (string prefix in upstreams.Select(upstream => upstream.Prefix))
        {
            (string first, string end) = ($"{prefix}/", EndOf(prefix));
            if (await transaction.TextAsync(
                $"""
                select name from repositories where name > {first} and name < {end} and upstream is null
                    and visibility <> {RepositoryTable.Hidden} order by name limit 1
                """, cancellationToken).ConfigureAwait(false) is { } own)
                throw FaultException.Conflict(
                    $"upstreams: prefix {prefix}: the repository {own} of this hub has such a name: give the upstream another prefix, or copy "
                    + "the repository to another name and delete it first");
        }
    }

    /// <summary>The end of the names that begin with a prefix and a slash: they are in the order of their bytes.</summary>
    public static string EndOf(string prefix) => $"{prefix}{(char)('/' + 1)}";
}
