using System.Text;
using System.Text.Json;

namespace Berth.Dockerfile.Parsing;

/// <summary>What a text that may be a JSON array turned out to be.</summary>
internal enum JsonOutcome
{
    /// <summary>No JSON array: the shell form.</summary>
    NotJson,

    /// <summary>An array of strings: the exec form.</summary>
    Strings,

    /// <summary>An array with something else in it.</summary>
    OtherValues,
}

/// <summary>Reads the exec form.</summary>
internal static class JsonWords
{
    /// <summary>Reads an array of strings. What follows the array is not looked at, as with Docker.</summary>
    public static JsonOutcome TryParse(string text, out IReadOnlyList<string> words)
    {
        words = [];
        if (!text.StartsWith('['))
            return JsonOutcome.NotJson;
        List<string> read = [];
        try
        {
            Utf8JsonReader reader = new(Encoding.UTF8.GetBytes(text), isFinalBlock: true, default);
            reader.Read();
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                if (reader.TokenType != JsonTokenType.String)
                    return reader.TokenType is JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False or JsonTokenType.Null
                        ? JsonOutcome.OtherValues : JsonOutcome.NotJson;
                read.Add(reader.GetString()!);
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return JsonOutcome.NotJson;
        }
        words = read;
        return JsonOutcome.Strings;
    }
}
