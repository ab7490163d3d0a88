using System.Collections.Frozen;
using Berth.Faults;

namespace Berth.Engine;

/// <summary>What a list, a prune or an event stream is restricted to: names, each with the values of which one must match.</summary>
public sealed class FilterSet
{
    private readonly FrozenDictionary<string, IReadOnlyList<string>> _values;

    /// <summary>Takes over names and their values.</summary>
    public FilterSet(IEnumerable<KeyValuePair<string, IReadOnlyList<string>>> values) =>
        _values = values.Where(pair => pair.Value.Count > 0).ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>No restriction.</summary>
    public static FilterSet None { get; } = new([]);

    /// <summary>These and one value more.</summary>
    public FilterSet With(string name, string value) => new([
        .. _values.Where(pair => pair.Key != name),
        KeyValuePair.Create<string, IReadOnlyList<string>>(name, [.. this[name], value])]);

    /// <summary>True when nothing is restricted.</summary>
    public bool IsEmpty => _values.Count == 0;

    /// <summary>The names in use.</summary>
    public IEnumerable<string> Names => _values.Keys;

    /// <summary>The values of a name; empty when it is not restricted.</summary>
    public IReadOnlyList<string> this[string name] => _values.GetValueOrDefault(name, []);

    /// <summary>True when the name is restricted.</summary>
    public bool Has(string name) => _values.ContainsKey(name);

    /// <summary>True when the name is not restricted or one of its values is the one given.</summary>
    public bool Matches(string name, string? value) =>
        !_values.TryGetValue(name, out IReadOnlyList<string>? values) || values.Contains(value, StringComparer.Ordinal);

    /// <summary>The value of a name that says yes or no.</summary>
    /// <exception cref="FaultException">InvalidArgument: it says neither, or both.</exception>
    public bool? Flag(string name)
    {
        if (!_values.TryGetValue(name, out IReadOnlyList<string>? values))
            return null;
        bool yes = values.Any(value => value is "1" or "true" or "True" or "TRUE" or "t" or "T");
        bool no = values.Any(value => value is "0" or "false" or "False" or "FALSE" or "f" or "F");
        return yes != no ? yes : throw FaultException.Invalid($"invalid filter '{name}=[{string.Join(' ', values)}]'");
    }

    /// <summary>True when labels have every <c>label</c> asked for (<c>key</c> or <c>key=value</c>) and none of <c>label!</c>.
    /// </summary>
    public bool MatchesLabels(IReadOnlyDictionary<string, string>? labels) =>
        this["label"].All(wanted => HasLabel(labels, wanted)) && !this["label!"].Any(unwanted => HasLabel(labels, unwanted));

    /// <summary>Refuses names that are not among those known.</summary>
    /// <exception cref="FaultException">InvalidArgument: the name, as Docker's clients know it.</exception>
    public void Allow(params ReadOnlySpan<string> known)
    {
        foreach (string name in _values.Keys)
            if (!known.Contains(name))
                throw FaultException.Invalid($"invalid filter '{name}'");
    }

    private static bool HasLabel(IReadOnlyDictionary<string, string>? labels, string wanted)
    {
        int equals = wanted.IndexOf('=', StringComparison.Ordinal);
        string key = equals < 0 ? wanted : wanted[..equals];
        return labels is not null && labels.TryGetValue(key, out string? value) && (equals < 0 || value == wanted[(equals + 1)..]);
    }
}
