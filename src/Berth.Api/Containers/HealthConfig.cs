using System.Text.Json.Serialization;

namespace Berth.Api;

/// <summary>How a container's health is checked. Durations are in nanoseconds; zero takes the default.</summary>
public sealed record HealthConfig
{
    /// <summary><c>[]</c> inherit, <c>["NONE"]</c> off, <c>["CMD", …]</c>, <c>["CMD-SHELL", command]</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Test { get; set; }

    /// <summary>Nanoseconds between checks.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Interval { get; set; }

    /// <summary>Nanoseconds that one check may take.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Timeout { get; set; }

    /// <summary>Nanoseconds after start in which failures do not count.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long StartPeriod { get; set; }

    /// <summary>Nanoseconds between checks during the start period.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long StartInterval { get; set; }

    /// <summary>Failures in a row that make it unhealthy.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Retries { get; set; }
}
