using System.Text.Json.Serialization;

namespace Berth.Oci.Images;

/// <summary>One image for one platform: its configuration and its layers, bottom first.</summary>
/// <remarks>OCI image-spec 1.1, manifest.md; Docker's version 2 schema 2 has the same fields. The digest of a manifest is
/// that of the bytes it came in: keep those, never re-serialise.</remarks>
public sealed record Manifest
{
    /// <summary>Always 2.</summary>
    [JsonPropertyName("schemaVersion")]
    public int SchemaVersion { get; init; } = 2;

    /// <summary>One of <see cref="MediaTypes"/>; may be missing in OCI manifests.</summary>
    [JsonPropertyName("mediaType")]
    public string? MediaType { get; init; }

    /// <summary>The kind of artifact, where this is not an image.</summary>
    [JsonPropertyName("artifactType")]
    public string? ArtifactType { get; init; }

    /// <summary>The image configuration.</summary>
    [JsonPropertyName("config")]
    public required Descriptor Config { get; init; }

    /// <summary>The layers, bottom first.</summary>
    [JsonPropertyName("layers")]
    public required IReadOnlyList<Descriptor> Layers { get; init; }

    /// <summary>The manifest that this one speaks about.</summary>
    [JsonPropertyName("subject")]
    public Descriptor? Subject { get; init; }

    /// <summary>Notes.</summary>
    [JsonPropertyName("annotations")]
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }
}

/// <summary>Several manifests under one name, usually one for each platform.</summary>
/// <remarks>OCI image-spec 1.1, image-index.md; Docker's manifest list has the same fields.</remarks>
public sealed record ImageIndex
{
    /// <summary>Always 2.</summary>
    [JsonPropertyName("schemaVersion")]
    public int SchemaVersion { get; init; } = 2;

    /// <summary>One of <see cref="MediaTypes"/>; may be missing in OCI indexes.</summary>
    [JsonPropertyName("mediaType")]
    public string? MediaType { get; init; }

    /// <summary>The manifests, in order of preference.</summary>
    [JsonPropertyName("manifests")]
    public required IReadOnlyList<Descriptor> Manifests { get; init; }

    /// <summary>Notes.</summary>
    [JsonPropertyName("annotations")]
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }
}
