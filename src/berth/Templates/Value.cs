using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Berth.Cli.Templates;

/// <summary>An object whose fields a template may name: a row of a list.</summary>
internal interface IFields
{
    /// <summary>The name of its type in messages.</summary>
    string TypeName { get; }

    bool TryGet(string name, out object? value);

    /// <summary>A method with an argument, as <c>.Label "key"</c>.</summary>
    bool TryCall(string name, IReadOnlyList<object?> arguments, out object? value);

    /// <summary>All fields by name, sorted, for <c>json</c>.</summary>
    IEnumerable<KeyValuePair<string, object?>> All { get; }
}

/// <summary>
/// Values of templates: null, bool, long, double, string, <see cref="JsonElement"/> (objects and arrays), lists,
/// maps, <see cref="IFields"/>.
/// </summary>
internal static class Value
{
    public static object? Of(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.Undefined => null,
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.String => element.GetString(),
        JsonValueKind.Number => element.TryGetInt64(out long whole) ? (object)whole : element.GetDouble(),
        _ => element,
    };

    public static bool IsTrue(object? value) => value switch
    {
        null => false,
        bool b => b,
        long n => n != 0,
        double d => d != 0,
        string s => s.Length > 0,
        JsonElement { ValueKind: JsonValueKind.Array } e => e.GetArrayLength() > 0,
        JsonElement { ValueKind: JsonValueKind.Object } e => e.EnumerateObject().Any(),
        IReadOnlyList<object?> list => list.Count > 0,
        IReadOnlyDictionary<string, object?> map => map.Count > 0,
        _ => true,
    };

    public static int? Length(object? value) => value switch
    {
        string s => Encoding.UTF8.GetByteCount(s),
        JsonElement { ValueKind: JsonValueKind.Array } e => e.GetArrayLength(),
        JsonElement { ValueKind: JsonValueKind.Object } e => e.EnumerateObject().Count(),
        IReadOnlyList<object?> list => list.Count,
        IReadOnlyDictionary<string, object?> map => map.Count,
        _ => null,
    };

    /// <summary>Keys and values of a list or map, in the order of Go's range; null if it is neither.</summary>
    public static IEnumerable<(object? Key, object? Item)>? Items(object? value) => value switch
    {
        null => [],
        long n => Enumerable.Range(0, (int)Math.Clamp(n, 0, int.MaxValue)).Select(static i => ((object?)(long)i, (object?)(long)i)),
        JsonElement { ValueKind: JsonValueKind.Array } e => e.EnumerateArray().Select(static (v, i) => ((object?)(long)i, Of(v))),
        JsonElement { ValueKind: JsonValueKind.Object } e => e.EnumerateObject().OrderBy(static p => p.Name, StringComparer.Ordinal)
            .Select(static p => ((object?)p.Name, Of(p.Value))),
        IReadOnlyList<object?> list => list.Select(static (v, i) => ((object?)(long)i, v)),
        IReadOnlyDictionary<string, object?> map => map.OrderBy(static p => p.Key, StringComparer.Ordinal)
            .Select(static p => ((object?)p.Key, p.Value)),
        _ => null,
    };

    /// <summary>How Go prints a value with <c>%v</c>.</summary>
    public static string Print(object? value, bool top = true) => value switch
    {
        null => top ? "<no value>" : "<nil>",
        bool b => b ? "true" : "false",
        long n => n.ToString(CultureInfo.InvariantCulture),
        double d => PrintDouble(d),
        string s => s,
        GoMap map => map.IsNil ? "map[]" : Print(map.Json),
        JsonElement { ValueKind: JsonValueKind.Array } or IReadOnlyList<object?> =>
            "[" + string.Join(' ', Items(value)!.Select(static i => Print(i.Item, false))) + "]",
        JsonElement or IReadOnlyDictionary<string, object?> =>
            "map[" + string.Join(' ', Items(value)!.Select(i => $"{i.Key}:{(IsSet(value) ? "{}" : Print(i.Item, false))}")) + "]",
        IFields fields => "{" + string.Join(' ', fields.All.Select(static f => Print(f.Value, false))) + "}",
        _ => value.ToString() ?? "",
    };

    // ExposedPorts and Volumes: Go keeps them as maps of empty structs, and prints those so.
    private static bool IsSet(object? value) => value is JsonElement { ValueKind: JsonValueKind.Object } map
        && map.EnumerateObject().All(static p => p.Value.ValueKind == JsonValueKind.Object && !p.Value.EnumerateObject().Any());

    /// <summary>The value as JSON on one line, without escaping <c>&lt;</c> and its like.</summary>
    public static string Json(object? value)
    {
        using MemoryStream buffer = new();
        using (Utf8JsonWriter writer = new(buffer, new JsonWriterOptions
        {
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        }))
        {
            Write(writer, value);
        }
        string text = Encoding.UTF8.GetString(buffer.ToArray());
        // Rows of lists write themselves in Docker, and then Go's default holds, which is safe inside HTML.
        return value is not IFields ? text : text.Replace("<", "\\u003c", StringComparison.Ordinal)
            .Replace(">", "\\u003e", StringComparison.Ordinal).Replace("&", "\\u0026", StringComparison.Ordinal);
    }

    private static void Write(Utf8JsonWriter writer, object? value)
    {
        switch (value)
        {
            case null or GoMap { IsNil: true }:
                writer.WriteNullValue();
                break;
            case JsonElement element:
                element.WriteTo(writer);
                break;
            case string text:
                writer.WriteStringValue(text);
                break;
            case bool flag:
                writer.WriteBooleanValue(flag);
                break;
            case long number:
                writer.WriteNumberValue(number);
                break;
            case double real:
                writer.WriteNumberValue(real);
                break;
            case IReadOnlyList<object?> list:
                writer.WriteStartArray();
                foreach (object? item in list)
                    Write(writer, item);
                writer.WriteEndArray();
                break;
            case IFields fields:
                WriteMap(writer, fields.All);
                break;
            case IReadOnlyDictionary<string, object?> map:
                WriteMap(writer, map.OrderBy(static p => p.Key, StringComparer.Ordinal));
                break;
            default:
                writer.WriteStringValue(value.ToString());
                break;
        }
    }

    private static void WriteMap(Utf8JsonWriter writer, IEnumerable<KeyValuePair<string, object?>> pairs)
    {
        writer.WriteStartObject();
        foreach ((string key, object? item) in pairs)
        {
            writer.WritePropertyName(key);
            Write(writer, item);
        }
        writer.WriteEndObject();
    }

    private static string PrintDouble(double value) => value is >= 1e21 or <= -1e21
        ? value.ToString("0.################e+00", CultureInfo.InvariantCulture)
        : value.ToString("R", CultureInfo.InvariantCulture);
}
