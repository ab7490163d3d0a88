namespace Berth.RuntimeProgram.CommandLine;

/// <summary>What stands before the command.</summary>
internal sealed record GlobalOptions
{
    /// <summary>The options themselves.</summary>
    public static IReadOnlyList<Option> Options { get; } =
    [
        Option.Flag("debug", "write what is done to the log"),
        Option.Value("log", "the log file (default: standard error)"),
        Option.Value("log-format", "of the log: text or json"),
        Option.Value("root", "directory of the containers' state (default: /run/berth-runtime, or below XDG_RUNTIME_DIR)"),
        Option.Value("criu", "the program for checkpoint and restore, which are refused"),
        Option.Flag("systemd-cgroup", "cgroups are units of systemd: cgroupsPath is slice:prefix:name"),
        Option.Flag("strict", "what would be clamped or left out with a warning is an error"),
        Option.Value("rootless", "true, false or auto (default: auto): whether to do without what only root may"),
        Option.Flag("help", "show help", "h"),
        Option.Flag("version", "show the version", "v"),
    ];

    /// <summary>Where containers' state is kept.</summary>
    public required string Root { get; init; }

    /// <summary>Nothing is clamped.</summary>
    public bool IsStrict { get; init; }

    /// <summary>Cgroups are made by systemd.</summary>
    public bool SystemdCgroup { get; init; }

    /// <summary>Reads them.</summary>
    /// <exception cref="UsageException">A value that is none of the option's.</exception>
    public static GlobalOptions From(Arguments arguments)
    {
        string rootless = arguments.Value("rootless") ?? "auto";
        if (rootless is not ("auto" or "true" or "false"))
            throw new UsageException($"invalid value \"{rootless}\" for flag -rootless: it is true, false or auto");
        if (rootless == "false" && !Environment.IsPrivilegedProcess)
            throw new UsageException("--rootless=false needs root");
        string? runtimeDirectory = Environment.IsPrivilegedProcess ? null : Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR");
        return new GlobalOptions
        {
            Root = Path.GetFullPath(arguments.Value("root") is { Length: > 0 } root ? root
                : Path.Join(string.IsNullOrEmpty(runtimeDirectory) ? "/run" : runtimeDirectory, "berth-runtime")),
            IsStrict = arguments.Has("strict"),
            SystemdCgroup = arguments.Has("systemd-cgroup"),
        };
    }
}
