namespace Berth.Daemon.Options;

/// <summary>Where things are when nobody says otherwise: the system's places for root, the user's own otherwise.</summary>
internal sealed record DefaultPaths(string DataRoot, string ExecRoot, string ConfigFile)
{
    /// <summary>The socket below the exec root.</summary>
    public string Socket => Path.Combine(ExecRoot, "berth.sock");

    /// <summary>For the user of this process.</summary>
    public static DefaultPaths ForThisUser()
    {
        if (Environment.IsPrivilegedProcess && Rootless.RootlessLaunch.Holder is null)
            return new DefaultPaths("/var/lib/berth", "/run/berth", "/etc/berth/daemon.json");
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return new DefaultPaths(
            Path.Combine(Xdg("XDG_DATA_HOME", Path.Combine(home, ".local/share")), "berth"),
            Path.Combine(Xdg("XDG_RUNTIME_DIR", Path.Combine(home, ".berth/run")), "berth"),
            Path.Combine(Xdg("XDG_CONFIG_HOME", Path.Combine(home, ".config")), "berth/daemon.json"));
    }

    private static string Xdg(string variable, string fallback) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value && value.StartsWith('/') ? value : fallback;
}
