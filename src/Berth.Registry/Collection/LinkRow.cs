using System.Data.Common;
using Berth.Registry.Database;

namespace Berth.Registry.Collection;

/// <summary>That a repository has a blob, as a collection looks at it.</summary>
/// <param name="RepositoryId">The repository.</param>
/// <param name="Digest">The blob.</param>
/// <param name="UsedAt">When it was last pushed, mounted or asked for.</param>
/// <param name="IsNeeded">A manifest of the repository refers to it.</param>
internal sealed record LinkRow(long RepositoryId, string Digest, long UsedAt, bool IsNeeded)
{
    private const string Columns = """
        select l.repository_id, l.digest, l.used_at, case when exists(
            select 1 from manifest_references f where f.repository_id = l.repository_id and f.digest = l.digest) then 1 else 0 end
        from repository_blobs l
        """;

    public static Task<List<LinkRow>> PageAsync(
        HubTransaction transaction, (long Repository, string Digest) after, int count, CancellationToken cancellationToken) =>
        transaction.ListAsync(
            $"""
            {(SqlText)Columns} where (l.repository_id, l.digest) > ({after.Repository}, {after.Digest})
            order by l.repository_id, l.digest limit {count}
            """, Read, cancellationToken);

    public static Task<LinkRow?> FindAsync(
        HubTransaction transaction, long repositoryId, string digest, CancellationToken cancellationToken) => transaction.FirstAsync(
            $"{(SqlText)Columns} where l.repository_id = {repositoryId} and l.digest = {digest}", Read, cancellationToken);

    private static LinkRow Read(DbDataReader reader) =>
        new(reader.GetInt64(0), reader.GetString(1), reader.GetInt64(2), reader.GetInt32(3) != 0);
}
