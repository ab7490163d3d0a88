using System.Text.Json.Serialization;

namespace Berth.Registry.Operation.Webhooks;

/// <summary>What happened to a repository, as webhooks are told.</summary>
public sealed record RegistryEvent
{
    /// <summary>The event; the same in every attempt to tell it.</summary>
    [JsonPropertyName("id")]
    public required string Id { get; init; }

    /// <summary><c>push</c> or <c>delete</c>.</summary>
    [JsonPropertyName("type")]
    public required string Type { get; init; }

    /// <summary>When.</summary>
    [JsonPropertyName("timestamp")]
    public required DateTimeOffset Timestamp { get; init; }

    /// <summary>The repository's name.</summary>
    [JsonPropertyName("repository")]
    public required string Repository { get; init; }

    /// <summary>The tag, where one was written or deleted.</summary>
    [JsonPropertyName("tag")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Tag { get; init; }

    /// <summary>The manifest's digest.</summary>
    [JsonPropertyName("digest")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Digest { get; init; }

    /// <summary>The manifest's media type.</summary>
    [JsonPropertyName("media_type")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? MediaType { get; init; }

    /// <summary>Who did it.</summary>
    [JsonPropertyName("actor")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Actor { get; init; }
}

[JsonSerializable(typeof(RegistryEvent))]
internal sealed partial class WebhookJson : JsonSerializerContext;
