using Berth.Registry.Cache;
using Berth.Registry.Database;
using Berth.Registry.Repositories;

namespace Berth.Registry.Browsing;

/// <summary>What is kept here of an upstream registry.</summary>
/// <param name="Repositories">Repositories of which something was pulled.</param>
/// <param name="Bytes">The bytes of their images; a blob of two repositories counts twice.</param>
public sealed record CachedFigures(long Repositories, long Bytes)
{
    /// <summary>Counts the repositories whose names begin with a prefix and a slash.</summary>
    public static Task<CachedFigures> CountAsync(HubDatabase database, string prefix, CancellationToken cancellationToken)
    {
        (string first, string end) = ($"{prefix}/", CachedRepositories.EndOf(prefix));
        return database.ReadAsync(
            (transaction, token) => transaction.FirstAsync(
                $"""
                select count(*), cast(coalesce(sum(bytes), 0) as bigint) from repositories
                where name > {first} and name < {end} and visibility <> {RepositoryTable.Hidden}
                """,
                row => new CachedFigures(row.GetInt64(0), row.GetInt64(1)), token),
            cancellationToken)!;
    }
}
