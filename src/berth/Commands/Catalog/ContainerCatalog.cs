using Berth.Cli.Parsing;

namespace Berth.Cli.Commands;

/// <summary>The commands of <c>berth container</c> and their options.</summary>
internal static class ContainerCatalog
{
    public static Command Attach() => new()
    {
        Usages = ["[OPTIONS] CONTAINER"],
        Description = "Attach local standard input, output, and error streams to a running container",
        Aliases = "berth container attach, berth attach",
        Arguments = Arguments.Exactly(1),
        RunAsync = AttachCommand.RunAsync,
        Flags =
        [
            new("detach-keys", "string", "Override the key sequence for detaching a container"),
            new("no-stdin", "bool", "Do not attach STDIN"),
            new("sig-proxy", "bool", "Proxy all received signals to the process", "true"),
        ],
    };

    public static Command Commit() => new()
    {
        Usages = ["[OPTIONS] CONTAINER [REPOSITORY[:TAG]]"],
        Description = "Create a new image from a container's changes",
        Aliases = "berth container commit, berth commit",
        Arguments = Arguments.Between(1, 2),
        RunAsync = CommitCommand.RunAsync,
        Flags =
        [
            new("author", 'a', "string", "Author (e.g., \"John Hannibal Smith <hannibal@a-team.com>\")"),
            new("change", 'c', "list", "Apply Dockerfile instruction to the created image"),
            new("message", 'm', "string", "Commit message"),
            new("pause", 'p', "bool", "Pause container during commit", "true"),
        ],
    };

    public static Command Cp() => new()
    {
        Usages = ["[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-", "[OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH"],
        Description =
            "Copy files/folders between a container and the local filesystem\n\nUse '-' as the source to "
            + "read a tar archive from stdin\nand extract it to a directory destination in a container.\nUse "
            + "'-' as the destination to stream a tar archive of a\ncontainer source to stdout.",
        Aliases = "berth container cp, berth cp",
        Arguments = Arguments.Exactly(2),
        RunAsync = CopyCommand.RunAsync,
        Flags =
        [
            new("archive", 'a', "bool", "Archive mode (copy all uid/gid information)"),
            new("follow-link", 'L', "bool", "Always follow symbol link in SRC_PATH"),
            new("quiet", 'q', "bool",
                "Suppress progress output during copy. Progress output is automatically suppressed if no "
                + "terminal is attached"),
        ],
    };

    public static Command Create() => new()
    {
        Usages = ["[OPTIONS] IMAGE [COMMAND] [ARG...]"],
        Description = "Create a new container",
        Aliases = "berth container create, berth create",
        Arguments = Arguments.AtLeast(1),
        IsInterspersed = false,
        RunAsync = CreateCommand.RunAsync,
        Flags =
        [
            .. RunFlags.Shared,
            new("pull", "string", "Pull image before creating (\"always\", \"|missing\", \"never\")", "missing"),
            new("quiet", 'q', "bool", "Suppress the pull output"),
        ],
    };

    public static Command Diff() => new()
    {
        Usages = ["CONTAINER"],
        Description = "Inspect changes to files or directories on a container's filesystem",
        Aliases = "berth container diff, berth diff",
        Arguments = Arguments.Exactly(1),
        RunAsync = ContainerReports.DiffAsync,
    };

    public static Command Exec() => new()
    {
        Usages = ["[OPTIONS] CONTAINER COMMAND [ARG...]"],
        Description = "Execute a command in a running container",
        Aliases = "berth container exec, berth exec",
        Arguments = Arguments.AtLeast(2),
        IsInterspersed = false,
        RunAsync = ExecCommand.RunAsync,
        Flags =
        [
            new("detach", 'd', "bool", "Detached mode: run command in the background"),
            new("detach-keys", "string", "Override the key sequence for detaching a container"),
            new("env", 'e', "list", "Set environment variables"),
            new("env-file", "list", "Read in a file of environment variables"),
            new("interactive", 'i', "bool", "Keep STDIN open even if not attached"),
            new("privileged", "bool", "Give extended privileges to the command"),
            new("tty", 't', "bool", "Allocate a pseudo-TTY"),
            new("user", 'u', "string", "Username or UID (format: \"<name|uid>[:<group|gid>]\")"),
            new("workdir", 'w', "string", "Working directory inside the container"),
        ],
    };

    public static Command Export() => new()
    {
        Usages = ["[OPTIONS] CONTAINER"],
        Description = "Export a container's filesystem as a tar archive",
        Aliases = "berth container export, berth export",
        Arguments = Arguments.Exactly(1),
        RunAsync = ExportCommand.RunAsync,
        Flags =
        [
            new("output", 'o', "string", "Write to a file, instead of STDOUT"),
        ],
    };

    public static Command Inspect() => new()
    {
        Usages = ["[OPTIONS] CONTAINER [CONTAINER...]"],
        Description = "Display detailed information on one or more containers",
        Arguments = Arguments.AtLeast(1),
        RunAsync = InspectCommand.ContainersAsync,
        Flags =
        [
            new("format", 'f', "string", FlagText.Format),
            new("size", 's', "bool", "Display total file sizes"),
        ],
    };

    public static Command Kill() => new()
    {
        Usages = ["[OPTIONS] CONTAINER [CONTAINER...]"],
        Description = "Kill one or more running containers",
        Aliases = "berth container kill, berth kill",
        Arguments = Arguments.AtLeast(1),
        RunAsync = ContainerVerbs.KillAsync,
        Flags =
        [
            new("signal", 's', "string", "Signal to send to the container"),
        ],
    };

    public static Command Logs() => new()
    {
        Usages = ["[OPTIONS] CONTAINER"],
        Description = "Fetch the logs of a container",
        Aliases = "berth container logs, berth logs",
        Arguments = Arguments.Exactly(1),
        RunAsync = LogsCommand.RunAsync,
        Flags =
        [
            new("details", "bool", "Show extra details provided to logs"),
            new("follow", 'f', "bool", "Follow log output"),
            new("since", "string",
                "Show logs since timestamp (e.g. \"2013-01-02T13:23:37Z\") or relative (e.g. \"42m\" for 42 "
                + "minutes)"),
            new("tail", 'n', "string", "Number of lines to show from the end of the logs", "all"),
            new("timestamps", 't', "bool", "Show timestamps"),
            new("until", "string",
                "Show logs before a timestamp (e.g. \"2013-01-02T13:23:37Z\") or relative (e.g. \"42m\" for 42 "
                + "minutes)"),
        ],
    };

    public static Command Ls() => new()
    {
        Usages = ["[OPTIONS]"],
        Description = "List containers",
        Aliases = "berth container ls, berth container list, berth container ps, berth ps",
        Arguments = Arguments.None,
        RunAsync = ContainerList.RunAsync,
        Flags =
        [
            new("all", 'a', "bool", "Show all containers (default shows just running)"),
            new("filter", 'f', "filter", "Filter output based on conditions provided"),
            new("format", "string", FlagText.TableFormat),
            new("last", 'n', "int", "Show n last created containers (includes all states)", "-1"),
            new("latest", 'l', "bool", "Show the latest created container (includes all states)"),
            new("no-trunc", "bool", "Don't truncate output"),
            new("quiet", 'q', "bool", "Only display container IDs"),
            new("size", 's', "bool", "Display total file sizes"),
        ],
    };

    public static Command Pause() => new()
    {
        Usages = ["CONTAINER [CONTAINER...]"],
        Description = "Pause all processes within one or more containers",
        Aliases = "berth container pause, berth pause",
        Arguments = Arguments.AtLeast(1),
        RunAsync = ContainerVerbs.PauseAsync,
    };

    public static Command Port() => new()
    {
        Usages = ["CONTAINER [PRIVATE_PORT[/PROTO]]"],
        Description = "List port mappings or a specific mapping for the container",
        Aliases = "berth container port, berth port",
        Arguments = Arguments.Between(1, 2),
        RunAsync = ContainerReports.PortAsync,
    };

    public static Command Prune() => new()
    {
        Usages = ["[OPTIONS]"],
        Description = "Remove all stopped containers",
        Arguments = Arguments.None,
        RunAsync = PruneCommands.ContainersAsync,
        Flags =
        [
            new("filter", "filter", "Provide filter values (e.g. \"until=<timestamp>\")"),
            new("force", 'f', "bool", "Do not prompt for confirmation"),
        ],
    };

    public static Command Rename() => new()
    {
        Usages = ["CONTAINER NEW_NAME"],
        Description = "Rename a container",
        Aliases = "berth container rename, berth rename",
        Arguments = Arguments.Exactly(2),
        RunAsync = ContainerVerbs.RenameAsync,
    };

    public static Command Restart() => new()
    {
        Usages = ["[OPTIONS] CONTAINER [CONTAINER...]"],
        Description = "Restart one or more containers",
        Aliases = "berth container restart, berth restart",
        Arguments = Arguments.AtLeast(1),
        RunAsync = ContainerVerbs.RestartAsync,
        Flags =
        [
            new("signal", 's', "string", "Signal to send to the container"),
            new("timeout", 't', "int", "Seconds to wait before killing the container") { HiddenNames = ["time"] },
        ],
    };

    public static Command Rm() => new()
    {
        Usages = ["[OPTIONS] CONTAINER [CONTAINER...]"],
        Description = "Remove one or more containers",
        Aliases = "berth container rm, berth container remove, berth rm",
        Arguments = Arguments.AtLeast(1),
        RunAsync = ContainerVerbs.RemoveAsync,
        Flags =
        [
            new("force", 'f', "bool", "Force the removal of a running container (uses SIGKILL)"),
            new("link", 'l', "bool", "Remove the specified link"),
            new("volumes", 'v', "bool", "Remove anonymous volumes associated with the container"),
        ],
    };

    public static Command Run() => new()
    {
        Usages = ["[OPTIONS] IMAGE [COMMAND] [ARG...]"],
        Description = "Create and run a new container from an image",
        Aliases = "berth container run, berth run",
        Arguments = Arguments.AtLeast(1),
        IsInterspersed = false,
        RunAsync = RunCommand.RunAsync,
        Flags =
        [
            .. RunFlags.Shared,
            new("detach", 'd', "bool", "Run container in background and print container ID"),
            new("detach-keys", "string", "Override the key sequence for detaching a container"),
            new("pull", "string", "Pull image before running (\"always\", \"missing\", \"never\")", "missing"),
            new("quiet", 'q', "bool", "Suppress the pull output"),
            new("sig-proxy", "bool", "Proxy received signals to the process", "true"),
        ],
    };

    public static Command Start() => new()
    {
        Usages = ["[OPTIONS] CONTAINER [CONTAINER...]"],
        Description = "Start one or more stopped containers",
        Aliases = "berth container start, berth start",
        Arguments = Arguments.AtLeast(1),
        RunAsync = StartCommand.RunAsync,
        Flags =
        [
            new("attach", 'a', "bool", "Attach STDOUT/STDERR and forward signals"),
            new("checkpoint", "string", "Restore from this checkpoint"),
            new("checkpoint-dir", "string", "Use a custom checkpoint storage directory"),
            new("detach-keys", "string", "Override the key sequence for detaching a container"),
            new("interactive", 'i', "bool", "Attach container's STDIN"),
        ],
    };

    public static Command Stats() => new()
    {
        Usages = ["[OPTIONS] [CONTAINER...]"],
        Description = "Display a live stream of container(s) resource usage statistics",
        Aliases = "berth container stats, berth stats",
        Arguments = Arguments.Any,
        RunAsync = StatsCommand.RunAsync,
        Flags =
        [
            new("all", 'a', "bool", "Show all containers (default shows just running)"),
            new("format", "string", FlagText.TableFormat),
            new("no-stream", "bool", "Disable streaming stats and only pull the first result"),
            new("no-trunc", "bool", "Do not truncate output"),
        ],
    };

    public static Command Stop() => new()
    {
        Usages = ["[OPTIONS] CONTAINER [CONTAINER...]"],
        Description = "Stop one or more running containers",
        Aliases = "berth container stop, berth stop",
        Arguments = Arguments.AtLeast(1),
        RunAsync = ContainerVerbs.StopAsync,
        Flags =
        [
            new("signal", 's', "string", "Signal to send to the container"),
            new("timeout", 't', "int", "Seconds to wait before killing the container") { HiddenNames = ["time"] },
        ],
    };

    public static Command Top() => new()
    {
        Usages = ["CONTAINER [ps OPTIONS]"],
        Description = "Display the running processes of a container",
        Aliases = "berth container top, berth top",
        Arguments = Arguments.AtLeast(1),
        IsInterspersed = false,
        RunAsync = ContainerReports.TopAsync,
    };

    public static Command Unpause() => new()
    {
        Usages = ["CONTAINER [CONTAINER...]"],
        Description = "Unpause all processes within one or more containers",
        Aliases = "berth container unpause, berth unpause",
        Arguments = Arguments.AtLeast(1),
        RunAsync = ContainerVerbs.UnpauseAsync,
    };

    public static Command Update() => new()
    {
        Usages = ["[OPTIONS] CONTAINER [CONTAINER...]"],
        Description = "Update configuration of one or more containers",
        Aliases = "berth container update, berth update",
        Arguments = Arguments.AtLeast(1),
        RunAsync = UpdateCommand.RunAsync,
        Flags =
        [
            new("blkio-weight", "uint16", "Block IO (relative weight), between 10 and 1000, or 0 to disable", "0"),
            new("cpu-period", "int", "Limit CPU CFS (Completely Fair Scheduler) period"),
            new("cpu-quota", "int", "Limit CPU CFS (Completely Fair Scheduler) quota"),
            new("cpu-rt-period", "int", "Limit the CPU real-time period in microseconds"),
            new("cpu-rt-runtime", "int", "Limit the CPU real-time runtime in microseconds"),
            new("cpu-shares", 'c', "int", "CPU shares (relative weight)"),
            new("cpus", "decimal", "Number of CPUs"),
            new("cpuset-cpus", "string", "CPUs in which to allow execution (0-3, 0,1)"),
            new("cpuset-mems", "string", "MEMs in which to allow execution (0-3, 0,1)"),
            new("memory", 'm', "bytes", "Memory limit"),
            new("memory-reservation", "bytes", "Memory soft limit"),
            new("memory-swap", "bytes", "Swap limit equal to memory plus swap: -1 to enable unlimited swap"),
            new("pids-limit", "int", "Tune container pids limit (set -1 for unlimited)"),
            new("restart", "string", "Restart policy to apply when a container exits"),
        ],
    };

    public static Command Wait() => new()
    {
        Usages = ["CONTAINER [CONTAINER...]"],
        Description = "Block until one or more containers stop, then print their exit codes",
        Aliases = "berth container wait, berth wait",
        Arguments = Arguments.AtLeast(1),
        RunAsync = ContainerVerbs.WaitAsync,
    };
}
