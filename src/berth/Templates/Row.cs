namespace Berth.Cli.Templates;

/// <summary>One object of a list, with the fields that its command offers; each is computed when it is asked for.</summary>
internal sealed class Row(string typeName, params (string Name, Func<object?> Get)[] fields) : IFields
{
    public string TypeName => typeName;

    /// <summary>Labels for <c>.Label "key"</c>; null if the list has none.</summary>
    public Func<string, string>? Label { get; init; }

    public IEnumerable<KeyValuePair<string, object?>> All => fields.OrderBy(static f => f.Name, StringComparer.Ordinal)
        .Select(static f => new KeyValuePair<string, object?>(f.Name, f.Get()));

    public bool TryGet(string name, out object? value)
    {
        int index = Array.FindIndex(fields, f => f.Name == name);
        value = index < 0 ? null : fields[index].Get();
        return index >= 0;
    }

    public bool TryCall(string name, IReadOnlyList<object?> arguments, out object? value)
    {
        value = null;
        if (Label is null || name != "Label" || arguments is not [string key])
            return false;
        value = Label(key);
        return true;
    }
}
