using Berth.Faults;
using Berth.RuntimeProgram.CommandLine;

namespace Berth.RuntimeProgram.Verbs;

/// <summary>Commands that callers may try and that are refused in words.</summary>
internal static class CheckpointVerbs
{
    // What both take, and what one of them does. They are read, so that whoever sends them gets the refusal and no riddle.
    private static readonly Option[] s_both =
    [
        Option.Value("image-path", "directory of the image"),
        Option.Value("work-path", "directory of logs"),
        Option.Flag("tcp-established", "with open connections"),
        Option.Flag("ext-unix-sk", "with sockets of others"),
        Option.Flag("shell-job", "with a terminal of the caller's"),
        Option.Flag("lazy-pages", "memory page by page"),
        Option.Flag("file-locks", "with locks of files"),
        Option.Value("manage-cgroups-mode", "soft, full or strict"),
        Option.Value("empty-ns", "a namespace without its properties"),
        Option.Flag("auto-dedup", "no page twice"),
    ];

    private static readonly Option[] s_checkpoint =
    [
        Option.Value("parent-path", "the image before, of a pre-dump"),
        Option.Flag("leave-running", "without an end"),
        Option.Value("status-fd", "descriptor that is told when pages can be had"),
        Option.Value("page-server", "ADDRESS:PORT that takes pages"),
        Option.Flag("pre-dump", "memory alone"),
    ];

    private static readonly Option[] s_restore =
    [
        Option.Value("console-socket", "socket that gets the terminal's other side"),
        Option.Value("bundle", "the bundle's directory", "b"),
        Option.Flag("detach", "do not wait for the end", "d"),
        Option.Value("pid-file", "file for the pid of the first process"),
        Option.Flag("no-subreaper", "do not become the parent of what is left behind"),
        Option.Flag("no-pivot", "change the root without pivot_root"),
        Option.Value("lsm-profile", "TYPE:NAME of a security module's profile"),
        Option.Value("lsm-mount-context", "of a security module's mounts"),
    ];

    /// <summary>The refusal as a command.</summary>
    public static Verb Of(string name) => new()
    {
        Name = name,
        Summary = "not supported",
        Options = [.. s_both, .. name == "restore" ? s_restore : s_checkpoint],
        Run = _ => throw new FaultException(FaultKind.NotSupported, $"{name} is not supported: containers cannot be written to files yet"),
    };
}
