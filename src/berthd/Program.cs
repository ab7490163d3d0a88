using System.CommandLine;
using System.Reflection;
using Berth.Daemon.Hosting;
using Berth.Daemon.Http;
using Berth.Daemon.Options;
using Berth.Daemon.Rootless;
using Berth.Engine;
using Microsoft.Extensions.Logging;

var commandLine = new DaemonCommandLine();
ProgramIdentity program = Identify();
commandLine.Root.SetAction((parsed, cancellationToken) => RunAsync(parsed, cancellationToken));
return await commandLine.Root.Parse(args).InvokeAsync(
    new InvocationConfiguration { ProcessTerminationTimeout = null });

async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
{
    if (parsed.GetValue(commandLine.Version))
    {
        Console.WriteLine($"Berth version {program.Version}, build {program.Commit}");
        return 0;
    }
    var errors = new List<string>();
    DaemonOptions? options = ReadOptions(commandLine.Read(parsed), errors);
    if (options is null)
    {
        foreach (string error in errors)
            Console.Error.WriteLine(error);
        return 1;
    }
    if (!Environment.IsPrivilegedProcess && EnterNamespaces(options) is { } refusal)
    {
        Console.Error.WriteLine($"failed to start daemon: {refusal}");
        return 1;
    }
    LogSwitch levels = new(options.LogLevel);
    using ILoggerFactory loggers = LogTo(options.LogsAsJson, levels);
    try
    {
        await DaemonHost.RunAsync(
            options, program, BerthEngine.OpenAsync, loggers, levels,
            problems => ReadOptions(commandLine.Read(parsed), problems), ready: null, cancellationToken);
        RootlessLaunch.LeaveIfIdle(options.Engine.ExecRoot);
        return 0;
    }
    catch (FaultException fault)
    {
        Console.Error.WriteLine($"failed to start daemon: {fault.Message}");
        return 1;
    }
}

// An ordinary user becomes root in namespaces of his own: this program starts anew in there.
static string? EnterNamespaces(DaemonOptions options)
{
    try
    {
        RootlessLaunch.Enter(options.Engine.ExecRoot, options.Engine.RuntimeBinary);
        return null;
    }
    catch (Exception failure) when (failure is FaultException or IOException or UnauthorizedAccessException)
    {
        return failure.Message;
    }
}

static ILoggerFactory LogTo(bool json, LogSwitch levels) => LoggerFactory.Create(logging =>
{
    logging.SetMinimumLevel(LogLevel.Trace).AddFilter(levels.Wants);
    if (json)
        logging.AddJsonConsole(console =>
        {
            console.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";
            console.UseUtcTimestamp = true;
        });
    else
        logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ";
            console.UseUtcTimestamp = true;
        });
    logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
});

static DaemonOptions? ReadOptions(SettingValues flags, ICollection<string> errors)
{
    DefaultPaths paths = DefaultPaths.ForThisUser();
    string? named = flags.Text(Settings.ConfigFile);
    string path = named ?? paths.ConfigFile;
    SettingValues file = ConfigurationFile.Read(path, isNamed: named is not null, errors);
    return new OptionsBuilder(OptionsBuilder.Merge(flags, file, path, errors), paths).Build(errors);
}

static ProgramIdentity Identify()
{
    string full = typeof(ApiServer).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";
    string[] parts = full.Split('+', 2);
    string commit = parts.Length > 1 ? parts[1][..Math.Min(parts[1].Length, 7)] : "";
    return new ProgramIdentity(parts[0], commit, "", Debug: false);
}
