using System.Text.Json;
using System.Text.Json.Serialization;

namespace Berth.Api;

/// <summary>A volume.</summary>
public sealed record Volume
{
    /// <summary>When it was made, RFC 3339.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? CreatedAt { get; set; }

    /// <summary><c>local</c>.</summary>
    public string Driver { get; set => field = value ?? ""; } = "";

    /// <summary>Labels.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; set; }

    /// <summary>Its directory on the host.</summary>
    public string Mountpoint { get; set => field = value ?? ""; } = "";

    /// <summary>Its name.</summary>
    public string Name { get; set => field = value ?? ""; } = "";

    /// <summary>Options of the driver.</summary>
    public IReadOnlyDictionary<string, string>? Options { get; set; }

    /// <summary><c>local</c>.</summary>
    public string Scope { get; set => field = value ?? ""; } = "";

    /// <summary>What the driver tells.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, JsonElement>? Status { get; set; }

    /// <summary>Only in <c>GET /system/df</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public VolumeUsage? UsageData { get; set; }
}

/// <summary>How much a volume holds and who uses it.</summary>
public sealed record VolumeUsage
{
    /// <summary>Containers that use it.</summary>
    public long RefCount { get; set; }

    /// <summary>Bytes.</summary>
    public long Size { get; set; }
}

/// <summary>The answer of <c>GET /volumes</c>.</summary>
public sealed record VolumeList
{
    /// <summary>The volumes.</summary>
    public IReadOnlyList<Volume> Volumes { get; set; } = [];

    /// <summary>What could not be listed.</summary>
    public IReadOnlyList<string>? Warnings { get; set; }
}

/// <summary>The body of <c>POST /volumes/create</c>.</summary>
public sealed record CreateVolumeRequest
{
    /// <summary>The name; null or empty makes one up.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Name { get; set; }

    /// <summary>The driver; null or empty: <c>local</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Driver { get; set; }

    /// <summary>Options of the driver.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string>? DriverOpts { get; set; }

    /// <summary>Labels.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string>? Labels { get; set; }

    /// <summary>Swarm only.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JsonElement? ClusterVolumeSpec { get; set; }
}

/// <summary>The answer of <c>POST /volumes/prune</c>.</summary>
public sealed record VolumesPruneResponse
{
    /// <summary>The names.</summary>
    public IReadOnlyList<string>? VolumesDeleted { get; set; }

    /// <summary>Bytes.</summary>
    public ulong SpaceReclaimed { get; set; }
}
