using Berth.Registry.Database;

namespace Berth.Registry.Cache;

/// <summary>The rows of repositories that are other registries'.</summary>
internal static class CachedRepositories
{
    /// <summary>Gives all that is here of the upstreams the visibility that they have now: who may pull may have been changed.</summary>
    public static Task SetVisibilityAsync(
        HubDatabase database, IEnumerable<UpstreamOptions> upstreams, CancellationToken cancellationToken) => database.WriteAsync(
            async (transaction, token) =>
            {
                // Of two prefixes that fit, the longer counts.
                foreach (UpstreamOptions upstream in upstreams.OrderBy(upstream => upstream.Prefix.Length))
                {
                    (string first, string end, string visibility) = ($"{upstream.Prefix}/", EndOf(upstream.Prefix), upstream.Visibility);
                    await transaction.ExecuteAsync(
                        $"""
                        update repositories set visibility = {visibility}
                        where name > {first} and name < {end} and visibility <> {visibility}
                        """, token).ConfigureAwait(false);
                }
                return true;
            }, cancellationToken);

    /// <summary>The end of the names that begin with a prefix and a slash: they are in the order of their bytes.</summary>
    public static string EndOf(string prefix) => $"{prefix}{(char)('/' + 1)}";
}
