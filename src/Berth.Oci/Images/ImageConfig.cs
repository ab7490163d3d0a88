using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Berth.Oci.Images;

/// <summary>What an image is made of and how it is run. Its digest is the image ID.</summary>
/// <remarks>OCI image-spec 1.1, config.md, with Docker's additional fields. Foreign fields are kept in
/// <see cref="Extra"/> so that a child image does not lose them.</remarks>
public sealed record ImageConfig
{
    /// <summary>When the image was made.</summary>
    [JsonPropertyName("created")]
    public DateTimeOffset? Created { get; init; }

    /// <summary>Who made it.</summary>
    [JsonPropertyName("author")]
    public string? Author { get; init; }

    /// <summary>The processor architecture, in Go's names.</summary>
    [JsonPropertyName("architecture")]
    [AllowNull]
    public string Architecture { get; init => field = value ?? ""; } = "";

    /// <summary>The processor's variant.</summary>
    [JsonPropertyName("variant")]
    public string? Variant { get; init; }

    /// <summary>The operating system, in Go's names.</summary>
    [JsonPropertyName("os")]
    [AllowNull]
    public string Os { get; init => field = value ?? ""; } = "";

    /// <summary>How a container of the image is run by default.</summary>
    [JsonPropertyName("config")]
    public ExecutionConfig? Config { get; init; }

    /// <summary>The layers.</summary>
    [JsonPropertyName("rootfs")]
    [AllowNull]
    public RootFs RootFs { get; init => field = value ?? new(); } = new();

    /// <summary>How each layer came to be, with the steps that made none.</summary>
    [JsonPropertyName("history")]
    public IReadOnlyList<HistoryEntry>? History { get; init; }

    /// <summary>Fields that neither the specification nor this program knows.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Extra { get; set; }

    /// <summary>The machine it is for.</summary>
    [JsonIgnore]
    public Platform Platform => new() { Os = Os, Architecture = Architecture, Variant = Variant };
}

/// <summary>The layers of an image, bottom first.</summary>
public sealed record RootFs
{
    /// <summary>Always <c>layers</c>.</summary>
    [JsonPropertyName("type")]
    [AllowNull]
    public string Type { get; init => field = value ?? "layers"; } = "layers";

    /// <summary>The digests of the uncompressed layers, bottom first.</summary>
    [JsonPropertyName("diff_ids")]
    [AllowNull]
    public IReadOnlyList<Digest> DiffIds { get; init => field = value ?? []; } = [];

    /// <summary>The chain of the whole stack; null for an image without layers.</summary>
    [JsonIgnore]
    public ChainId? Chain => ChainId.Of(DiffIds.Select(digest => new DiffId(digest)));
}

/// <summary>One step of an image's making.</summary>
public sealed record HistoryEntry
{
    /// <summary>When.</summary>
    [JsonPropertyName("created")]
    public DateTimeOffset? Created { get; init; }

    /// <summary>By which instruction.</summary>
    [JsonPropertyName("created_by")]
    public string? CreatedBy { get; init; }

    /// <summary>By whom.</summary>
    [JsonPropertyName("author")]
    public string? Author { get; init; }

    /// <summary>A note.</summary>
    [JsonPropertyName("comment")]
    public string? Comment { get; init; }

    /// <summary>True when the step made no layer.</summary>
    [JsonPropertyName("empty_layer")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool EmptyLayer { get; init; }
}

/// <summary>How a container of an image is run by default.</summary>
/// <remarks>OCI image-spec 1.1, config.md "config"; Healthcheck, OnBuild, Shell and StopTimeout are Docker's.</remarks>
public sealed record ExecutionConfig
{
    /// <summary><c>user[:group]</c>, by name or number.</summary>
    public string? User { get; init; }

    /// <summary>Ports it listens on, as <c>port/protocol</c>; the values are empty objects.</summary>
    public IReadOnlyDictionary<string, EmptyObject>? ExposedPorts { get; init; }

    /// <summary>The environment, as <c>NAME=value</c>.</summary>
    public IReadOnlyList<string>? Env { get; init; }

    /// <summary>What is run; the command is its arguments.</summary>
    public IReadOnlyList<string>? Entrypoint { get; init; }

    /// <summary>The default command, or the default arguments of the entrypoint.</summary>
    public IReadOnlyList<string>? Cmd { get; init; }

    /// <summary>Places that hold data of their own; the values are empty objects.</summary>
    public IReadOnlyDictionary<string, EmptyObject>? Volumes { get; init; }

    /// <summary>The directory it starts in.</summary>
    public string? WorkingDir { get; init; }

    /// <summary>Labels.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary>The signal that asks it to stop, by name or number.</summary>
    public string? StopSignal { get; init; }

    /// <summary>Seconds between that signal and SIGKILL.</summary>
    public int? StopTimeout { get; init; }

    /// <summary>How its health is checked.</summary>
    public HealthConfig? Healthcheck { get; init; }

    /// <summary>Instructions that run in a build from it.</summary>
    public IReadOnlyList<string>? OnBuild { get; init; }

    /// <summary>The shell of shell-form instructions.</summary>
    public IReadOnlyList<string>? Shell { get; init; }

    /// <summary>Windows: the command is escaped already. Kept, never used.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool ArgsEscaped { get; init; }
}

/// <summary>How a container's health is checked. Times are in nanoseconds; zero takes the default.</summary>
public sealed record HealthConfig
{
    /// <summary><c>[]</c> inherit, <c>["NONE"]</c> off, <c>["CMD", …]</c>, <c>["CMD-SHELL", command]</c>.</summary>
    public IReadOnlyList<string>? Test { get; init; }

    /// <summary>Nanoseconds between checks.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Interval { get; init; }

    /// <summary>Nanoseconds that one check may take.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Timeout { get; init; }

    /// <summary>Nanoseconds after start in which failures do not count.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long StartPeriod { get; init; }

    /// <summary>Nanoseconds between checks during the start period.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long StartInterval { get; init; }

    /// <summary>Failures in a row that make it unhealthy.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Retries { get; init; }
}

/// <summary>The empty JSON object, by which Go's sets are written.</summary>
public sealed record EmptyObject
{
    /// <summary>The only one needed.</summary>
    public static EmptyObject Instance { get; } = new();
}
