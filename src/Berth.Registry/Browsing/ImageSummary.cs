namespace Berth.Registry.Browsing;

/// <summary>What a manifest is.</summary>
public enum ImageKind
{
    /// <summary>One image for one platform.</summary>
    Image,

    /// <summary>A list of images, usually one for each platform.</summary>
    Index,

    /// <summary>Something else: a signature, a chart, a bill of materials.</summary>
    Artifact,
}

/// <summary>What lists say about a manifest. Follows from its bytes alone, so it never changes.</summary>
/// <param name="Digest">Its digest.</param>
/// <param name="Kind">What it is.</param>
/// <param name="MediaType">Its media type; of an artifact its artifact type.</param>
/// <param name="Platforms">What it is for; an artifact has none.</param>
public sealed record ImageSummary(string Digest, ImageKind Kind, string MediaType, IReadOnlyList<PlatformSummary> Platforms)
{
    /// <summary>The compressed size of all its platforms together, in bytes, as far as they are stored.</summary>
    public long Bytes => Platforms.Sum(platform => platform.Bytes);
}

/// <summary>One platform of an image.</summary>
/// <param name="Name"><c>os/architecture[/variant]</c>; <c>unknown</c> where the image does not say.</param>
/// <param name="Digest">The manifest for it.</param>
/// <param name="Bytes">Configuration and layers, compressed, as far as the repository has them: what a manifest says of others is nobody's
/// knowledge.</param>
/// <param name="IsAttestation">True for a builder's statement about another entry of the index, which nobody runs.</param>
public sealed record PlatformSummary(string Name, string Digest, long Bytes, bool IsAttestation)
{
    /// <summary>False where an index names a manifest that is not in this repository.</summary>
    public bool IsHere { get; init; } = true;

    /// <summary>How many of its blobs are not in this repository: layers that are found elsewhere, or that nobody has pulled through
    /// yet.</summary>
    public int BlobsMissing { get; init; }
}

/// <summary>A manifest with all that its page shows.</summary>
public sealed record ImageDetail
{
    /// <summary>What lists say about it.</summary>
    public required ImageSummary Summary { get; init; }

    /// <summary>When it was pushed, in Unix milliseconds.</summary>
    public required long PushedAt { get; init; }

    /// <summary>When it was built, by its own account.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>The steps that made it, bottom first; empty for an index.</summary>
    public IReadOnlyList<BuildStep> Steps { get; init; } = [];

    /// <summary>How a container of it runs; null for an index and for an artifact.</summary>
    public Oci.Images.ExecutionConfig? Config { get; init; }

    /// <summary>The configuration's digest, which docker calls the image ID.</summary>
    public string? ConfigDigest { get; init; }

    /// <summary>Annotations of the manifest.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();

    /// <summary>The manifest that it speaks about.</summary>
    public string? Subject { get; init; }

    /// <summary>Manifests that speak about it: signatures, bills of materials.</summary>
    public IReadOnlyList<Referrer> Referrers { get; init; } = [];
}

/// <summary>A manifest that names another as its subject.</summary>
/// <param name="Digest">Its digest.</param>
/// <param name="ArtifactType">What it is.</param>
/// <param name="Bytes">The size of its document, in bytes.</param>
public sealed record Referrer(string Digest, string ArtifactType, long Bytes);
