using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Berth.Cli.Text;

/// <summary>JSON as Go's encoder writes it: without blanks, and with <c>&lt;</c>, <c>&gt;</c> and <c>&amp;</c> escaped.</summary>
internal static class GoJson
{
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Text(JsonNode value)
    {
        using MemoryStream output = new();
        using (Utf8JsonWriter writer = new(output, s_options))
            value.WriteTo(writer);
        return Escape(Encoding.UTF8.GetString(output.ToArray()));
    }

    public static string Text(string value) => Text(JsonValue.Create(value));

    /// <summary>The same JSON without the blanks between its parts; names, order and numbers stay as they were written.</summary>
    public static string Compact(string json, bool escape = true)
    {
        StringBuilder output = new(json.Length);
        bool quoted = false;
        for (int i = 0; i < json.Length; i++)
        {
            char c = json[i];
            if (!quoted && char.IsWhiteSpace(c))
                continue;
            output.Append(c);
            if (c == '"')
                quoted = !quoted;
            else if (quoted && c == '\\' && i + 1 < json.Length)
                output.Append(json[++i]);
        }
        return escape ? Escape(output.ToString()) : output.ToString();
    }

    /// <summary>Adds a field, unless it would be empty.</summary>
    public static void SetUnlessEmpty(this JsonObject json, string name, string value)
    {
        if (value.Length > 0)
            json[name] = value;
    }

    // In JSON these stand inside strings alone.
    private static string Escape(string json) => json.Replace("<", "\\u003c", StringComparison.Ordinal)
        .Replace(">", "\\u003e", StringComparison.Ordinal).Replace("&", "\\u0026", StringComparison.Ordinal);
}
