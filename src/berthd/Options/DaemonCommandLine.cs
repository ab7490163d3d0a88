using System.CommandLine;

namespace Berth.Daemon.Options;

/// <summary>berthd's command line.</summary>
internal sealed class DaemonCommandLine
{
    private readonly Dictionary<Setting, Option> _options = [];

    public DaemonCommandLine()
    {
        Root = new RootCommand("A daemon that builds images and runs containers.");
        foreach (Option builtIn in Root.Options.Where(option => option is VersionOption).ToArray())
            Root.Options.Remove(builtIn);
        foreach (Setting setting in Settings.All.Where(setting => setting.Flag is not null))
        {
            Option option = Make(setting);
            _options[setting] = option;
            Root.Options.Add(option);
        }
        Version = new Option<bool>("--version", "-v") { Description = "Print version information and quit" };
        Root.Options.Add(Version);
    }

    /// <summary>The command.</summary>
    public RootCommand Root { get; }

    /// <summary>Print the version.</summary>
    public Option<bool> Version { get; }

    /// <summary>The settings that were given as flags.</summary>
    public SettingValues Read(ParseResult parsed)
    {
        var values = new SettingValues();
        foreach ((Setting setting, Option option) in _options)
        {
            if (parsed.GetResult(option) is not { Implicit: false })
                continue;
            values.Set(setting, option switch
            {
                Option<bool> flag => [parsed.GetValue(flag) ? "true" : "false"],
                Option<string[]> list => parsed.GetValue(list) ?? [],
                Option<string> text => [parsed.GetValue(text) ?? ""],
                _ => [],
            });
        }
        return values;
    }

    private static Option Make(Setting setting)
    {
        string[] aliases = setting.Short is { } letter ? [letter] : [];
        return setting.Kind switch
        {
            SettingKind.Flag => new Option<bool>(setting.FlagName, aliases) { Description = setting.Help },
            SettingKind.Text or SettingKind.Number => new Option<string>(setting.FlagName, aliases) { Description = setting.Help },
            _ => new Option<string[]>(setting.FlagName, aliases) { Description = setting.Help },
        };
    }
}
