namespace Berth.Daemon.Options;

/// <summary>How a setting's value is written.</summary>
internal enum SettingKind
{
    /// <summary>One text.</summary>
    Text,

    /// <summary>Yes or no.</summary>
    Flag,

    /// <summary>A whole number.</summary>
    Number,

    /// <summary>Several texts: the flag repeated, a list in the file.</summary>
    List,

    /// <summary>Names with values: the flag repeated as <c>name=value</c>, an object in the file.</summary>
    Map,

    /// <summary>Options of networks by driver: <c>driver=name=value</c> repeated, an object of objects of strings in the file.</summary>
    NetworkOptions,

    /// <summary>Ulimits: <c>name=soft:hard</c> repeated, objects with Name, Soft and Hard in the file.</summary>
    Ulimits,

    /// <summary>Names that are on or off: an object of true and false in the file.</summary>
    Switches,

    /// <summary>Runtimes: <c>name=path</c> repeated, an object of objects with path and runtimeArgs in the file.</summary>
    Runtimes,

    /// <summary>Address pools: <c>base=…,size=…</c> repeated, a list of objects in the file.</summary>
    Pools,
}

/// <summary>One thing that can be set, by a flag or in the configuration file: its only definition.</summary>
/// <param name="Key">Its name in the file; null: only a flag.</param>
/// <param name="Flag">Its flag without dashes; null: only in the file.</param>
/// <param name="Kind">How its value is written.</param>
/// <param name="Help">A sentence for <c>--help</c>.</param>
internal sealed record Setting(string? Key, string? Flag, SettingKind Kind, string Help)
{
    /// <summary>The flag's one-letter form, with its dash.</summary>
    public string? Short { get; init; }

    /// <summary>What it is called in messages.</summary>
    public string Name => Key ?? Flag!;

    /// <summary>Its flag with dashes.</summary>
    public string FlagName => "--" + Flag;
}
