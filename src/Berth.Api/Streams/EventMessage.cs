using System.Text.Json.Serialization;

namespace Berth.Api;

/// <summary>One line of <c>GET /events</c>.</summary>
public sealed record EventMessage
{
    /// <summary>The action again, for old clients.</summary>
    [JsonPropertyName("status")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Status { get; set; }

    /// <summary>The object again, for old clients.</summary>
    [JsonPropertyName("id")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Id { get; set; }

    /// <summary>The container's image, for old clients.</summary>
    [JsonPropertyName("from")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? From { get; set; }

    /// <summary><c>container</c>, <c>image</c>, <c>network</c>, <c>volume</c>, <c>builder</c>, <c>daemon</c>.</summary>
    public string Type { get; set => field = value ?? ""; } = "";

    /// <summary><c>create</c>, <c>start</c>, <c>die</c>, …; text may follow a colon.</summary>
    public string Action { get; set => field = value ?? ""; } = "";

    /// <summary>What it happened to.</summary>
    public EventActor Actor { get; set; } = new();

    /// <summary><c>local</c>.</summary>
    [JsonPropertyName("scope")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Scope { get; set; }

    /// <summary>Seconds since 1970.</summary>
    [JsonPropertyName("time")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Time { get; set; }

    /// <summary>Nanoseconds since 1970.</summary>
    [JsonPropertyName("timeNano")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long TimeNano { get; set; }
}

/// <summary>What an event happened to.</summary>
public sealed record EventActor
{
    /// <summary>The full ID, or the name where that is the identity.</summary>
    public string ID { get; set => field = value ?? ""; } = "";

    /// <summary>Name, image, labels, exit code and the like.</summary>
    public IReadOnlyDictionary<string, string> Attributes { get; set; } = new Dictionary<string, string>();
}
