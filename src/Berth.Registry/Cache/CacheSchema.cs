using Berth.Registry.Database;

namespace Berth.Registry.Cache;

/// <summary>The table of the prefixes that the serving processes have configured: verbs on the command line and other processes know
/// them from there. It follows the configuration, so no backup holds it.</summary>
internal static class CacheSchema
{
    /// <summary>The table's name.</summary>
    public const string Table = "cache_prefixes";

    public static IReadOnlyList<Migration> Steps { get; } =
    [
        new("cache", 1, $"create table {Table}(prefix text primary key, namespace text not null)"),
        // Whose a repository is: what was pulled through has the upstream's prefix, what is the hub's own has none.
        new("cache", 2, $"""
            alter table repositories add column upstream text;
            update repositories set upstream = (
                select max(p.prefix) from {Table} p where substr(repositories.name, 1, length(p.prefix) + 1) = p.prefix || '/');
            """),
    ];
}
