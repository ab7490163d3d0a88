using System.Globalization;
using Berth.Faults;
using Berth.Linux;
using Berth.Oci.Json;
using Berth.Oci.Runtime;
using Berth.Runtime.Bundles;
using Berth.RuntimeProgram.CommandLine;

namespace Berth.RuntimeProgram.Verbs;

/// <summary><c>exec</c>.</summary>
internal static class ExecVerb
{
    // What runc answers when the process could not be run at all.
    private const int FailedCode = 255;

    /// <summary>The command.</summary>
    public static Verb Definition => new()
    {
        Name = "exec",
        Usage = "<container-id> <command> [arguments]  or  -p process.json <container-id>",
        Summary = "runs a further process in a container",
        Options =
        [
            Option.Value("console-socket", "socket that gets the terminal's other side"),
            Option.Value("cwd", "working directory inside"),
            Option.Value("env", "a variable, NAME=value; may be repeated", "e"),
            Option.Flag("tty", "a pseudo-terminal", "t"),
            Option.Value("user", "uid[:gid]", "u"),
            Option.Value("additional-gids", "a further group; may be repeated", "g"),
            Option.Value("process", "file with the process as JSON", "p"),
            Option.Flag("detach", "do not wait for the end", "d"),
            Option.Value("pidfd-socket", "socket that gets a handle of the process, a pidfd"),
            Option.Value("pid-file", "file for the pid"),
            Option.Value("process-label", "the SELinux label"),
            Option.Value("apparmor", "the AppArmor profile"),
            Option.Flag("no-new-privs", "forbid gaining privileges by execve"),
            Option.Value("cap", "a further capability; may be repeated", "c"),
            Option.Value("preserve-fds", "pass that many further descriptors, from 3 on"),
            Option.Value("cgroup", "a group below the container's that it goes to, PATH or CONTROLLER[,...]:PATH; may be repeated"),
            Option.Flag("ignore-paused", "also in a paused container"),
            Option.Flag("no-subreaper", "do not become the parent of what the process leaves behind"),
        ],
        ArgumentsMax = int.MaxValue,
        TakesCommand = true,
        Run = Run,
    };

    private static int Run(Call call)
    {
        try
        {
            return Execute(call);
        }
        catch (Exception failure) when (Dispatcher.TextOf(failure) is not null)
        {
            call.Log.Error($"exec failed: {Dispatcher.TextOf(failure)}");
            return FailedCode;
        }
    }

    private static int Execute(Call call)
    {
        using BundleRuntime runtime = call.Open();
        ProcessSpec process = ReadProcess(call, runtime);
        bool detached = call.Arguments.Has("detach");
        string? socket = call.Arguments.Value("console-socket") is { Length: > 0 } path ? path : null;
        if (!process.Terminal && socket is not null)
            throw FaultException.Invalid("cannot use console socket if container will not allocate tty");
        if (process.Terminal && detached && socket is null)
            throw FaultException.Invalid("cannot allocate tty if container will detach without setting console socket");
        BundleExecRequest request = new()
        {
            Id = call.Id,
            Process = process,
            ConsoleSocket = socket,
            ProcessSocket = call.Arguments.Value("pidfd-socket") is { Length: > 0 } handle ? handle : null,
            Cgroups = call.Arguments.Values("cgroup"),
            PidFile = call.Arguments.Value("pid-file") is { Length: > 0 } file ? file : null,
            PreservedDescriptors = PassedDescriptors.Count(call, activated: 0),
            IgnorePaused = call.Arguments.Has("ignore-paused"),
        };
        if (detached)
        {
            runtime.Exec(request);
            return 0;
        }
        using Foreground foreground = new(subreaper: !call.Arguments.Has("no-subreaper"));
        (int pid, FileDescriptor? master) = runtime.Exec(request);
        using (master)
            return foreground.Await(pid, master);
    }

    private static ProcessSpec ReadProcess(Call call, BundleRuntime runtime)
    {
        if (call.Arguments.Value("process") is { Length: > 0 } file)
        {
            return call.Arguments.Positional.Count == 1
                ? RuntimeJson.ReadProcess(File.ReadAllBytes(file), file)
                : throw FaultException.Invalid("a process is given by --process or by arguments, not by both");
        }
        if (call.Arguments.Positional.Count < 2)
            throw FaultException.Invalid("process args cannot be empty");
        ProcessSpec first = CreateVerbs.ReadSpec(runtime.State(call.Id).Bundle).Process ?? new ProcessSpec();
        return Change(first, call.Arguments) with { Args = call.Arguments.Positional[1..] };
    }

    private static ProcessSpec Change(ProcessSpec process, Arguments given)
    {
        (uint uid, uint gid) = given.Value("user") is { Length: > 0 } user ? ParseUser(user, process.User.Gid)
            : (process.User.Uid, process.User.Gid);
        return process with
        {
            Terminal = given.Has("tty"),
            Cwd = given.Value("cwd") is { Length: > 0 } directory ? directory : process.Cwd,
            Env = [.. process.Env ?? [], .. given.Values("env")],
            NoNewPrivileges = process.NoNewPrivileges || given.Has("no-new-privs"),
            ApparmorProfile = given.Value("apparmor") ?? process.ApparmorProfile,
            SelinuxLabel = given.Value("process-label") ?? process.SelinuxLabel,
            Capabilities = With(process.Capabilities, given.Values("cap")),
            User = process.User with
            {
                Uid = uid, Gid = gid,
                AdditionalGids = [.. process.User.AdditionalGids ?? [], .. given.Values("additional-gids").Select(Number)],
            },
        };
    }

    private static CapabilitiesSpec? With(CapabilitiesSpec? sets, List<string> more) => more.Count == 0 ? sets : new CapabilitiesSpec
    {
        Bounding = [.. sets?.Bounding ?? [], .. more],
        Effective = [.. sets?.Effective ?? [], .. more],
        Permitted = [.. sets?.Permitted ?? [], .. more],
        Inheritable = sets?.Inheritable,
        Ambient = [.. sets?.Ambient ?? [], .. more],
    };

    private static (uint Uid, uint Gid) ParseUser(string text, uint gid)
    {
        string[] parts = text.Split(':', 2);
        return (Number(parts[0]), parts.Length > 1 ? Number(parts[1]) : gid);
    }

    private static uint Number(string text) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number) ? number
            : throw FaultException.Invalid($"invalid id \"{text}\": it is a number");
}
