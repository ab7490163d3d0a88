using System.Globalization;
using System.Text;
using System.Text.Json;
using Berth.Cli.Text;

namespace Berth.Cli.Templates;

/// <summary>The functions of Docker's templates: Go's own and json, join, split, upper, lower, title, pad, truncate, table.</summary>
/// <param name="isHeader">True while the header line is made, where values are already their headings.</param>
/// <param name="optionalFields">Fields that the engine leaves out when they are empty.</param>
/// <param name="zeroOf">What such a field is, where that is known of its name; null: nothing at all.</param>
/// <param name="mapOf">The field of an object that is a map with the user's keys; null: it is none.</param>
/// <param name="isUntyped">True where the values are JSON in Go's eyes, too, which has no types of its own.</param>
/// <param name="printsField">The text of a field by its name, where that is another than its JSON's.</param>
internal sealed class Functions(
    bool isHeader = false, string[]? optionalFields = null, Func<string, object?, string?>? printsField = null,
    Func<string, object?>? zeroOf = null, Func<JsonElement, string, GoMap?>? mapOf = null,
    bool isUntyped = false)
{
    private static readonly string[] s_names =
    [
        "and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "index", "slice", "len", "print", "printf", "println", "html", "js",
        "urlquery", "json", "split", "join", "title", "lower", "upper", "pad", "truncate", "table",
    ];

    public static bool IsKnown(string name) => Array.IndexOf(s_names, name) >= 0;

    public bool MissingIsNull(string name) => optionalFields is not null && Array.IndexOf(optionalFields, name) >= 0;

    /// <summary>What a field is that is not there; null: nothing is known of its name.</summary>
    public object? Zero(string name) => zeroOf?.Invoke(name);

    public bool IsUntyped => isUntyped;

    /// <summary>The map that a field is; null: it is none.</summary>
    public GoMap? Map(JsonElement owner, string name) => mapOf?.Invoke(owner, name);

    /// <summary>How a field prints, as far as its name decides; null for the usual.</summary>
    public string? PrintField(string name, object? value) => printsField?.Invoke(name, value);

    /// <exception cref="TemplateException">Wrong number or kind of arguments; only the reason, the caller adds the place.</exception>
    public object? Call(string name, List<object?> a)
    {
        switch (name)
        {
            case "json":
                Require(name, a, 1);
                return isHeader ? a[0] : Value.Json(a[0]);
            case "upper" or "lower" or "title" when isHeader:
                return Text(name, a, 1, 0);
            case "upper":
                return Text(name, a, 1, 0).ToUpperInvariant();
            case "lower":
                return Text(name, a, 1, 0).ToLowerInvariant();
            case "title":
                return Title(Text(name, a, 1, 0));
            case "split":
                Require(name, a, 2);
                return isHeader ? a[0] : Split(Text(name, a, 2, 0), Text(name, a, 2, 1));
            case "join":
                Require(name, a, 2);
                return isHeader ? a[0] : Join(a);
            case "pad":
                Require(name, a, 3);
                string padded = Text(name, a, 3, 0);
                return padded.Length == 0 ? "" : new string(' ', Clamp(a[1])) + padded + new string(' ', Clamp(a[2]));
            case "truncate":
                Require(name, a, 2);
                string whole = Text(name, a, 2, 0);
                if (isHeader)
                    return whole;
                return whole.Length > Clamp(a[1]) ? whole[..Clamp(a[1])] : whole;
            case "table":
                throw new TemplateException("table is written in front of the template: table {{.ID}}");
            case "len":
                Require(name, a, 1);
                return (long)(Value.Length(a[0]) ?? throw new TemplateException($"error calling len: len of type {Kind(a[0])}"));
            case "index":
                return Index(a);
            case "slice":
                return Slice(a);
            default:
                return Go(name, a);
        }
    }

    private static object? Go(string name, List<object?> a)
    {
        switch (name)
        {
            case "not":
                Require(name, a, 1);
                return !Value.IsTrue(a[0]);
            case "eq":
                AtLeast(name, a, 2);
                return a.Skip(1).Any(other => Compare(name, a[0], other) == 0);
            case "ne":
                Require(name, a, 2);
                return Compare(name, a[0], a[1]) != 0;
            case "lt":
                Require(name, a, 2);
                return Compare(name, a[0], a[1]) < 0;
            case "le":
                Require(name, a, 2);
                return Compare(name, a[0], a[1]) <= 0;
            case "gt":
                Require(name, a, 2);
                return Compare(name, a[0], a[1]) > 0;
            case "ge":
                Require(name, a, 2);
                return Compare(name, a[0], a[1]) >= 0;
            case "print":
                return Print(a);
            case "println":
                return string.Join(' ', a.Select(static v => Value.Print(v, false))) + "\n";
            case "printf":
                AtLeast(name, a, 1);
                return Printf.Format(Value.Print(a[0], false), a.Skip(1).ToList());
            case "html":
                return System.Net.WebUtility.HtmlEncode(Print(a)).Replace("&quot;", "&#34;", StringComparison.Ordinal);
            case "urlquery":
                return Uri.EscapeDataString(Print(a)).Replace("%20", "+", StringComparison.Ordinal);
            default:
                string quoted = JsonEncodedText.Encode(Print(a)).ToString();
                return quoted;
        }
    }

    // Go puts a blank between two operands when neither is a string.
    private static string Print(List<object?> a)
    {
        StringBuilder output = new();
        for (int i = 0; i < a.Count; i++)
        {
            if (i > 0 && a[i] is not string && a[i - 1] is not string)
                output.Append(' ');
            output.Append(Value.Print(a[i], false));
        }
        return output.ToString();
    }

    private static List<object?> Split(string text, string separator) => separator.Length == 0
        ? text.EnumerateRunes().Select(static r => (object?)r.ToString()).ToList()
        : text.Split(separator).Select(static s => (object?)s).ToList();

    private static string Join(List<object?> a) => string.Join(
        Value.Print(a[1], false),
        (Value.Items(a[0]) ?? throw new TemplateException($"wrong type for value; expected []string; got {Kind(a[0])}"))
            .Select(static i => Value.Print(i.Item, false)));

    private static object? Index(List<object?> a)
    {
        AtLeast("index", a, 1);
        object? value = a[0];
        foreach (object? key in a.Skip(1))
        {
            value = value switch
            {
                null => throw new TemplateException("error calling index: index of untyped nil"),
                JsonElement { ValueKind: JsonValueKind.Object } e =>
                    e.TryGetProperty(Value.Print(key, false), out JsonElement found) ? Value.Of(found) : null,
                JsonElement { ValueKind: JsonValueKind.Array } e => Value.Of(e[At(key, e.GetArrayLength())]),
                GoMap map => map.Index(Value.Print(key, false)),
                IReadOnlyList<object?> list => list[At(key, list.Count)],
                IReadOnlyDictionary<string, object?> map => map.GetValueOrDefault(Value.Print(key, false)),
                string s => (long)Encoding.UTF8.GetBytes(s)[At(key, Encoding.UTF8.GetByteCount(s))],
                _ => throw new TemplateException($"error calling index: can't index item of type {Kind(value)}"),
            };
        }
        return value;
    }

    private static int At(object? key, int count) => key is not long index
        ? throw new TemplateException($"error calling index: cannot index slice/array with type {Kind(key)}")
        : index >= 0 && index < count ? (int)index
        : throw new TemplateException($"error calling index: index out of range: {index}");

    private static object? Slice(List<object?> a)
    {
        AtLeast("slice", a, 1);
        int length = Value.Length(a[0]) ?? throw new TemplateException($"error calling slice: can't slice item of type {Kind(a[0])}");
        long from = a.Count > 1 && a[1] is long f ? f : 0;
        long to = a.Count > 2 && a[2] is long t ? t : length;
        if (from < 0 || to > length || from > to)
            throw new TemplateException($"error calling slice: index out of range: {(to > length ? to : from)}");
        return a[0] is string s
            ? Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(s).AsSpan((int)from, (int)(to - from)))
            : Value.Items(a[0])!.Select(static i => i.Item).Skip((int)from).Take((int)(to - from)).ToList();
    }

    private static int Compare(string name, object? left, object? right)
    {
        if (left is long or double && right is long or double)
        {
            return left is long a && right is long b ? a.CompareTo(b)
                : Convert.ToDouble(left, CultureInfo.InvariantCulture).CompareTo(Convert.ToDouble(right, CultureInfo.InvariantCulture));
        }
        if (left is string x && right is string y)
            return string.CompareOrdinal(x, y);
        if (name is "eq" or "ne" && (left is null || right is null))
            return left is null && right is null ? 0 : 1;
        if (left is bool p && right is bool q && name is "eq" or "ne")
            return (bool?)left == (bool?)right ? 0 : 1;
        throw new TemplateException($"error calling {name}: incompatible types for comparison");
    }

    private static string Title(string text)
    {
        StringBuilder output = new(text);
        for (int i = 0; i < output.Length; i++)
        {
            if (i == 0 || !(char.IsLetterOrDigit(output[i - 1]) || output[i - 1] is '_' or '\''))
                output[i] = char.ToUpperInvariant(output[i]);
        }
        return output.ToString();
    }

    private static string Text(string name, List<object?> a, int count, int at)
    {
        Require(name, a, count);
        return a[at] as string ?? throw new TemplateException($"wrong type for value; expected string; got {Kind(a[at])}");
    }

    private static int Clamp(object? value) => value is long n ? (int)Math.Clamp(n, 0, 4096) : 0;

    private static void Require(string name, List<object?> a, int count)
    {
        if (a.Count != count)
            throw new TemplateException($"wrong number of args for {name}: want {count} got {a.Count}");
    }

    private static void AtLeast(string name, List<object?> a, int count)
    {
        if (a.Count < count)
            throw new TemplateException($"wrong number of args for {name}: want at least {count} got {a.Count}");
    }

    private static string Kind(object? value) => value switch
    {
        null => "nil",
        string => "string",
        bool => "bool",
        long => "int64",
        double => "float64",
        JsonElement { ValueKind: JsonValueKind.Array } or IReadOnlyList<object?> => "[]interface {}",
        _ => "map[string]interface {}",
    };
}
