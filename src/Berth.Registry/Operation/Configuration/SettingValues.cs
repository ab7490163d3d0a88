namespace Berth.Registry.Operation.Configuration;

/// <summary>What was set, by setting: in a file, by flags, or by both together.</summary>
public sealed class SettingValues
{
    private readonly Dictionary<string, IReadOnlyList<string>> _values = new(StringComparer.Ordinal);

    /// <summary>Sets one.</summary>
    public void Set(HubSetting setting, IReadOnlyList<string> values) => _values[setting.Key] = values;

    /// <summary>The text of one; null when it is not set.</summary>
    public string? Text(HubSetting setting) => _values.TryGetValue(setting.Key, out IReadOnlyList<string>? values) ? values[^1] : null;

    /// <summary>The texts of one; null when it is not set.</summary>
    public IReadOnlyList<string>? List(HubSetting setting) => _values.GetValueOrDefault(setting.Key);

    /// <summary>Whether one is set to true.</summary>
    public bool Flag(HubSetting setting) => Text(setting) == "true";

    /// <summary>These, and those of <paramref name="weaker"/> that are not set here.</summary>
    public SettingValues Over(SettingValues weaker)
    {
        var merged = new SettingValues();
        foreach ((string key, IReadOnlyList<string> values) in weaker._values.Concat(_values))
            merged._values[key] = values;
        return merged;
    }
}
