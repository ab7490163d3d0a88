using System.Text.Json.Serialization;

namespace Berth.Api;

/// <summary>The answer of <c>POST /containers/{id}/wait</c>.</summary>
public sealed record WaitResponse
{
    /// <summary>Why waiting failed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public WaitError? Error { get; set; }

    /// <summary>The exit code.</summary>
    public long StatusCode { get; set; }
}

/// <summary>Why waiting for a container failed.</summary>
public sealed record WaitError
{
    /// <summary>A sentence.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Message { get; set; }
}

/// <summary>The answer of <c>GET /containers/{id}/top</c>.</summary>
public sealed record TopResponse
{
    /// <summary>One row for each process.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Processes { get; set; } = [];

    /// <summary>The columns' titles.</summary>
    public IReadOnlyList<string> Titles { get; set; } = [];
}

/// <summary>A path that differs from the image: <c>GET /containers/{id}/changes</c>.</summary>
public sealed record FilesystemChange
{
    /// <summary>0 changed, 1 added, 2 deleted.</summary>
    public int Kind { get; set; }

    /// <summary>The absolute path inside.</summary>
    public string Path { get; set => field = value ?? ""; } = "";
}

/// <summary>The body of <c>POST /containers/{id}/update</c>.</summary>
public sealed record UpdateContainerRequest : Resources
{
    /// <summary>The new policy; null or an empty name leaves it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RestartPolicy? RestartPolicy { get; set; }
}

/// <summary>The answer of <c>POST /containers/{id}/update</c>.</summary>
public sealed record UpdateContainerResponse
{
    /// <summary>What was changed or ignored of the request.</summary>
    public IReadOnlyList<string>? Warnings { get; set; }
}

/// <summary>The answer of <c>POST /containers/prune</c>.</summary>
public sealed record ContainersPruneResponse
{
    /// <summary>The IDs.</summary>
    public IReadOnlyList<string>? ContainersDeleted { get; set; }

    /// <summary>Bytes.</summary>
    public ulong SpaceReclaimed { get; set; }
}

/// <summary>What a path in a container is: the header <c>X-Docker-Container-Path-Stat</c>, base64 of this
/// JSON.</summary>
public sealed record PathStat
{
    /// <summary>The last component of the path.</summary>
    [JsonPropertyName("name")]
    public string Name { get; set => field = value ?? ""; } = "";

    /// <summary>Bytes.</summary>
    [JsonPropertyName("size")]
    public long Size { get; set; }

    /// <summary>Permission and type bits as Go's <c>os.FileMode</c> has them: directory is bit 31, symbolic link bit
    /// 27.</summary>
    [JsonPropertyName("mode")]
    public uint Mode { get; set; }

    /// <summary>When it was last written.</summary>
    [JsonPropertyName("mtime")]
    public DateTimeOffset Mtime { get; set; }

    /// <summary>Where a symbolic link leads.</summary>
    [JsonPropertyName("linkTarget")]
    public string LinkTarget { get; set => field = value ?? ""; } = "";
}

/// <summary>The ID of what was made, by <c>POST …/exec</c> and <c>POST /commit</c>.</summary>
public sealed record IdResponse
{
    /// <summary>The ID.</summary>
    public string Id { get; set => field = value ?? ""; } = "";
}
