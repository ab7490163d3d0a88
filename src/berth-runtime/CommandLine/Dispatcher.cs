using Berth.Faults;
using Berth.Linux;
using Berth.Runtime.Bundles;
using Berth.RuntimeProgram.Verbs;

namespace Berth.RuntimeProgram.CommandLine;

/// <summary>Finds the command, runs it, and says what went wrong.</summary>
internal static class Dispatcher
{
    private const string StageSuffix = ": unknown";

    // What runc answers.
    private const int UnknownVerbCode = 3;

    /// <summary>Runs the program; returns its exit code.</summary>
    public static int Run(string[] words)
    {
        LogWriter log = new(file: null, format: null, debug: false);
        try
        {
            Arguments given = Arguments.Parse(GlobalOptions.Options, words, stopsAtFirst: true, out int consumed);
            LogWriter asked = new(given.Value("log"), given.Value("log-format"), given.Has("debug"));
            asked.Open();
            log = asked;
            if (given.Has("version"))
                return VersionText.Show();
            if (given.Has("help") || consumed == words.Length || words[consumed] is "help" or "h")
                return Help.Show(words.AsSpan(Math.Min(consumed + 1, words.Length)));
            Verb verb = VerbTable.Find(words[consumed])
                ?? throw new UnknownVerbException($"No help topic for '{words[consumed]}'");
            return Run(verb, GlobalOptions.From(given), words.AsSpan(consumed + 1), log);
        }
        catch (UnknownVerbException unknown)
        {
            log.Error(unknown.Message);
            return UnknownVerbCode;
        }
        catch (Exception failure) when (TextOf(failure) is not null)
        {
            log.Error(TextOf(failure)!);
        }
        return 1;
    }

    private static int Run(Verb verb, GlobalOptions global, ReadOnlySpan<string> words, LogWriter log)
    {
        Option[] options = [.. verb.Options, Option.Flag("help", "show help", "h")];
        Arguments arguments = Arguments.Parse(options, words, verb.TakesCommand, out int consumed);
        if (arguments.Has("help"))
            return Help.Show([verb.Name]);
        arguments.Positional.AddRange(words[consumed..]);
        int count = arguments.Positional.Count;
        if (count < verb.ArgumentsMin || count > verb.ArgumentsMax)
        {
            string number = verb.ArgumentsMin == verb.ArgumentsMax ? $"exactly {verb.ArgumentsMin}"
                : count < verb.ArgumentsMin ? $"a minimum of {verb.ArgumentsMin}" : $"a maximum of {verb.ArgumentsMax}";
            throw new UsageException($"\"{verb.Name}\" requires {number} argument(s)");
        }
        log.Debug($"{verb.Name} {string.Join(' ', arguments.Positional)}");
        return verb.Run(new Call(global, arguments, log));
    }

    /// <summary>What is said of a failure; null: it is none that a caller can have made.</summary>
    // The library's sentences carry the ending that an engine shows after a runtime's error; the engine adds it here itself.
    public static string? TextOf(Exception failure) => failure switch
    {
        UsageException or LinuxException => failure.Message,
        FaultException when failure.Message.EndsWith(StageSuffix, StringComparison.Ordinal) =>
            $"unable to start container process: {failure.Message[..^StageSuffix.Length]}",
        FaultException => failure.Message,
        IOException or UnauthorizedAccessException => FileErrors.TextOf(failure),
        _ => null,
    };
}
