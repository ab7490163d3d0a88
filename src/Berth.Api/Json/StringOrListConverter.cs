using System.Text.Json;
using System.Text.Json.Serialization;

namespace Berth.Api;

/// <summary>A list of strings for which a single string may stand, such as a command; it is written as a list.</summary>
public sealed class StringOrListConverter : JsonConverter<IReadOnlyList<string>?>
{
    /// <inheritdoc/>
    public override bool HandleNull => true;

    /// <inheritdoc/>
    public override IReadOnlyList<string>? Read(
        ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType is JsonTokenType.Null)
            return null;
        if (reader.TokenType is JsonTokenType.String)
            return [reader.GetString()!];
        if (reader.TokenType is not JsonTokenType.StartArray)
            throw new JsonException("expected a string or a list of strings");
        var items = new List<string>();
        while (reader.Read() && reader.TokenType is not JsonTokenType.EndArray)
            items.Add(reader.TokenType is JsonTokenType.String or JsonTokenType.Null
                ? reader.GetString() ?? ""
                : throw new JsonException("expected a string"));
        return items;
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, IReadOnlyList<string>? value, JsonSerializerOptions options)
    {
        if (value is null)
        {
            writer.WriteNullValue();
            return;
        }
        writer.WriteStartArray();
        foreach (string item in value)
            writer.WriteStringValue(item);
        writer.WriteEndArray();
    }
}
