using Berth.Oci;
using Berth.Registry.Model;
using Berth.Registry.Repositories;

namespace Berth.Registry.Protocol.Uploads;

/// <summary>end-11: makes a blob of a repository that the caller may read one of another, without sending it.</summary>
/// <remarks>
/// A blob that is only in repositories which the caller may not read is, for the caller, not there: knowing a digest is no right to
/// the bytes.
/// </remarks>
internal static class Mount
{
    // Where nobody says from where, this many repositories that have the blob are looked at.
    private const int SourcesMax = 20;

    public static async Task<bool> TryAsync(RegistryCall call, Digest digest, string? from)
    {
        foreach (string source in await SourcesAsync(call, digest, from).ConfigureAwait(false))
        {
            if (!RepositoryName.TryParse(source, out RepositoryName name))
                continue;
            RepositoryAccess access = await call.Services.Access.OfAsync(call.Caller, name, call.Aborted).ConfigureAwait(false);
            if ((access & RepositoryAccess.Pull) != 0 && await LinkAsync(call, digest, name).ConfigureAwait(false))
                return true;
        }
        return false;
    }

    private static async Task<IReadOnlyList<string>> SourcesAsync(RegistryCall call, Digest digest, string? from) =>
        from is { Length: > 0 }
            ? [from]
            : await call.Services.Database.ReadAsync(
                (transaction, token) => transaction.ListAsync(
                    $"""
                    select r.name from repository_blobs l join repositories r on r.id = l.repository_id
                    where l.digest = {digest} order by r.name limit {SourcesMax}
                    """, reader => reader.GetString(0), token), call.Aborted).ConfigureAwait(false);

    private static Task<bool> LinkAsync(RegistryCall call, Digest digest, RepositoryName source) => call.Services.Database.WriteAsync(
        async (transaction, token) =>
        {
            // In one transaction with the new row: a collection comes before, and finds nothing mounted, or after, and finds it needed.
            if (await BlobTable.FindAsync(transaction, source, digest, token).ConfigureAwait(false) is not { } blob)
                return false;
            RepositoryRow repository = await RepositoryTable.FindOrBeginAsync(
                transaction, call.Repository, call.Now, token).ConfigureAwait(false);
            await BlobTable.LinkAsync(transaction, repository, digest, blob.Bytes, call.Now, token).ConfigureAwait(false);
            return true;
        }, call.Aborted);
}
