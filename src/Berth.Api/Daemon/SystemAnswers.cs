using System.Text.Json.Serialization;

namespace Berth.Api;

/// <summary>The body of every answer that is a failure.</summary>
public sealed record ErrorResponse
{
    /// <summary>A sentence.</summary>
    [JsonPropertyName("message")]
    public string Message { get; set => field = value ?? ""; } = "";
}

/// <summary>Who signs in at a registry: <c>POST /auth</c>, and in base64url the header
/// <c>X-Registry-Auth</c>.</summary>
public sealed record RegistryAuth
{
    /// <summary>The name.</summary>
    [JsonPropertyName("username")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Username { get; set; }

    /// <summary>The password.</summary>
    [JsonPropertyName("password")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Password { get; set; }

    /// <summary>Both in base64, joined by a colon.</summary>
    [JsonPropertyName("auth")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Auth { get; set; }

    /// <summary>Ignored.</summary>
    [JsonPropertyName("email")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Email { get; set; }

    /// <summary>The registry.</summary>
    [JsonPropertyName("serveraddress")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ServerAddress { get; set; }

    /// <summary>A refresh token instead of name and password.</summary>
    [JsonPropertyName("identitytoken")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? IdentityToken { get; set; }

    /// <summary>A bearer token to send as it is.</summary>
    [JsonPropertyName("registrytoken")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? RegistryToken { get; set; }
}

/// <summary>The answer of <c>POST /auth</c>.</summary>
public sealed record AuthResponse
{
    /// <summary>A refresh token to keep instead of the password, or empty.</summary>
    public string IdentityToken { get; set => field = value ?? ""; } = "";

    /// <summary><c>Login Succeeded</c>.</summary>
    public string Status { get; set => field = value ?? ""; } = "";
}

/// <summary>The answer of <c>GET /version</c>.</summary>
public sealed record VersionResponse
{
    /// <summary>What this is.</summary>
    public VersionPlatform Platform { get; set; } = new();

    /// <summary>What it is made of.</summary>
    public IReadOnlyList<VersionComponent> Components { get; set; } = [];

    /// <summary>The engine's version.</summary>
    public string Version { get; set => field = value ?? ""; } = "";

    /// <summary>The newest API version it speaks.</summary>
    public string ApiVersion { get; set => field = value ?? ""; } = "";

    /// <summary>The oldest API version it speaks.</summary>
    public string MinAPIVersion { get; set => field = value ?? ""; } = "";

    /// <summary>The commit it was built from.</summary>
    public string GitCommit { get; set => field = value ?? ""; } = "";

    /// <summary>What it was built with.</summary>
    public string GoVersion { get; set => field = value ?? ""; } = "";

    /// <summary>The operating system.</summary>
    public string Os { get; set => field = value ?? ""; } = "";

    /// <summary>The processor, in Go's names.</summary>
    public string Arch { get; set => field = value ?? ""; } = "";

    /// <summary>The kernel's release.</summary>
    public string KernelVersion { get; set => field = value ?? ""; } = "";

    /// <summary>Experimental features are on.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Experimental { get; set; }

    /// <summary>When it was built.</summary>
    public string BuildTime { get; set => field = value ?? ""; } = "";
}

/// <summary>What a program is.</summary>
public sealed record VersionPlatform
{
    /// <summary>A line such as <c>Docker Engine - Community</c>.</summary>
    public string Name { get; set => field = value ?? ""; } = "";
}

/// <summary>A part of an engine.</summary>
public sealed record VersionComponent
{
    /// <summary>Its name.</summary>
    public string Name { get; set => field = value ?? ""; } = "";

    /// <summary>Its version.</summary>
    public string Version { get; set => field = value ?? ""; } = "";

    /// <summary>More.</summary>
    public IReadOnlyDictionary<string, string>? Details { get; set; }
}

/// <summary>The answer of <c>GET /system/df</c>. What was not asked for is null.</summary>
public sealed record DiskUsage
{
    /// <summary>Bytes of all layers.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? LayersSize { get; set; }

    /// <summary>The images.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ImageSummary>? Images { get; set; }

    /// <summary>The containers.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ContainerSummary>? Containers { get; set; }

    /// <summary>The volumes.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<Volume>? Volumes { get; set; }

    /// <summary>The build cache.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<BuildCacheRecord>? BuildCache { get; set; }

    /// <summary>Bytes of the build cache; before API 1.42.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? BuilderSize { get; set; }
}
