using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Berth.Cli.Templates;

/// <summary>A map with keys of the user's choice, as Docker's types have it: whoever asks for a key that is not there gets the zero of
/// its values from <c>index</c>, and nothing, without a failure, from a field.</summary>
/// <param name="json">The map; null or undefined is an empty one.</param>
/// <param name="zero">What <c>index</c> gives for a key that is not there.</param>
/// <param name="keyType">The type of its keys, where that is not a string: a template has no value of such a type.</param>
internal sealed class GoMap(JsonElement json, object? zero, string? keyType = null) : IReadOnlyDictionary<string, object?>
{
    /// <summary>The map as the engine gave it.</summary>
    public JsonElement Json => json;

    public bool IsNil => json.ValueKind != JsonValueKind.Object;

    public string? KeyType => keyType;

    /// <summary>What <c>index</c> gives.</summary>
    /// <exception cref="TemplateException">Its keys are not text.</exception>
    public object? Index(string key) => keyType is not null
        ? throw new TemplateException($"error calling index: value has type string; should be {keyType}")
        : TryGetValue(key, out object? value) ? value : zero;

    public int Count => IsNil ? 0 : json.EnumerateObject().Count();

    public IEnumerable<string> Keys => this.Select(static p => p.Key);

    public IEnumerable<object?> Values => this.Select(static p => p.Value);

    public object? this[string key] => TryGetValue(key, out object? value) ? value : throw new KeyNotFoundException(key);

    public bool ContainsKey(string key) => TryGetValue(key, out _);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out object? value)
    {
        JsonElement found = default;
        bool exists = !IsNil && json.TryGetProperty(key, out found);
        value = exists ? Value.Of(found) : null;
        return exists;
    }

    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator()
    {
        if (IsNil)
            yield break;
        foreach (JsonProperty property in json.EnumerateObject())
            yield return new(property.Name, Value.Of(property.Value));
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
