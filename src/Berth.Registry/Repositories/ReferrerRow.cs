using Berth.Oci;
using Berth.Registry.Database;

namespace Berth.Registry.Repositories;

/// <summary>A manifest that was attached to another.</summary>
/// <param name="MediaType">Its type.</param>
/// <param name="Digest">Its digest.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="ArtifactType">What it is.</param>
/// <param name="Annotations">Its annotations as JSON.</param>
public sealed record ReferrerRow(string MediaType, string Digest, long Bytes, string? ArtifactType, string? Annotations)
{
    /// <summary>What was attached to a subject, in the order of digests, after one.</summary>
    public static Task<List<ReferrerRow>> ListAsync(
        HubTransaction transaction, long repositoryId, Digest subject, string? artifactType, string after, int count,
        CancellationToken cancellationToken)
    {
        SqlText filter = artifactType is null ? $"" : (SqlText)$"and artifact_type = {artifactType}";
        return transaction.ListAsync(
            $"""
            select media_type, digest, bytes, artifact_type, annotations from manifests
            where repository_id = {repositoryId} and subject_digest = {subject} and digest > {after} {filter}
            order by digest limit {count}
            """,
            reader => new ReferrerRow(
                reader.GetString(0), reader.GetString(1), reader.GetInt64(2), reader.IsDBNull(3) ? null : reader.GetString(3),
                reader.IsDBNull(4) ? null : reader.GetString(4)), cancellationToken);
    }
}
