namespace Berth.Registry.Operation.Configuration;

/// <summary>What a setting's value looks like.</summary>
public enum SettingKind
{
    /// <summary>A text.</summary>
    Text,

    /// <summary>True or false.</summary>
    Flag,

    /// <summary>Several texts.</summary>
    List,

    /// <summary>Several tables of keys and values: objects in the file, <c>KEY=VALUE,…</c> as flags.</summary>
    Tables,
}

/// <summary>One setting of a hub: a key of the configuration file and a flag of <c>serve</c> at once.</summary>
/// <param name="Key">The key; the flag is <c>--KEY</c>.</param>
/// <param name="Kind">What its value looks like.</param>
/// <param name="ValueName">What help calls the value.</param>
/// <param name="Help">One line.</param>
public sealed record HubSetting(string Key, SettingKind Kind, string ValueName, string Help);
