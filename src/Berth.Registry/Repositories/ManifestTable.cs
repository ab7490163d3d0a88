using Berth.Oci;
using Berth.Registry.Database;
using Berth.Registry.Model;
using Berth.Registry.Protocol;

namespace Berth.Registry.Repositories;

/// <summary>The manifests' rows and what they refer to.</summary>
public static class ManifestTable
{
    /// <summary>The deepest index of indexes that is taken.</summary>
    public const int IndexDepthMax = 8;

    // Parameters of one statement; SQLite takes 32,766, PostgreSQL 65,535.
    private const int ReferencesPerStatement = 1000;

    /// <summary>A manifest by a tag or digest of a repository; null: none.</summary>
    public static Task<ManifestRow?> FindAsync(
        HubTransaction transaction, RepositoryName repository, string reference, CancellationToken cancellationToken)
    {
        SqlText sql = reference.Contains(':', StringComparison.Ordinal)
            ? $"""
                select m.repository_id, m.digest, m.media_type, m.document from repositories r join manifests m on m.repository_id = r.id
                where r.name = {repository} and m.digest = {reference}
                """
            : (SqlText)$"""
                select m.repository_id, m.digest, m.media_type, m.document from repositories r
                join tags t on t.repository_id = r.id join manifests m on m.repository_id = r.id and m.digest = t.manifest_digest
                where r.name = {repository} and t.name = {reference}
                """;
        return transaction.FirstAsync(
            sql, reader => new ManifestRow(
                reader.GetInt64(0), Digest.Parse(reader.GetString(1)), reader.GetString(2), (byte[])reader.GetValue(3)), cancellationToken);
    }

    /// <summary>Repository and digest of a manifest by a tag or digest, without its document; null: none.</summary>
    public static Task<(long RepositoryId, string Digest)?> FindIdAsync(
        HubTransaction transaction, RepositoryName repository, string reference, CancellationToken cancellationToken)
    {
        SqlText sql = reference.Contains(':', StringComparison.Ordinal)
            ? $"""
                select m.repository_id, m.digest from repositories r join manifests m on m.repository_id = r.id
                where r.name = {repository} and m.digest = {reference}
                """
            : (SqlText)$"""
                select t.repository_id, t.manifest_digest from repositories r join tags t on t.repository_id = r.id
                where r.name = {repository} and t.name = {reference}
                """;
        return transaction.FirstAsync<(long, string)?>(sql, reader => (reader.GetInt64(0), reader.GetString(1)), cancellationToken);
    }

    /// <summary>Adds a manifest whose blobs are there. False: the repository has it already.</summary>
    /// <exception cref="RegistryException">MANIFEST_BLOB_UNKNOWN: a blob is not in the repository. MANIFEST_INVALID: indexes in
    /// indexes go too deep, or something has another size than the manifest says. DENIED: the namespace's quota does not allow
    /// it.</exception>
    public static async Task<bool> AddAsync(
        HubTransaction transaction, RepositoryRow repository, Digest digest, ManifestDocument manifest, byte[] document, long now,
        CancellationToken cancellationToken)
    {
        // Also of one that is there already: its blobs may not be, when it was made before they were asked for.
        await RequireBlobsAsync(transaction, repository.Id, digest, manifest, cancellationToken).ConfigureAwait(false);
        return await AddFetchedAsync(transaction, repository, digest, manifest, document, now, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Adds a manifest of another registry, whose blobs come when they are asked for.</summary>
    internal static async Task<bool> AddFetchedAsync(
        HubTransaction transaction, RepositoryRow repository, Digest digest, ManifestDocument manifest, byte[] document, long now,
        CancellationToken cancellationToken)
    {
        long depth = await DepthAsync(transaction, repository.Id, manifest, cancellationToken).ConfigureAwait(false);
        long? id = await transaction.NumberAsync(
            $"""
            insert into manifests(repository_id, digest, media_type, config_digest, artifact_type, subject_digest, bytes, document,
                annotations, depth, created_at)
            values ({repository.Id}, {digest}, {manifest.MediaType}, {manifest.Config}, {manifest.ArtifactType}, {manifest.Subject},
                {document.Length}, {document}, {manifest.Annotations}, {depth}, {now})
            on conflict (repository_id, digest) do nothing returning id
            """, cancellationToken).ConfigureAwait(false);
        if (id is null)
            return false;
        await QuotaTable.ChargeAsync(transaction, repository.Name.Namespace, document.Length, cancellationToken).ConfigureAwait(false);
        IEnumerable<ManifestReference> distinct = manifest.References.DistinctBy(reference => reference.Digest);
        foreach (ManifestReference[] references in distinct.Chunk(ReferencesPerStatement))
            await AddReferencesAsync(transaction, id.Value, repository.Id, references, cancellationToken).ConfigureAwait(false);
        return true;
    }

    /// <summary>Removes a manifest and its tags. The tags that went with it; null: there is no such manifest.</summary>
    /// <exception cref="FaultException">Conflict: one of the tags is immutable.</exception>
    public static async Task<List<string>?> RemoveAsync(
        HubTransaction transaction, long repositoryId, Digest digest, Caller caller, long now, CancellationToken cancellationToken)
    {
        List<string> tags = await transaction.ListAsync(
            $"select name from tags where repository_id = {repositoryId} and manifest_digest = {digest}",
            reader => reader.GetString(0), cancellationToken).ConfigureAwait(false);
        foreach (string tag in tags)
            await TagTable.RemoveAsync(transaction, repositoryId, tag, caller, now, cancellationToken).ConfigureAwait(false);
        return await RemoveAsync(transaction, repositoryId, digest.ToString(), cancellationToken).ConfigureAwait(false) ? tags : null;
    }

    /// <summary>Removes a manifest that no tag names. False: there is no such manifest.</summary>
    internal static async Task<bool> RemoveAsync(
        HubTransaction transaction, long repositoryId, string digest, CancellationToken cancellationToken)
    {
        long? bytes = await transaction.NumberAsync(
            $"delete from manifests where repository_id = {repositoryId} and digest = {digest} returning bytes", cancellationToken)
            .ConfigureAwait(false);
        if (bytes is null)
            return false;
        string? space = await transaction.TextAsync(
            $"select namespace from repositories where id = {repositoryId}", cancellationToken).ConfigureAwait(false);
        await QuotaTable.ChargeAsync(transaction, space!, -bytes.Value, cancellationToken).ConfigureAwait(false);
        return true;
    }

    private static async Task RequireBlobsAsync(
        HubTransaction transaction, long repositoryId, Digest digest, ManifestDocument manifest, CancellationToken cancellationToken)
    {
        // An index may name manifests that are not here: of an image for many platforms, one may have been copied.
        string? wrong = null;
        foreach (ManifestReference[] references in manifest.References.Chunk(ReferencesPerStatement))
        {
            Dictionary<string, long> there =
                await StoredAsync(transaction, repositoryId, references, cancellationToken).ConfigureAwait(false);
            foreach (ManifestReference reference in references)
            {
                if (there.TryGetValue(reference.Digest.ToString(), out long bytes))
                    wrong ??= reference.Bytes == bytes
                        ? null
                        : $"{reference.Digest} has {bytes} bytes, and the manifest says that it has {reference.Bytes}";
                else if (reference.Kind != ManifestReferenceKind.Manifest && !reference.MayBeElsewhere)
                    throw new RegistryException(
                        RegistryCode.MANIFEST_BLOB_UNKNOWN, $"blob {reference.Digest} is not in this repository");
            }
        }
        // Clients do not take content whose size is another. One that is here from before sizes were looked at may get another tag.
        if (wrong is not null && await transaction.NumberAsync(
            $"select 1 from manifests where repository_id = {repositoryId} and digest = {digest}", cancellationToken)
            .ConfigureAwait(false) is null)
            throw new RegistryException(RegistryCode.MANIFEST_INVALID, wrong);
    }

    // What is here of what a manifest refers to, with its bytes.
    private static async Task<Dictionary<string, long>> StoredAsync(
        HubTransaction transaction, long repositoryId, ManifestReference[] references, CancellationToken cancellationToken)
    {
        var stored = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (IGrouping<bool, ManifestReference> kind in references.GroupBy(one => one.Kind == ManifestReferenceKind.Manifest))
        {
            IEnumerable<string> digests = kind.Select(reference => reference.Digest.ToString()).Distinct();
            SqlText sql = kind.Key
                ? $"select digest, bytes from manifests where repository_id = {repositoryId} and digest in {digests}"
                : (SqlText)$"""
                    select l.digest, b.bytes from repository_blobs l join blobs b on b.digest = l.digest
                    where l.repository_id = {repositoryId} and l.digest in {digests}
                    """;
            foreach ((string digest, long bytes) in await transaction.ListAsync(
                sql, reader => (reader.GetString(0), reader.GetInt64(1)), cancellationToken).ConfigureAwait(false))
                stored[digest] = bytes;
        }
        return stored;
    }

    private static async Task<long> DepthAsync(
        HubTransaction transaction, long repositoryId, ManifestDocument manifest, CancellationToken cancellationToken)
    {
        long depth = 0;
        IEnumerable<string> children = manifest.References
            .Where(reference => reference.Kind == ManifestReferenceKind.Manifest).Select(reference => reference.Digest.ToString());
        foreach (string[] digests in children.Chunk(ReferencesPerStatement))
        {
            long? deepest = await transaction.NumberAsync(
                $"select max(depth) from manifests where repository_id = {repositoryId} and digest in {digests}", cancellationToken)
                .ConfigureAwait(false);
            depth = Math.Max(depth, deepest ?? 0);
        }
        if (manifest.IsIndex && ++depth > IndexDepthMax)
            throw new RegistryException(RegistryCode.MANIFEST_INVALID, $"indexes lie in each other more than {IndexDepthMax} deep");
        return depth;
    }

    private static Task<int> AddReferencesAsync(
        HubTransaction transaction, long manifestId, long repositoryId, ManifestReference[] references, CancellationToken cancellationToken)
    {
        SqlText sql = $"insert into manifest_references(manifest_id, repository_id, digest, kind) values ";
        for (int i = 0; i < references.Length; i++)
        {
            string kind = references[i].Kind switch
            {
                ManifestReferenceKind.Config => "config", ManifestReferenceKind.Layer => "layer", _ => "manifest",
            };
            sql.AppendLiteral(i == 0 ? "(" : ", (");
            sql.AppendFormatted(manifestId);
            sql.AppendLiteral(", ");
            sql.AppendFormatted(repositoryId);
            sql.AppendLiteral(", ");
            sql.AppendFormatted(references[i].Digest);
            sql.AppendLiteral(", ");
            sql.AppendFormatted(kind);
            sql.AppendLiteral(")");
        }
        return transaction.ExecuteAsync(sql, cancellationToken);
    }
}
