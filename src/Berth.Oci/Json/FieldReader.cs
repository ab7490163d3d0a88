using System.Text;
using System.Text.Json;
using Berth.Faults;

namespace Berth.Oci.Json;

/// <summary>Reads a JSON document field by field, into types that know their own fields.</summary>
/// <remarks>
/// For documents that a program reads at its start: to describe the runtime configuration's forty types to the serializer takes a fifth of
/// the time in which a container is created (docs/performance.md). Unknown fields are skipped; of a field that comes twice the last
/// counts; names are compared exactly. What is wrong is told with the path to it.
/// </remarks>
public ref struct FieldReader
{
    private readonly ReadOnlySpan<byte> _document;
    private Utf8JsonReader _json;

    private FieldReader(ReadOnlySpan<byte> document)
    {
        _document = document;
        _json = new Utf8JsonReader(document, new JsonReaderOptions { MaxDepth = OciJson.DepthMax });
    }

    /// <summary>Makes a value of the object whose fields come next.</summary>
    public delegate T Make<T>(scoped ref FieldReader json);

    /// <summary>Reads a document that is one object.</summary>
    /// <param name="document">UTF-8.</param>
    /// <param name="make">Reads its fields.</param>
    /// <param name="what">What it is, for messages.</param>
    /// <exception cref="FaultException">InvalidArgument: too large, not JSON, or of wrong types.</exception>
    public static T Read<T>(ReadOnlySpan<byte> document, Make<T> make, string what)
        where T : class
    {
        if (document.Length > OciJson.DocumentBytesMax)
            throw FaultException.Invalid($"read {what}: {document.Length} bytes is more than the limit of {OciJson.DocumentBytesMax}");
        FieldReader reader = new(document);
        try
        {
            T value = reader.Item(make) ?? throw FaultException.Invalid($"read {what}: the document is null");
            reader._json.Read(); // Nothing may follow.
            return value;
        }
        catch (JsonException exception)
        {
            // The framework's own text may have been left out of the program to make it smaller.
            string why = exception.LineNumber is { } line
                ? $"it is no JSON at line {line + 1}, byte {exception.BytePositionInLine + 1}" : exception.Message;
            throw FaultException.Invalid($"read {what}: {why}", exception);
        }
        catch (InvalidOperationException exception)
        {
            // What the framework's reader says of bytes that are no UTF-8, and of half a surrogate pair, when the text is taken.
            throw FaultException.Invalid($"read {what}: a text in it is no valid UTF-8", exception);
        }
    }

    /// <summary>Goes to the next field of the object; false at its end.</summary>
    public bool Next()
    {
        _json.Read();
        return _json.TokenType == JsonTokenType.PropertyName;
    }

    /// <summary>Whether the field has this name.</summary>
    public readonly bool Is(ReadOnlySpan<byte> name) => _json.ValueTextEquals(name);

    /// <summary>Skips the field's value.</summary>
    public void Skip() => _json.Skip();

    /// <summary>The field's text; null for null.</summary>
    public string? Text()
    {
        _json.Read();
        return _json.TokenType switch
        {
            JsonTokenType.String => _json.GetString(),
            JsonTokenType.Null => null,
            _ => throw Wrong("a text"),
        };
    }

    /// <summary>The field's truth value; null for null.</summary>
    public bool? Flag()
    {
        _json.Read();
        return _json.TokenType switch
        {
            JsonTokenType.True => true,
            JsonTokenType.False => false,
            JsonTokenType.Null => null,
            _ => throw Wrong("true or false"),
        };
    }

    /// <summary>The field's number; null for null.</summary>
    public long? Signed(long least = long.MinValue, long most = long.MaxValue)
    {
        _json.Read();
        if (_json.TokenType == JsonTokenType.Null)
            return null;
        return _json.TokenType == JsonTokenType.Number && _json.TryGetInt64(out long number) && number >= least && number <= most
            ? number : throw Wrong($"a whole number from {least} to {most}");
    }

    /// <summary>The field's number; null for null.</summary>
    public ulong? Unsigned(ulong most = ulong.MaxValue)
    {
        _json.Read();
        if (_json.TokenType == JsonTokenType.Null)
            return null;
        return _json.TokenType == JsonTokenType.Number && _json.TryGetUInt64(out ulong number) && number <= most
            ? number : throw Wrong($"a whole number from 0 to {most}");
    }

    /// <summary>The field's moment (RFC 3339); null for null.</summary>
    public DateTimeOffset? Time()
    {
        _json.Read();
        if (_json.TokenType == JsonTokenType.Null)
            return null;
        return _json.TokenType == JsonTokenType.String && _json.TryGetDateTimeOffset(out DateTimeOffset time)
            ? time : throw Wrong("a time");
    }

    /// <summary>The field's number; null for null.</summary>
    public int? Int32() => (int?)Signed(int.MinValue, int.MaxValue);

    /// <summary>The field's number; null for null.</summary>
    public uint? UInt32() => (uint?)Unsigned(uint.MaxValue);

    /// <summary>The field's number; null for null.</summary>
    public ushort? UInt16() => (ushort?)Unsigned(ushort.MaxValue);

    /// <summary>A value that may not be null.</summary>
    public readonly T Present<T>(T? value)
        where T : struct => value ?? throw Wrong("a value");

    /// <summary>The field's object; null for null.</summary>
    public T? Item<T>(Make<T> make)
        where T : class
    {
        _json.Read();
        return _json.TokenType switch
        {
            JsonTokenType.StartObject => make(ref this),
            JsonTokenType.Null => null,
            _ => throw Wrong("an object"),
        };
    }

    /// <summary>The field's list of objects; null for null.</summary>
    public List<T>? Items<T>(Make<T> make)
        where T : class
    {
        if (!Begins(JsonTokenType.StartArray, "a list"))
            return null;
        List<T> items = [];
        while (_json.Read() && _json.TokenType != JsonTokenType.EndArray)
            items.Add(_json.TokenType == JsonTokenType.StartObject ? make(ref this) : throw WrongEntry("an object"));
        return items;
    }

    /// <summary>The field's list of texts; null for null.</summary>
    public List<string>? Texts()
    {
        if (!Begins(JsonTokenType.StartArray, "a list"))
            return null;
        List<string> items = [];
        while (_json.Read() && _json.TokenType != JsonTokenType.EndArray)
            items.Add(_json.TokenType == JsonTokenType.String ? _json.GetString()! : throw WrongEntry("a text"));
        return items;
    }

    /// <summary>The field's list of numbers; null for null.</summary>
    public List<uint>? Numbers()
    {
        if (!Begins(JsonTokenType.StartArray, "a list"))
            return null;
        List<uint> items = [];
        while (_json.Read() && _json.TokenType != JsonTokenType.EndArray)
            items.Add(_json.TokenType == JsonTokenType.Number && _json.TryGetUInt32(out uint number)
                ? number : throw WrongEntry($"a whole number from 0 to {uint.MaxValue}"));
        return items;
    }

    /// <summary>The field's object of texts by name; null for null.</summary>
    public Dictionary<string, string>? Map()
    {
        if (!Begins(JsonTokenType.StartObject, "an object"))
            return null;
        Dictionary<string, string> map = [];
        while (Next())
        {
            string name = _json.GetString()!;
            map[name] = Text() ?? throw WrongEntry("a text");
        }
        return map;
    }

    /// <summary>The field's object of objects by name; null for null.</summary>
    public Dictionary<string, T>? Map<T>(Make<T> make)
        where T : class
    {
        if (!Begins(JsonTokenType.StartObject, "an object"))
            return null;
        Dictionary<string, T> map = [];
        while (Next())
        {
            string name = _json.GetString()!;
            map[name] = Item(make) ?? throw WrongEntry("an object");
        }
        return map;
    }

    private bool Begins(JsonTokenType token, string kind)
    {
        _json.Read();
        if (_json.TokenType == JsonTokenType.Null)
            return false;
        return _json.TokenType == token ? true : throw Wrong(kind);
    }

    private readonly JsonException WrongEntry(string wanted) => _json.TokenType == JsonTokenType.Null
        ? new JsonException($"{Path()}: a list or map in it has an entry that is null") : Wrong(wanted);

    private readonly JsonException Wrong(string wanted)
    {
        string found = _json.TokenType switch
        {
            JsonTokenType.String => "a text",
            JsonTokenType.Number => Encoding.UTF8.GetString(_json.ValueSpan[..Math.Min(_json.ValueSpan.Length, 40)]),
            JsonTokenType.True or JsonTokenType.False => "true or false",
            JsonTokenType.Null => "null",
            JsonTokenType.StartArray => "a list",
            _ => "an object",
        };
        return new JsonException($"{Path()}: {wanted} is expected, not {found}");
    }

    // Found when it is needed: the document is read once more up to where it went wrong.
    private readonly string Path()
    {
        Utf8JsonReader json = new(_document, new JsonReaderOptions { MaxDepth = OciJson.DepthMax });
        List<(string Name, int Index)> steps = [];
        while (json.Read() && json.TokenStartIndex <= _json.TokenStartIndex)
        {
            if (json.TokenType is JsonTokenType.EndArray or JsonTokenType.EndObject)
            {
                steps.RemoveAt(steps.Count - 1);
                continue;
            }
            if (steps.Count > 0 && steps[^1].Index >= -1)
                steps[^1] = ("", steps[^1].Index + 1);
            if (json.TokenType == JsonTokenType.PropertyName)
                steps[^1] = (json.GetString()!, int.MinValue);
            else if (json.TokenStartIndex < _json.TokenStartIndex
                && json.TokenType is JsonTokenType.StartArray or JsonTokenType.StartObject)
                steps.Add(json.TokenType == JsonTokenType.StartArray ? ("", -1) : ("", int.MinValue));
        }
        StringBuilder path = new();
        foreach ((string name, int index) in steps)
            path.Append(index >= 0 ? $"[{index}]" : name.Length == 0 ? "" : path.Length > 0 ? "." + name : name);
        return path.Length > 0 ? path.ToString() : "the document";
    }
}
