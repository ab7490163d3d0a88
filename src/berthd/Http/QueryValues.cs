using System.Globalization;
using System.Text.Json;
using Berth.Engine;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Http;

/// <summary>The query of a request, read by this API's rules.</summary>
internal sealed class QueryValues(IQueryCollection query)
{
    // {"name":{"value":true}} and {"name":["value"]} are both three levels.
    private const int FilterDepthMax = 4;

    /// <summary>The first value of a name; empty when it is missing.</summary>
    public string Text(string name) => query.TryGetValue(name, out var values) && values.Count > 0 ? values[0] ?? "" : "";

    /// <summary>The first value of a name; null when it is missing or empty.</summary>
    public string? TextOrNull(string name) => Text(name) is { Length: > 0 } text ? text : null;

    /// <summary>All values of a name.</summary>
    public IReadOnlyList<string> All(string name) =>
        query.TryGetValue(name, out var values) ? [.. values.Where(value => value is not null)!] : [];

    /// <summary>True when the name is there at all.</summary>
    public bool Has(string name) => query.ContainsKey(name);

    /// <summary>Empty, 0, no, false and none are false, everything else is true.</summary>
    public bool Flag(string name) => Text(name).Trim().ToLowerInvariant() is not ("" or "0" or "no" or "false" or "none");

    /// <summary>As <see cref="Flag(string)"/>, with a value of its own where the name is missing.</summary>
    public bool Flag(string name, bool missing) => Has(name) ? Flag(name) : missing;

    /// <summary>A whole number; null when it is missing or empty.</summary>
    /// <exception cref="FaultException">InvalidArgument: it is no number.</exception>
    public long? Number(string name)
    {
        if (TextOrNull(name) is not { } text)
            return null;
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
            ? number
            : throw FaultException.Invalid($"invalid value for '{name}': strconv.ParseInt: parsing \"{text}\": invalid syntax");
    }

    /// <summary>As <see cref="Number"/>, within the range of 32 bits.</summary>
    public int? SmallNumber(string name) => Number(name) switch
    {
        null => null,
        > int.MaxValue or < int.MinValue => throw FaultException.Invalid($"invalid value for '{name}': out of range"),
        { } number => (int)number,
    };

    /// <summary>A moment: Unix seconds with an optional fraction, RFC 3339, or a duration before now; null when missing or 0.</summary>
    /// <exception cref="FaultException">InvalidArgument: it is none of those.</exception>
    public DateTimeOffset? Time(string name, TimeProvider clock) =>
        TextOrNull(name) is not { } text ? null
        : Timestamp.TryParse(text, clock.GetUtcNow(), out DateTimeOffset? time) ? time
        : throw FaultException.Invalid($"invalid value for '{name}': \"{text}\" is not a time");

    /// <summary>The restrictions in <c>filters</c>, in either of its two forms.</summary>
    /// <exception cref="FaultException">InvalidArgument: not JSON of that form, or a name that is not <paramref name="known"/>.
    /// </exception>
    public FilterSet Filters(params ReadOnlySpan<string> known)
    {
        if (TextOrNull("filters") is not { } text)
            return FilterSet.None;
        FilterSet filters = ParseFilters(text);
        filters.Allow(known);
        return filters;
    }

    /// <summary>A JSON object of strings in a parameter, such as <c>buildargs</c>; empty when missing or null.</summary>
    public Dictionary<string, string?> Map(string name) =>
        Json(name, Wire.ApiJson.Wire.StringMap) ?? [];

    /// <summary>A JSON list of strings in a parameter, such as <c>cachefrom</c>; empty when missing or null.</summary>
    public IReadOnlyList<string> List(string name) => Json(name, Wire.ApiJson.Wire.StringList) ?? [];

    /// <summary>JSON in a parameter; null when missing.</summary>
    /// <exception cref="FaultException">InvalidArgument: it is not that JSON.</exception>
    public T? Json<T>(string name, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) where T : class
    {
        if (TextOrNull(name) is not { } text)
            return null;
        try
        {
            return JsonSerializer.Deserialize(text, type);
        }
        catch (JsonException failure)
        {
            throw FaultException.Invalid($"error reading {name}: {JsonFault.Text(failure)}", failure);
        }
    }

    private static FilterSet ParseFilters(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = FilterDepthMax });
            if (document.RootElement.ValueKind is JsonValueKind.Null)
                return FilterSet.None;
            if (document.RootElement.ValueKind is not JsonValueKind.Object)
                throw new JsonException("an object of filters is expected, such as {\"name\":[\"web\"]}");
            return new FilterSet([.. document.RootElement.EnumerateObject().Select(
                filter => KeyValuePair.Create(filter.Name, FilterValues(filter.Value)))]);
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or ArgumentException)
        {
            throw FaultException.Invalid($"invalid filter: {failure.Message}", failure);
        }
    }

    private static IReadOnlyList<string> FilterValues(JsonElement values) => values.ValueKind switch
    {
        JsonValueKind.Array => [.. values.EnumerateArray().Select(static value => value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!,
            JsonValueKind.Null => "",
            _ => throw NoFilterValues(),
        })],
        JsonValueKind.Object => [.. values.EnumerateObject().Where(static value => value.Value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw NoFilterValues(),
        }).Select(static value => value.Name)],
        JsonValueKind.Null => [],
        _ => throw NoFilterValues(),
    };

    private static JsonException NoFilterValues() => new("a filter's values are a list of strings or an object of true and false");
}
