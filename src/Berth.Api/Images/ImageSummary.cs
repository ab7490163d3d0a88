using System.Text.Json.Serialization;

namespace Berth.Api;

/// <summary>One line of <c>GET /images/json</c>.</summary>
public sealed record ImageSummary
{
    /// <summary>Containers that use it; -1: not counted.</summary>
    public long Containers { get; set; }

    /// <summary>Seconds since 1970.</summary>
    public long Created { get; set; }

    /// <summary>The image ID with its algorithm.</summary>
    public string Id { get; set => field = value ?? ""; } = "";

    /// <summary>Labels of its configuration.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; set; }

    /// <summary>The image it was built upon, or empty.</summary>
    public string ParentId { get; set => field = value ?? ""; } = "";

    /// <summary>The manifest or index that its name leads to; since API 1.48.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ImageDescriptor? Descriptor { get; set; }

    /// <summary>The platforms it has; only when asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ImageManifest>? Manifests { get; set; }

    /// <summary>Names with digest.</summary>
    public IReadOnlyList<string> RepoDigests { get; set; } = [];

    /// <summary>Names with tag.</summary>
    public IReadOnlyList<string> RepoTags { get; set; } = [];

    /// <summary>Bytes shared with other images; -1: not counted.</summary>
    public long SharedSize { get; set; }

    /// <summary>Bytes of its layers.</summary>
    public long Size { get; set; }

    /// <summary>The same as <see cref="Size"/>; only before API 1.44.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? VirtualSize { get; set; }
}

/// <summary>An OCI descriptor as this API shows it.</summary>
public sealed record ImageDescriptor
{
    /// <summary>What the bytes are.</summary>
    [JsonPropertyName("mediaType")]
    public string MediaType { get; set => field = value ?? ""; } = "";

    /// <summary>The bytes' digest.</summary>
    [JsonPropertyName("digest")]
    public string Digest { get; set => field = value ?? ""; } = "";

    /// <summary>The number of bytes.</summary>
    [JsonPropertyName("size")]
    public long Size { get; set; }

    /// <summary>Other places to fetch it from.</summary>
    [JsonPropertyName("urls")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Urls { get; set; }

    /// <summary>Notes.</summary>
    [JsonPropertyName("annotations")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string>? Annotations { get; set; }

    /// <summary>For which machine it is.</summary>
    [JsonPropertyName("platform")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ImagePlatform? Platform { get; set; }

    /// <summary>The kind of artifact.</summary>
    [JsonPropertyName("artifactType")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ArtifactType { get; set; }
}

/// <summary>A machine that an image is for, in Go's names.</summary>
public sealed record ImagePlatform
{
    /// <summary>The processor.</summary>
    [JsonPropertyName("architecture")]
    public string Architecture { get; set => field = value ?? ""; } = "";

    /// <summary>The operating system.</summary>
    [JsonPropertyName("os")]
    public string Os { get; set => field = value ?? ""; } = "";

    /// <summary>Windows' build number.</summary>
    [JsonPropertyName("os.version")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? OsVersion { get; set; }

    /// <summary>Features the system must have.</summary>
    [JsonPropertyName("os.features")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? OsFeatures { get; set; }

    /// <summary>The processor's variant.</summary>
    [JsonPropertyName("variant")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Variant { get; set; }
}

/// <summary>One platform of an image.</summary>
public sealed record ImageManifest
{
    /// <summary>The manifest's digest.</summary>
    public string ID { get; set => field = value ?? ""; } = "";

    /// <summary>The manifest.</summary>
    public ImageDescriptor Descriptor { get; set; } = new();

    /// <summary>Its content is here.</summary>
    public bool Available { get; set; }

    /// <summary>Bytes.</summary>
    public ImageManifestSize Size { get; set; } = new();

    /// <summary><c>image</c>, <c>attestation</c>, <c>unknown</c>.</summary>
    public string Kind { get; set => field = value ?? ""; } = "";

    /// <summary>For an image.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ImageManifestData? ImageData { get; set; }
}

/// <summary>Bytes of one platform of an image.</summary>
public sealed record ImageManifestSize
{
    /// <summary>Content and unpacked.</summary>
    public long Total { get; set; }

    /// <summary>Of its blobs.</summary>
    public long Content { get; set; }
}

/// <summary>An image in a list of platforms.</summary>
public sealed record ImageManifestData
{
    /// <summary>For which machine it is.</summary>
    public ImagePlatform Platform { get; set; } = new();

    /// <summary>Containers that use it.</summary>
    public IReadOnlyList<string> Containers { get; set; } = [];

    /// <summary>Bytes on disk.</summary>
    public ImageUnpackedSize Size { get; set; } = new();
}

/// <summary>Bytes of an image's unpacked layers.</summary>
public sealed record ImageUnpackedSize
{
    /// <summary>All.</summary>
    public long Unpacked { get; set; }
}
