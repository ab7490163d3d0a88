using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Berth.Api;

/// <summary>Times as Go's <c>time.RFC3339Nano</c> writes them, in UTC: <c>2026-11-22T21:38:03.1234567Z</c>.</summary>
/// <remarks>Trailing zeros of the fraction are left out; the zero time is <c>0001-01-01T00:00:00Z</c>.</remarks>
public sealed class GoTimeConverter : JsonConverter<DateTimeOffset>
{
    private const string Pattern = "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'";

    /// <summary>A time in the form this API uses in strings.</summary>
    public static string Format(DateTimeOffset time) =>
        time.UtcDateTime.ToString(Pattern, CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    public override bool HandleNull => true;

    /// <inheritdoc/>
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType switch
        {
            JsonTokenType.Null => default,
            JsonTokenType.String when reader.ValueSpan.IsEmpty && !reader.HasValueSequence => default,
            _ => reader.GetDateTimeOffset(),
        };

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(Format(value));
}
