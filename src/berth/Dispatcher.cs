using Berth.Cli.Commands;
using Berth.Cli.Parsing;
using Berth.Cli.Plugins;
using Berth.Cli.Templates;
using Berth.Cli.Text;
using Berth.Client;
using Berth.Faults;
using Console = Berth.Cli.Terminals.Console;

namespace Berth.Cli;

/// <summary>Finds the command that the arguments name, runs it, and turns failures into text and exit codes.</summary>
internal static class Dispatcher
{
    // What Docker's client ends with when the failure is its own and not the command's.
    private const int InternalErrorCode = 125;

    public static async Task<int> RunAsync(
        string[] arguments, Console console, IReadOnlyDictionary<string, string> environment,
        CancellationToken cancellationToken, TimeProvider? time = null)
    {
        ParsedCommand globals = new(GlobalFlags.Command, "berth");
        try
        {
            ArgumentParser.Parse(globals, arguments, 0);
        }
        catch (UsageException e)
        {
            console.Warn($"{e.Message}\n\nUsage:  berth [OPTIONS] COMMAND [ARG...]\n\nRun 'berth --help' for more information\n");
            return 125;
        }
        if (globals.Bool("version"))
        {
            console.Print($"Berth version {BerthVersion.Text}\n");
            return 0;
        }
        if (!IsLogLevel(globals.String("log-level")))
        {
            console.Warn($"Unable to parse logging level: {globals.String("log-level")}\n");
            return 1;
        }
        using Session session =
            new(console, environment) { Globals = globals, Typed = arguments, Time = time ?? TimeProvider.System };
        try
        {
            return await BeginAsync(session, cancellationToken);
        }
        catch (Exception e)
        {
            // The top: what no command has answered ends as a sentence, never as a stack trace and a signal.
            (string text, int code) = Known(e, parsed: null) ?? (Internal(session, e), InternalErrorCode);
            if (text.Length > 0)
                Tell(session, text);
            return code;
        }
    }

    private static Task<int> BeginAsync(Session session, CancellationToken cancellationToken)
    {
        int width = session.Console.Size()?.Columns ?? HelpWriter.DefaultWidth;
        List<string> words = session.Globals.Arguments;
        return session.Globals.HelpRequested || words.Count == 0
            ? HelpAsync(session, [], width, cancellationToken) : ChooseAsync(session, words, width, cancellationToken);
    }

    private static bool IsLogLevel(string text) =>
        text.ToLowerInvariant() is "trace" or "debug" or "info" or "warn" or "warning" or "error" or "fatal" or "panic";

    private static async Task<int> ChooseAsync(
        Session session, List<string> words, int width, CancellationToken cancellationToken)
    {
        if (words[0] == "help")
            return await HelpAsync(session, words.Skip(1).ToList(), width, cancellationToken);
        if (words[0] == "__complete")
            return await CompletionCommand.CompleteAsync(session, words.Skip(1).ToList(), cancellationToken);
        // Docker's one alias: "builder" may stand for a plugin.
        if (words[0] == "builder" && session.Config.Map("aliases").TryGetValue("builder", out string? alias)
            && await PluginFolders.FindAsync(session, alias, cancellationToken) is { } builder)
            return await builder.RunAsync(session, [.. session.Typed.SkipLast(words.Count), alias, .. words.Skip(1)], cancellationToken);
        (Entry? entry, string path, int used) = Resolve(words);
        if (entry is null && await PluginFolders.FindAsync(session, words[0], cancellationToken) is { } plugin)
        {
            int code = await plugin.RunAsync(session, session.Typed, cancellationToken);
            await PluginHooks.AfterPluginAsync(session, words, cancellationToken);
            return code;
        }
        if (entry is null)
            return Unknown(session, words, path);
        if (entry.Build is null)
        {
            if (used < words.Count && words[used] is not ("--help" or "-h"))
                return UnknownChild(session, path, words[used]);
            // Asked for, it is output; otherwise it tells what is missing.
            if (used < words.Count)
                session.Print(HelpWriter.ForGroup(entry, path));
            else
                session.Warn(HelpWriter.ForGroup(entry, path).TrimEnd('\n'));
            return 0;
        }
        return await ExecuteAsync(session, new ParsedCommand(entry.Build(), path), words, used, width, cancellationToken);
    }

    private static (Entry? Entry, string Path, int Used) Resolve(List<string> words)
    {
        Entry? entry = CommandTree.Find(words[0]);
        if (entry is null)
            return (null, "berth", 0);
        string path = "berth " + words[0];
        int used = 1;
        if (entry.Build is null && words.Count > 1 && Array.Find(entry.Children, e => e.Answers(words[1])) is { } child)
        {
            entry = child;
            path += " " + words[1];
            used = 2;
        }
        return (entry, path, used);
    }

    private static async Task<int> HelpAsync(Session session, List<string> words, int width, CancellationToken cancellationToken)
    {
        if (words.Count == 0)
        {
            List<Entry> plugins = [], broken = [];
            foreach (Plugin plugin in PluginFolders.All(session))
            {
                PluginAnswer answer = await plugin.ExamineAsync(cancellationToken);
                if (answer.Problem is { } problem)
                    broken.Add(new Entry(plugin.Name, problem));
                else
                    plugins.Add(new Entry(plugin.Name + "*", answer.Description));
            }
            session.Print(HelpWriter.ForTop(GlobalFlags.Command.Flags, width, [.. plugins], [.. broken]));
            return 0;
        }
        (Entry? entry, string path, _) = Resolve(words);
        if (entry is null && await PluginFolders.FindAsync(session, words[0], cancellationToken) is { } found)
            return await found.RunAsync(session, [.. words, "--help"], cancellationToken);
        if (entry is null)
        {
            session.Warn($"unknown help topic: {string.Join(' ', words)}");
            return 1;
        }
        session.Print(entry.Build is null
            ? HelpWriter.ForGroup(entry, path) : HelpWriter.ForCommand(new ParsedCommand(entry.Build(), path), width));
        return 0;
    }

    private static int Unknown(Session session, List<string> words, string path)
    {
        if (CommandTree.IsRefused(words[0]))
        {
            session.Warn($"berth: '{words[0]}' is not supported: {CommandTree.Reason(words[0])}");
            return 1;
        }
        session.Warn($"berth: unknown command: berth {words[0]}\n\nRun '{path} --help' for more information");
        return 1;
    }

    private static int UnknownChild(Session session, string path, string word)
    {
        session.Warn(
            $"berth: unknown command: {path} {word}\n\nUsage:  {path}\n\nRun '{path} --help' for more information");
        return 1;
    }

    private static async Task<int> ExecuteAsync(
        Session session, ParsedCommand parsed, List<string> words, int start, int width, CancellationToken cancellationToken)
    {
        Command command = parsed.Command;
        try
        {
            ArgumentParser.Parse(parsed, words, start);
            if (parsed.HelpRequested || (command.Find("help") is not null && parsed.Bool("help")))
            {
                session.Print(HelpWriter.ForCommand(parsed, width));
                return 0;
            }
        }
        catch (UsageException e)
        {
            session.Warn($"{e.Message}\n\nUsage:  {HelpWriter.UsageLine(parsed)}\n\nRun '{parsed.Path} --help' for more information");
            return 125;
        }
        if (command.Arguments.Check(parsed.Path, parsed.Arguments.Count) is { } problem)
        {
            string verb = command.Arguments.Max == int.MaxValue ? "See" : "Run";
            session.Warn($"berth: {problem}\n\nUsage:  {HelpWriter.UsageLine(parsed)}\n\n"
                + $"{verb} '{parsed.Path} --help' for more information");
            return 1;
        }
        if (WantsContentTrust(session, parsed))
        {
            session.Warn("berth: content trust (Notary) is not supported: images are verified by digest alone; "
                + "leave --disable-content-trust at its default, true, and DOCKER_CONTENT_TRUST unset");
            return command.IsInterspersed ? 1 : 125;
        }
        int code = await GuardAsync(session, parsed, cancellationToken);
        await PluginHooks.AfterCommandAsync(session, parsed, cancellationToken);
        return code;
    }

    // Docker's default is true. Who asks for signatures must not get an unsigned image in silence.
    private static bool WantsContentTrust(Session session, ParsedCommand parsed)
    {
        const string Flag = "disable-content-trust";
        if (parsed.Command.Find(Flag) is null)
            return false;
        return parsed.Has(Flag) ? !parsed.Bool(Flag)
            : session.Variable("DOCKER_CONTENT_TRUST") is { } value && value is not ("0" or "false" or "f" or "F" or "False" or "FALSE");
    }

    private static async Task<int> GuardAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        try
        {
            return await parsed.Command.RunAsync(session, parsed, cancellationToken);
        }
        catch (Exception e) when (Known(e, parsed) is { } known)
        {
            if (known.Text.Length > 0)
                Tell(session, known.Text);
            return known.Code;
        }
    }

    // What the user is told of a failure, and the exit code; null: a mistake of this program's.
    private static (string Text, int Code)? Known(Exception failure, ParsedCommand? parsed) => failure switch
    {
        CommandException e => (e.ShowsProgramName && parsed is not null
            ? $"berth: {e.Message}\n\nRun '{parsed.Path} --help' for more information" : e.Message, e.ExitCode),
        UsageException { IsWrongArgument: true } when parsed is not null =>
            ($"{failure.Message}\n\nUsage:  {HelpWriter.UsageLine(parsed)}\n\nRun '{parsed.Path} --help' for more information", 125),
        EngineException e => (e.Display + NextStep(e), 1),
        System.Text.Json.JsonException => ($"the engine's answer is not understood: {failure.Message}", 1),
        TemplateException => ($"template parsing error: {failure.Message}", 1),
        OperationCanceledException => ("", 130),
        UsageException or FaultException or IOException or UnauthorizedAccessException => (failure.Message, 1),
        _ => null,
    };

    private static string Internal(Session session, Exception failure) =>
        $"berth: internal error: {(session.IsDebug ? failure.ToString() : $"{failure.GetType().Name}: {failure.Message}")}\n\n"
        + "This is a defect of berth: please report it with the output of the same command behind 'berth -D'.";

    private static void Tell(Session session, string message)
    {
        session.CommandError = message;
        session.Warn(message);
    }

    // Docker's sentence alone leaves a newcomer with nothing to do.
    private static string NextStep(EngineException e) => e.IsConnectionFailure
        && e.Message.StartsWith("Cannot connect", StringComparison.Ordinal)
        ? "\nStart the engine with 'berthd', or name another one with -H or BERTH_HOST." : "";
}

/// <summary>The version of the program.</summary>
internal static class BerthVersion
{
    public const string Text = "0.1.0";
}
