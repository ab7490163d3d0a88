using System.Text.Json;
using System.Text.Json.Serialization;

namespace Berth.Api;

/// <summary>One line of a progress stream: pull, push, build, load, import.</summary>
/// <remarks>Engine API has no schema of it; the fields are those of Docker's <c>jsonmessage.JSONMessage</c>. An error
/// after the first byte of an answer comes as such a line with status 200.</remarks>
public sealed record ProgressMessage
{
    /// <summary>Text to print as it is.</summary>
    [JsonPropertyName("stream")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Stream { get; set; }

    /// <summary>What is being done.</summary>
    [JsonPropertyName("status")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Status { get; set; }

    /// <summary>How far it is.</summary>
    [JsonPropertyName("progressDetail")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ProgressDetail? ProgressDetail { get; set; }

    /// <summary>A drawn bar, for clients that cannot draw one.</summary>
    [JsonPropertyName("progress")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Progress { get; set; }

    /// <summary>What it is being done to, such as a layer's short ID.</summary>
    [JsonPropertyName("id")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Id { get; set; }

    /// <summary>Where it comes from.</summary>
    [JsonPropertyName("from")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? From { get; set; }

    /// <summary>Seconds since 1970.</summary>
    [JsonPropertyName("time")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Time { get; set; }

    /// <summary>Nanoseconds since 1970.</summary>
    [JsonPropertyName("timeNano")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long TimeNano { get; set; }

    /// <summary>What went wrong; it ends the stream.</summary>
    [JsonPropertyName("errorDetail")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ErrorDetail? ErrorDetail { get; set; }

    /// <summary>The same sentence, for old clients.</summary>
    [JsonPropertyName("error")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Error { get; set; }

    /// <summary>A result: <see cref="BuildResult"/> or <see cref="PushResult"/>.</summary>
    [JsonPropertyName("aux")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JsonElement? Aux { get; set; }
}

/// <summary>How far a step is. All zero is written as <c>{}</c>.</summary>
public sealed record ProgressDetail
{
    /// <summary>Units done.</summary>
    [JsonPropertyName("current")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Current { get; set; }

    /// <summary>Units there are; zero: unknown.</summary>
    [JsonPropertyName("total")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Total { get; set; }

    /// <summary>Seconds since 1970 when it began.</summary>
    [JsonPropertyName("start")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Start { get; set; }

    /// <summary>Do not print the numbers.</summary>
    [JsonPropertyName("hidecounts")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool HideCounts { get; set; }

    /// <summary>What is counted; null: bytes.</summary>
    [JsonPropertyName("units")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Units { get; set; }
}

/// <summary>What went wrong in a stream.</summary>
public sealed record ErrorDetail
{
    /// <summary>A failed step's exit code.</summary>
    [JsonPropertyName("code")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Code { get; set; }

    /// <summary>A sentence.</summary>
    [JsonPropertyName("message")]
    public string Message { get; set => field = value ?? ""; } = "";
}

/// <summary>The image a build made.</summary>
public sealed record BuildResult
{
    /// <summary>The image ID with its algorithm.</summary>
    public string ID { get; set => field = value ?? ""; } = "";
}

/// <summary>How a client with a session wants a build's result, in the <c>outputs</c> of <c>POST /build</c>.</summary>
public sealed record BuildOutput
{
    /// <summary><c>local</c>, <c>tar</c> and others.</summary>
    public string Type { get; set => field = value ?? ""; } = "";

    /// <summary>What the type needs to know.</summary>
    public IReadOnlyDictionary<string, string>? Attrs { get; set; }
}

/// <summary>The manifest a push left in the registry.</summary>
public sealed record PushResult
{
    /// <summary>The tag.</summary>
    public string Tag { get; set => field = value ?? ""; } = "";

    /// <summary>The manifest's digest.</summary>
    public string Digest { get; set => field = value ?? ""; } = "";

    /// <summary>The manifest's size in bytes.</summary>
    public long Size { get; set; }
}
