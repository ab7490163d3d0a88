using System.Text.Json.Serialization;

namespace Berth.Oci.Images;

/// <summary>Names some content: what it is, its digest and its size in bytes.</summary>
/// <remarks>OCI image-spec 1.1, descriptor.md.</remarks>
public sealed record Descriptor
{
    /// <summary>What the bytes are.</summary>
    [JsonPropertyName("mediaType")]
    public required string MediaType { get; init; }

    /// <summary>The bytes' digest.</summary>
    [JsonPropertyName("digest")]
    public required Digest Digest { get; init; }

    /// <summary>The number of bytes.</summary>
    [JsonPropertyName("size")]
    public required long Size { get; init; }

    /// <summary>Other places to fetch it from.</summary>
    [JsonPropertyName("urls")]
    public IReadOnlyList<string>? Urls { get; init; }

    /// <summary>Notes that do not change what it is.</summary>
    [JsonPropertyName("annotations")]
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }

    /// <summary>The bytes themselves, base64, where they are small.</summary>
    [JsonPropertyName("data")]
    public string? Data { get; init; }

    /// <summary>For which machine it is; in an index.</summary>
    [JsonPropertyName("platform")]
    public Platform? Platform { get; init; }

    /// <summary>The kind of artifact that the named manifest is.</summary>
    [JsonPropertyName("artifactType")]
    public string? ArtifactType { get; init; }
}
