using System.Text.Json.Serialization;

namespace Berth.Api;

/// <summary>All about one image: <c>GET /images/{name}/json</c>.</summary>
public sealed record ImageInspect
{
    /// <summary>The image ID with its algorithm.</summary>
    public string Id { get; set => field = value ?? ""; } = "";

    /// <summary>Names with tag.</summary>
    public IReadOnlyList<string> RepoTags { get; set; } = [];

    /// <summary>Names with digest.</summary>
    public IReadOnlyList<string> RepoDigests { get; set; } = [];

    /// <summary>The image it was built upon, or empty.</summary>
    public string Parent { get; set => field = value ?? ""; } = "";

    /// <summary>The comment of its last step.</summary>
    public string Comment { get; set => field = value ?? ""; } = "";

    /// <summary>When it was made, RFC 3339.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Created { get; set; }

    /// <summary>Only before API 1.45.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Container { get; set; }

    /// <summary>Only before API 1.45.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ContainerConfig? ContainerConfig { get; set; }

    /// <summary>The version of the engine that built it.</summary>
    public string DockerVersion { get; set => field = value ?? ""; } = "";

    /// <summary>Who made it.</summary>
    public string Author { get; set => field = value ?? ""; } = "";

    /// <summary>How a container of it is run.</summary>
    public ImageConfig? Config { get; set; }

    /// <summary>The processor.</summary>
    public string Architecture { get; set => field = value ?? ""; } = "";

    /// <summary>The processor's variant.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Variant { get; set; }

    /// <summary>The operating system.</summary>
    public string Os { get; set => field = value ?? ""; } = "";

    /// <summary>Windows' build number.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? OsVersion { get; set; }

    /// <summary>Bytes of its layers.</summary>
    public long Size { get; set; }

    /// <summary>The same as <see cref="Size"/>; only before API 1.44.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? VirtualSize { get; set; }

    /// <summary>Where its layers are.</summary>
    public DriverData GraphDriver { get; set; } = new();

    /// <summary>Its layers.</summary>
    public ImageRootFs RootFS { get; set; } = new();

    /// <summary>What this machine knows of it.</summary>
    public ImageMetadata Metadata { get; set; } = new();

    /// <summary>The manifest or index that its name leads to; since API 1.48.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ImageDescriptor? Descriptor { get; set; }

    /// <summary>The platforms it has; only when asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ImageManifest>? Manifests { get; set; }
}

/// <summary>The layers of an image.</summary>
public sealed record ImageRootFs
{
    /// <summary><c>layers</c>.</summary>
    public string Type { get; set => field = value ?? ""; } = "";

    /// <summary>The digests of the uncompressed layers, bottom first.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Layers { get; set; }
}

/// <summary>What this machine knows of an image.</summary>
public sealed record ImageMetadata
{
    /// <summary>When it was last given a name here.</summary>
    public DateTimeOffset LastTagTime { get; set; }
}

/// <summary>How a container of an image is run.</summary>
/// <remarks>Since API 1.50 only what the image spec knows; the fields that are null there are written for older
/// clients, always empty.</remarks>
public sealed record ImageConfig
{
    /// <summary>Before API 1.50.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Hostname { get; set; }

    /// <summary>Before API 1.50.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Domainname { get; set; }

    /// <summary><c>user[:group]</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? User { get; set; }

    /// <summary>Before API 1.50.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? AttachStdin { get; set; }

    /// <summary>Before API 1.50.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? AttachStdout { get; set; }

    /// <summary>Before API 1.50.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? AttachStderr { get; set; }

    /// <summary>Ports it listens on.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, Empty>? ExposedPorts { get; set; }

    /// <summary>Before API 1.50.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Tty { get; set; }

    /// <summary>Before API 1.50.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? OpenStdin { get; set; }

    /// <summary>Before API 1.50.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? StdinOnce { get; set; }

    /// <summary>The environment.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Env { get; set; }

    /// <summary>The default command.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Cmd { get; set; }

    /// <summary>How its health is checked.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public HealthConfig? Healthcheck { get; set; }

    /// <summary>Windows only.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool ArgsEscaped { get; set; }

    /// <summary>Before API 1.50.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Image { get; set; }

    /// <summary>Places that hold data of their own.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, Empty>? Volumes { get; set; }

    /// <summary>The directory it starts in.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? WorkingDir { get; set; }

    /// <summary>What is run.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Entrypoint { get; set; }

    /// <summary>Instructions that run in a build from it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? OnBuild { get; set; }

    /// <summary>Labels.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string>? Labels { get; set; }

    /// <summary>The signal that asks it to stop.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? StopSignal { get; set; }

    /// <summary>The shell of shell-form instructions.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Shell { get; set; }
}
