using System.Collections.Concurrent;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.Json;
using Berth.Registry.Database;

namespace Berth.Registry.Browsing;

/// <summary>Reads what the pages say about manifests out of their documents and configurations.</summary>
/// <remarks>
/// A document is a stranger's: where it cannot be read, the page shows that it is there and no more. Summaries follow from the digest,
/// so they are remembered, up to <see cref="RememberedMax"/>; a summary is only reached through a repository that has the manifest.
/// </remarks>
public sealed class ImageCatalogue(HubDatabase database, ISmallBlobs blobs)
{
    private const int RememberedMax = 20_000;
    private const int ConfigBytesMax = 4 * 1024 * 1024;
    private const int ReferrersMax = 100;
    private const int PlatformsMax = 64;

    // Parameters of one statement.
    private const int BlobsPerStatement = 1000;

    private const string AttestationType = "vnd.docker.reference.type";

    private readonly ConcurrentDictionary<string, ImageSummary> _remembered = new(StringComparer.Ordinal);

    /// <summary>The summaries of manifests of one repository; what is not there is not in the answer.</summary>
    public async Task<IReadOnlyDictionary<string, ImageSummary>> SummariesAsync(
        long repositoryId, IReadOnlyCollection<string> digests, CancellationToken cancellationToken)
    {
        Dictionary<string, ImageSummary> found = new(StringComparer.Ordinal);
        List<string> unknown = [];
        foreach (string digest in digests.Distinct(StringComparer.Ordinal))
        {
            if (_remembered.TryGetValue(Key(repositoryId, digest), out ImageSummary? summary))
                found[digest] = summary;
            else
                unknown.Add(digest);
        }
        foreach (StoredManifest stored in await ReadAsync(repositoryId, unknown, cancellationToken).ConfigureAwait(false))
        {
            ImageSummary summary = await SummariseAsync(repositoryId, stored, cancellationToken).ConfigureAwait(false);
            Remember(Key(repositoryId, stored.Digest), summary);
            found[stored.Digest] = summary;
        }
        return found;
    }

    /// <summary>One manifest with all that its page shows; null when the repository does not have it.</summary>
    public async Task<ImageDetail?> TryGetAsync(long repositoryId, string digest, CancellationToken cancellationToken)
    {
        List<StoredManifest> stored = await ReadAsync(repositoryId, [digest], cancellationToken).ConfigureAwait(false);
        if (stored.Count == 0)
            return null;
        ImageSummary summary = (await SummariesAsync(repositoryId, [digest], cancellationToken).ConfigureAwait(false))[digest];
        ImageDetail detail = new()
        {
            Summary = summary,
            PushedAt = stored[0].CreatedAt,
            Subject = stored[0].Subject,
            Referrers = await ReferrersAsync(repositoryId, digest, cancellationToken).ConfigureAwait(false),
        };
        if (summary.Kind == ImageKind.Index)
        {
            ImageIndex? index = TryRead(stored[0].Document, OciJson.ImageIndex);
            return detail with { Annotations = index?.Annotations ?? detail.Annotations };
        }
        if (TryRead(stored[0].Document, OciJson.Manifest) is not { } manifest)
            return detail;
        ImageConfig? config = await ConfigAsync(repositoryId, manifest, cancellationToken).ConfigureAwait(false);
        Dictionary<string, long> sizes = await SizesAsync(repositoryId, [manifest], cancellationToken).ConfigureAwait(false);
        return detail with
        {
            CreatedAt = config?.Created,
            Steps = BuildStep.Join(
                config?.History, manifest.Layers, layer => sizes.TryGetValue(layer.Digest.ToString(), out long bytes) ? bytes : null),
            Config = config?.Config,
            ConfigDigest = manifest.Config.Digest.ToString(),
            Annotations = manifest.Annotations ?? detail.Annotations,
        };
    }

    private async Task<ImageSummary> SummariseAsync(long repositoryId, StoredManifest stored, CancellationToken cancellationToken)
    {
        if (MediaTypes.IsIndex(stored.MediaType) && TryRead(stored.Document, OciJson.ImageIndex) is { } index)
            return await SummariseIndexAsync(repositoryId, stored, index, cancellationToken).ConfigureAwait(false);
        if (MediaTypes.IsIndex(stored.MediaType) || TryRead(stored.Document, OciJson.Manifest) is not { } manifest)
            return new ImageSummary(stored.Digest, ImageKind.Artifact, stored.MediaType, []);
        Dictionary<string, long> sizes = await SizesAsync(repositoryId, [manifest], cancellationToken).ConfigureAwait(false);
        if (ArtifactTypeOf(manifest) is { } artifactType)
        {
            PlatformSummary whole = PlatformOf("", stored.Digest, manifest, sizes);
            return new ImageSummary(stored.Digest, ImageKind.Artifact, artifactType, [whole]);
        }
        ImageConfig? config = await ConfigAsync(repositoryId, manifest, cancellationToken).ConfigureAwait(false);
        string platform = config is { Os.Length: > 0 } ? config.Platform.ToString() : "unknown";
        return new ImageSummary(
            stored.Digest, ImageKind.Image, stored.MediaType, [PlatformOf(platform, stored.Digest, manifest, sizes)]);
    }

    private async Task<ImageSummary> SummariseIndexAsync(
        long repositoryId, StoredManifest stored, ImageIndex index, CancellationToken cancellationToken)
    {
        List<Descriptor> entries = [.. index.Manifests.Take(PlatformsMax)];
        List<StoredManifest> children = await ReadAsync(
            repositoryId, [.. entries.Select(entry => entry.Digest.ToString()).Distinct(StringComparer.Ordinal)], cancellationToken)
            .ConfigureAwait(false);
        Dictionary<string, Manifest?> manifests = children.ToDictionary(
            child => child.Digest, child => MediaTypes.IsIndex(child.MediaType) ? null
                : TryRead(child.Document, OciJson.Manifest), StringComparer.Ordinal);
        Dictionary<string, long> sizes = await SizesAsync(
            repositoryId, [.. manifests.Values.OfType<Manifest>()], cancellationToken).ConfigureAwait(false);
        List<PlatformSummary> platforms = [];
        foreach (Descriptor entry in entries)
        {
            Manifest? manifest = manifests.GetValueOrDefault(entry.Digest.ToString());
            bool isAttestation = entry.Annotations?.ContainsKey(AttestationType) == true;
            string name = entry.Platform is { Os.Length: > 0 } platform ? platform.ToString() : "unknown";
            PlatformSummary summary = manifest is not null
                ? PlatformOf(name, entry.Digest.ToString(), manifest, sizes)
                : new PlatformSummary(name, entry.Digest.ToString(), 0, false) { IsHere = manifests.ContainsKey(entry.Digest.ToString()) };
            platforms.Add(summary with { IsAttestation = isAttestation });
        }
        return new ImageSummary(stored.Digest, ImageKind.Index, stored.MediaType, platforms);
    }

    private async Task<ImageConfig?> ConfigAsync(long repositoryId, Manifest manifest, CancellationToken cancellationToken)
    {
        if (ArtifactTypeOf(manifest) is not null)
            return null;
        byte[]? bytes = await blobs.TryReadAsync(repositoryId, manifest.Config.Digest, ConfigBytesMax,
            cancellationToken).ConfigureAwait(false);
        return bytes is null ? null : TryRead(bytes, OciJson.ImageConfig);
    }

    private Task<List<StoredManifest>> ReadAsync(long repositoryId, IReadOnlyCollection<string> digests,
        CancellationToken cancellationToken) =>
        digests.Count == 0 ? Task.FromResult(new List<StoredManifest>()) : database.ReadAsync(
            (transaction, token) => transaction.ListAsync(
                $"""
                select digest, media_type, document, created_at, subject_digest from manifests
                where repository_id = {repositoryId} and digest in {digests}
                """,
                row => new StoredManifest(
                    row.GetString(0), row.GetString(1), (byte[])row[2], row.GetInt64(3), row.IsDBNull(4) ? null : row.GetString(4)), token),
            cancellationToken);

    private Task<List<Referrer>> ReferrersAsync(long repositoryId, string digest,
        CancellationToken cancellationToken) => database.ReadAsync(
        (transaction, token) => transaction.ListAsync(
            $"""
            select digest, coalesce(artifact_type, media_type), bytes from manifests
            where repository_id = {repositoryId} and subject_digest = {digest} order by digest limit {ReferrersMax}
            """,
            row => new Referrer(row.GetString(0), row.GetString(1), row.GetInt64(2)), token), cancellationToken);

    // By repository, too: what an index says about its entries depends on which of them the repository has.
    private static string Key(long repositoryId, string digest) => $"{repositoryId} {digest}";

    private void Remember(string key, ImageSummary summary)
    {
        // What is still to come must be read again.
        if (summary.Platforms.Any(platform => !platform.IsHere || platform.BlobsMissing > 0))
            return;
        if (_remembered.Count >= RememberedMax)
            _remembered.Clear();
        _remembered[key] = summary;
    }

    private static T? TryRead<T>(byte[] bytes, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) where T : class
    {
        try
        {
            return OciJson.Read(bytes, type, "document");
        }
        catch (FaultException)
        {
            return null;
        }
    }

    // An artifact says what it is, or has a configuration that is not an image's.
    private static string? ArtifactTypeOf(Manifest manifest) => manifest.ArtifactType
        ?? (manifest.Config.MediaType is MediaTypes.OciConfig or MediaTypes.DockerConfig ? null : manifest.Config.MediaType);

    private static PlatformSummary PlatformOf(string name, string digest, Manifest manifest, Dictionary<string, long> sizes)
    {
        string[] blobs = [.. BlobsOf(manifest)];
        return new PlatformSummary(name, digest, blobs.Sum(blob => sizes.GetValueOrDefault(blob)), IsAttestation: false)
        {
            BlobsMissing = blobs.Count(blob => !sizes.ContainsKey(blob)),
        };
    }

    private static IEnumerable<string> BlobsOf(Manifest manifest) =>
        manifest.Layers.Prepend(manifest.Config).Select(blob => blob.Digest.ToString());

    // What the repository has of them: a manifest may say anything.
    private async Task<Dictionary<string, long>> SizesAsync(
        long repositoryId, IReadOnlyList<Manifest> manifests, CancellationToken cancellationToken)
    {
        var sizes = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (string[] digests in manifests.SelectMany(BlobsOf).Distinct(StringComparer.Ordinal).Chunk(BlobsPerStatement))
        {
            foreach ((string digest, long bytes) in await database.ReadAsync(
                (transaction, token) => transaction.ListAsync(
                    $"""
                    select l.digest, b.bytes from repository_blobs l join blobs b on b.digest = l.digest
                    where l.repository_id = {repositoryId} and l.digest in {digests}
                    """, row => (row.GetString(0), row.GetInt64(1)), token), cancellationToken).ConfigureAwait(false))
                sizes[digest] = bytes;
        }
        return sizes;
    }

    private sealed record StoredManifest(string Digest, string MediaType, byte[] Document, long CreatedAt, string? Subject);
}
