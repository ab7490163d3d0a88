using System.Text.Json;

namespace Berth.Cli.Text;

/// <summary>Reads the engine's answers leniently: a field that is not there is empty.</summary>
internal static class JsonExtensions
{
    extension(JsonElement element)
    {
        public JsonElement At(string name) => element.ValueKind == JsonValueKind.Object
            && element.TryGetProperty(name, out JsonElement value) ? value : default;

        public string Text(string name) => element.At(name) is { ValueKind: JsonValueKind.String } value ? value.GetString()! : "";

        public long Number(string name) => element.At(name) is { ValueKind: JsonValueKind.Number } value
            ? value.TryGetInt64(out long whole) ? whole : (long)value.GetDouble() : 0;

        public double Real(string name) => element.At(name) is { ValueKind: JsonValueKind.Number } value ? value.GetDouble() : 0;

        public bool Flag(string name) => element.At(name).ValueKind == JsonValueKind.True;

        public IEnumerable<JsonElement> Items(string name) => element.At(name).Elements();

        public IEnumerable<JsonElement> Elements() => element.ValueKind == JsonValueKind.Array ? element.EnumerateArray() : [];

        public IEnumerable<JsonProperty> Members(string name) => element.At(name) is { ValueKind: JsonValueKind.Object } value
            ? value.EnumerateObject() : [];

        public string[] Texts(string name) => element.Items(name).Select(static e => e.GetString() ?? "").ToArray();
    }
}
