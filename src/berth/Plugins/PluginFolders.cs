namespace Berth.Cli.Plugins;

/// <summary>Where plugins are looked for: the configuration's own folders, the user's, then the system's. The first of a name wins.
/// </summary>
internal static class PluginFolders
{
    private const string Prefix = "docker-";

    private static readonly string[] s_system =
    [
        "/usr/local/lib/docker/cli-plugins", "/usr/local/libexec/docker/cli-plugins", "/usr/lib/docker/cli-plugins",
        "/usr/libexec/docker/cli-plugins",
    ];

    /// <summary>The plugin of a name, or null.</summary>
    public static Plugin? Find(Session session, string name)
    {
        if (!IsName(name))
            return null;
        string? path = Folders(session).Select(folder => Path.Combine(folder, Prefix + name)).FirstOrDefault(IsProgram);
        return path is null ? null : new Plugin(name, path);
    }

    /// <summary>The plugin of a name, if it answers as one; else it is as if it were not there.</summary>
    public static async Task<Plugin?> FindAsync(Session session, string name, CancellationToken cancellationToken) =>
        Find(session, name) is { } plugin && (await plugin.ExamineAsync(cancellationToken)).Problem is null ? plugin : null;

    /// <summary>All programs that are named as plugins, by name; <see cref="Plugin.ExamineAsync"/> tells what they are.</summary>
    public static IReadOnlyList<Plugin> All(Session session)
    {
        SortedDictionary<string, Plugin> found = new(StringComparer.Ordinal);
        IEnumerable<string> programs =
            Folders(session).Where(Directory.Exists).SelectMany(static folder => Directory.GetFiles(folder, Prefix + "*"));
        foreach (string path in programs)
        {
            string name = Path.GetFileName(path)[Prefix.Length..];
            if (IsProgram(path))
                found.TryAdd(name, new Plugin(name, path));
        }
        return [.. found.Values];
    }

    private static IEnumerable<string> Folders(Session session) =>
        session.Config.Texts("cliPluginsExtraDirs").Append(Path.Combine(session.ConfigDirectory, "cli-plugins")).Concat(s_system);

    /// <summary>Whether a command may have this name.</summary>
    public static bool IsName(string name) => name.Length > 0 && char.IsAsciiLetterLower(name[0])
        && name.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c));

    private static bool IsProgram(string path) => File.Exists(path) && (File.GetUnixFileMode(path)
        & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != 0;
}
