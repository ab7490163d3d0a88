using Berth.Linux.Processes;

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

    /// <summary>Without the cgroups that only the machine's root may make.</summary>
    public bool IsRootless { get; init; }

    /// <summary>Cgroups are made by systemd.</summary>
    public bool SystemdCgroup { get; init; }

    /// <summary>Reads them.</summary>
    /// <exception cref="UsageException">A value that is none of the option's.</exception>
    public static GlobalOptions From(Arguments arguments)
    {
        string? runtimeDirectory = RuntimeDirectory(UserNamespace.IsMachinesRoot, Environment.GetEnvironmentVariable);
        return new GlobalOptions
        {
            Root = Path.GetFullPath(arguments.Value("root") is { Length: > 0 } root ? root
                : Path.Join(string.IsNullOrEmpty(runtimeDirectory) ? "/run" : runtimeDirectory, "berth-runtime")),
            IsStrict = arguments.Has("strict"),
            IsRootless = IsAskedRootless(arguments.Value("rootless")) ?? !UserNamespace.IsMachinesRoot,
            SystemdCgroup = arguments.Has("systemd-cgroup"),
        };
    }
    /// <summary>Where an ordinary user's state goes: below <c>XDG_RUNTIME_DIR</c>. Null: where the machine's root keeps it.</summary>
    /// <remarks>Root of a user namespace may be either: with <c>USER=root</c> it is the root of a container with engines in it, whose
    /// variable may be left over from outside. runc decides the same way.</remarks>
    /// <param name="isMachinesRoot">The caller is the machine's root.</param>
    /// <param name="variable">The environment.</param>
    public static string? RuntimeDirectory(bool isMachinesRoot, Func<string, string?> variable) =>
        isMachinesRoot || (Environment.IsPrivilegedProcess && variable("USER") == "root") ? null : variable("XDG_RUNTIME_DIR");

    // Null: whoever calls decides. The words are those of runc.
    private static bool? IsAskedRootless(string? text) => text switch
    {
        null or "" or "auto" => null,
        "1" or "t" or "T" or "true" or "TRUE" or "True" => true,
        "0" or "f" or "F" or "false" or "FALSE" or "False" => false,
        _ => throw new UsageException($"invalid value \"{text}\" for flag -rootless: it is true, false or auto"),
    };
}
