using System.Text.Json.Serialization;

namespace Berth.Api;

/// <summary>One step of <c>GET /images/{name}/history</c>.</summary>
public sealed record ImageHistoryItem
{
    /// <summary>A note.</summary>
    public string Comment { get; set => field = value ?? ""; } = "";

    /// <summary>Seconds since 1970.</summary>
    public long Created { get; set; }

    /// <summary>The instruction.</summary>
    public string CreatedBy { get; set => field = value ?? ""; } = "";

    /// <summary>The image that this step made, or <c>&lt;missing&gt;</c>.</summary>
    public string Id { get; set => field = value ?? ""; } = "";

    /// <summary>Bytes that it added.</summary>
    public long Size { get; set; }

    /// <summary>Names of that image.</summary>
    public IReadOnlyList<string>? Tags { get; set; }
}

/// <summary>One line of <c>DELETE /images/{name}</c>: one of the two is set.</summary>
public sealed record ImageDeleteItem
{
    /// <summary>The image or layer that is gone.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Deleted { get; set; }

    /// <summary>The name that is gone.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Untagged { get; set; }
}

/// <summary>The answer of <c>POST /images/prune</c>.</summary>
public sealed record ImagesPruneResponse
{
    /// <summary>What is gone.</summary>
    public IReadOnlyList<ImageDeleteItem>? ImagesDeleted { get; set; }

    /// <summary>Bytes.</summary>
    public ulong SpaceReclaimed { get; set; }
}

/// <summary>One line of <c>GET /images/search</c>.</summary>
public sealed record ImageSearchResult
{
    /// <summary>Stars.</summary>
    [JsonPropertyName("star_count")]
    public int StarCount { get; set; }

    /// <summary>An official image.</summary>
    [JsonPropertyName("is_official")]
    public bool IsOfficial { get; set; }

    /// <summary>The name.</summary>
    [JsonPropertyName("name")]
    public string Name { get; set => field = value ?? ""; } = "";

    /// <summary>Always false.</summary>
    [JsonPropertyName("is_automated")]
    public bool IsAutomated { get; set; }

    /// <summary>A sentence.</summary>
    [JsonPropertyName("description")]
    public string Description { get; set => field = value ?? ""; } = "";
}

/// <summary>One record of the build cache.</summary>
public sealed record BuildCacheRecord
{
    /// <summary>Its ID.</summary>
    public string ID { get; set => field = value ?? ""; } = "";

    /// <summary>Its only parent; before API 1.42.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Parent { get; set; }

    /// <summary>The records it builds upon.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Parents { get; set; }

    /// <summary><c>regular</c>, <c>source.local</c>, <c>exec.cachemount</c>, …</summary>
    public string Type { get; set => field = value ?? ""; } = "";

    /// <summary>The instruction.</summary>
    public string Description { get; set => field = value ?? ""; } = "";

    /// <summary>A build uses it now.</summary>
    public bool InUse { get; set; }

    /// <summary>An image has it too.</summary>
    public bool Shared { get; set; }

    /// <summary>Bytes.</summary>
    public long Size { get; set; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset CreatedAt { get; set; }

    /// <summary>When it was last used.</summary>
    public DateTimeOffset? LastUsedAt { get; set; }

    /// <summary>How often it was used.</summary>
    public int UsageCount { get; set; }
}

/// <summary>The answer of <c>POST /build/prune</c>.</summary>
public sealed record BuildPruneResponse
{
    /// <summary>The records' IDs.</summary>
    public IReadOnlyList<string>? CachesDeleted { get; set; }

    /// <summary>Bytes.</summary>
    public ulong SpaceReclaimed { get; set; }
}

/// <summary>What a registry has under a name: <c>GET /distribution/{name}/json</c>.</summary>
public sealed record DistributionInspect
{
    /// <summary>The manifest or index.</summary>
    public ImageDescriptor Descriptor { get; set; } = new();

    /// <summary>The machines it is for.</summary>
    public IReadOnlyList<ImagePlatform> Platforms { get; set; } = [];
}
