using System.Globalization;
using System.Text.Json;
using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Processes;

namespace Berth.Runtime.Externals;

/// <summary>The command line of an external runtime for one container, and what it says when a command fails.</summary>
/// <param name="runtime">The program.</param>
/// <param name="id">The container.</param>
/// <param name="runDirectory">Its run directory.</param>
/// <param name="systemd">Its cgroup is a unit of systemd.</param>
internal sealed class ExternalCommands(ExternalRuntime runtime, string id, string runDirectory, bool systemd)
{
    private const int LogBytesMax = 1 << 20;
    private static long s_count;

    /// <summary>The container's configuration stands there, and all that its runtime keeps of it.</summary>
    public string Directory => runDirectory;

    /// <summary>What the program sees of our environment: where it finds programs and systemd, and where ordinary users have their
    /// files.</summary>
    public static IReadOnlyList<string> Environment { get; } =
        [.. new[] { "PATH", "HOME", "XDG_RUNTIME_DIR", "TMPDIR", "DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS" }
            .Select(static name => (Name: name, Value: System.Environment.GetEnvironmentVariable(name)))
            .Where(static variable => variable.Value is not null).Select(static variable => $"{variable.Name}={variable.Value}")];

    /// <summary>Where a command of that name writes its log.</summary>
    public static string LogIn(string directory, string verb) => Path.Join(directory, verb + ".log");

    /// <summary>A command with the options that stand before it, the program first.</summary>
    public IReadOnlyList<string> Line(string log, params ReadOnlySpan<string> command) =>
        [
            runtime.Path, .. runtime.Arguments, "--root", Path.Join(runDirectory, "runtime"), "--log", log, "--log-format", "json",
            .. systemd ? ["--systemd-cgroup"] : Array.Empty<string>(), .. command,
        ];

    /// <summary>The command that makes the container.</summary>
    public IReadOnlyList<string> Create(bool terminal)
    {
        string[] console = terminal ? ["--console-socket", "console.sock"] : [];
        return Line(LogIn(runDirectory, "create"),
            ["create", "--bundle", runDirectory, "--pid-file", Path.Join(runDirectory, "pid"), .. console, id]);
    }

    /// <summary>The command that lets its first process execute.</summary>
    public IReadOnlyList<string> Start() => Line(LogIn(runDirectory, "start"), "start", id);

    /// <summary>The command that makes a further process of a description.</summary>
    public IReadOnlyList<string> Exec(string directory, bool terminal)
    {
        string[] console = terminal ? ["--console-socket", "console.sock"] : [];
        return Line(LogIn(directory, "exec"), ["exec", "--detach", "--process", Path.Join(directory, "process.json"), "--pid-file",
            Path.Join(directory, "pid"), .. console, id]);
    }

    /// <summary>Runs a command to its end; null when it succeeded, otherwise what it said.</summary>
    public async Task<string?> TryRunAsync(string verb, params string[] rest) => await Task.Run(() => TryRun(verb, rest));

    /// <summary>As <see cref="TryRunAsync"/>, without leaving the thread.</summary>
    public string? TryRun(string verb, params ReadOnlySpan<string> rest)
    {
        string log = LogIn(runDirectory, $"{verb}-{Interlocked.Increment(ref s_count).ToString(CultureInfo.InvariantCulture)}");
        try
        {
            using FileDescriptor nothing = FileCalls.Open(FileCalls.WorkingDirectory, "/dev/null\0"u8, flags: 2);
            int pid = ProcessSpawner.Spawn(runtime.Path, Line(log, [verb, .. rest]),
                [nothing.Number, nothing.Number, nothing.Number], Environment, runDirectory);
            int? code = ProcessSpawner.Wait(pid);
            return code == 0 ? null : ErrorIn(log) ?? $"{runtime.Path} {verb} ended with exit status {code}";
        }
        catch (LinuxException refused)
        {
            return refused.Message;
        }
        finally
        {
            Remove(log);
        }
    }

    /// <summary>Deletes a file of the run directory, which a container that ended meanwhile has taken with it.</summary>
    public static void Remove(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (DirectoryNotFoundException)
        {
            // Gone with all the others.
        }
    }

    /// <summary>Runs a command that must succeed.</summary>
    /// <exception cref="FaultException">Internal: what the runtime said.</exception>
    public async Task RunAsync(string verb, params string[] rest)
    {
        if (await TryRunAsync(verb, rest) is { } error)
            throw FaultException.Internal($"OCI runtime {verb} failed: {error}: unknown");
    }

    /// <summary>The fault of a command that its monitor ran; kinds are those of exit codes 127 and 126, as Docker finds them.</summary>
    /// <param name="verb">The command.</param>
    /// <param name="directory">Where its log is.</param>
    /// <param name="cause">What the monitor said.</param>
    public FaultException FaultOf(string verb, string directory, FaultException cause)
    {
        string? said = ErrorIn(LogIn(directory, verb));
        string what = verb == "exec" ? "exec" : "create";
        string reason = said ?? $"unable to retrieve OCI runtime error: {runtime.Path}: {cause.Message}";
        string message = $"OCI runtime {what} failed: {reason}: unknown";
        if (verb != "exec")
            message = $"failed to create task for container: failed to create shim task: {message}";
        bool isProgram = said?.Contains("exec", StringComparison.Ordinal) == true;
        if (isProgram && (Says(said!, "executable file") || Says(said!, "no such file or directory")))
            return FaultException.NotFound(message);
        return isProgram && Says(said!, "permission denied") ? new FaultException(FaultKind.Forbidden, message, cause)
            : FaultException.Internal(message, cause);
    }

    private static bool Says(string text, string words) => text.Contains(words, StringComparison.OrdinalIgnoreCase);

    /// <summary>The last error in a log of JSON lines.</summary>
    private static string? ErrorIn(string log)
    {
        try
        {
            if (new FileInfo(log).Length > LogBytesMax)
                return null;
            string? last = null;
            foreach (string line in File.ReadLines(log))
                last = MessageOf(line) ?? last;
            return last;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static string? MessageOf(string line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("level", out JsonElement level) && level.ValueEquals("error"u8)
                && document.RootElement.TryGetProperty("msg", out JsonElement message) ? message.GetString()?.TrimEnd() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
