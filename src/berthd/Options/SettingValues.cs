namespace Berth.Daemon.Options;

/// <summary>Settings with their values as text: what was given, wherever it was given.</summary>
internal sealed class SettingValues
{
    private readonly Dictionary<Setting, IReadOnlyList<string>> _values = [];

    /// <summary>What was set.</summary>
    public IEnumerable<Setting> Given => _values.Keys;

    /// <summary>Sets one.</summary>
    public void Set(Setting setting, IReadOnlyList<string> values) => _values[setting] = values;

    /// <summary>True when it was set.</summary>
    public bool Has(Setting setting) => _values.ContainsKey(setting);

    /// <summary>All values; empty when it was not set.</summary>
    public IReadOnlyList<string> All(Setting setting) => _values.GetValueOrDefault(setting, []);

    /// <summary>The last value; null when it was not set.</summary>
    public string? Text(Setting setting) => All(setting) is { Count: > 0 } values ? values[^1] : null;

    /// <summary>Yes or no; null when it was not set.</summary>
    public bool? Flag(Setting setting) => Text(setting) is { } text ? text == "true" : null;

    /// <summary>Its values as they stand in messages.</summary>
    public string Show(Setting setting) =>
        setting.Kind is SettingKind.Text or SettingKind.Flag or SettingKind.Number
            ? Text(setting) ?? "" : $"[{string.Join(' ', All(setting)).Replace('\0', ' ')}]";
}
