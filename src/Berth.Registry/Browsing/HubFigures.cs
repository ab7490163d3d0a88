using Berth.Registry.Database;

namespace Berth.Registry.Browsing;

/// <summary>What a hub holds, counted now.</summary>
/// <param name="Users">Accounts of people.</param>
/// <param name="Organisations">Accounts of several people.</param>
/// <param name="Repositories">Repositories.</param>
/// <param name="PrivateRepositories">Those of them that are private.</param>
/// <param name="Tags">Tags of all repositories.</param>
/// <param name="Manifests">Manifests of all repositories.</param>
/// <param name="Blobs">Different blobs.</param>
/// <param name="BlobBytes">Their bytes on the disk, each once.</param>
/// <param name="WaitingBytes">Bytes that nothing needs any more and that the collector will delete.</param>
/// <param name="Uploads">Uploads that have begun and not ended.</param>
/// <param name="UploadBytes">What they hold on the disk; of those that are just being written, as far as it was noted.</param>
public sealed record HubFigures(
    long Users, long Organisations, long Repositories, long PrivateRepositories, long Tags, long Manifests, long Blobs, long BlobBytes,
    long WaitingBytes, long Uploads, long UploadBytes)
{
    /// <summary>Counts. Takes a moment on a large hub: for administrators.</summary>
    public static Task<HubFigures> CountAsync(HubDatabase database, CancellationToken cancellationToken) => database.ReadAsync(
        async (transaction, token) =>
        {
            async Task<long> Number(string sql) => await transaction.NumberAsync((SqlText)sql, token) ?? 0;
            return new HubFigures(
                await Number("select count(*) from accounts where kind = 'user'"),
                await Number("select count(*) from accounts where kind = 'organisation'"),
                await Number("select count(*) from repositories where visibility <> 'hidden'"),
                await Number("select count(*) from repositories where visibility = 'private'"),
                await Number("select count(*) from tags"),
                await Number("select count(*) from manifests"),
                await Number("select count(*) from blobs"),
                await Number("select cast(sum(bytes) as bigint) from blobs"),
                await Number("select cast(sum(bytes) as bigint) from discarded"),
                await Number("select count(*) from uploads"),
                await Number("select cast(sum(case when claimed > bytes then claimed else bytes end) as bigint) from uploads"));
        }, cancellationToken);

    /// <summary>The largest namespaces with what they use and may use, in bytes.</summary>
    public static Task<List<NamespaceUse>> LargestAsync(HubDatabase database, int limit, CancellationToken cancellationToken) =>
        database.ReadAsync(
            (transaction, token) => transaction.ListAsync(
                $"select namespace, bytes_used, bytes_max from quotas order by bytes_used desc, namespace limit {limit}",
                row => new NamespaceUse(row.GetString(0), row.GetInt64(1), row.IsDBNull(2) ? null : row.GetInt64(2)), token),
            cancellationToken);
}

/// <summary>What the repositories of one user or organisation use.</summary>
/// <param name="Namespace">Whose.</param>
/// <param name="BytesUsed">Their blobs, each once.</param>
/// <param name="BytesMax">What they may use; null: as much as there is.</param>
public sealed record NamespaceUse(string Namespace, long BytesUsed, long? BytesMax);
