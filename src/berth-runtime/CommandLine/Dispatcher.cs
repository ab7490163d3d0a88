using Berth.Faults;
using Berth.Linux;
using Berth.RuntimeProgram.Verbs;

namespace Berth.RuntimeProgram.CommandLine;

/// <summary>Finds the command, runs it, and says what went wrong.</summary>
internal static class Dispatcher
{
    private const string StageSuffix = ": unknown";

    /// <summary>Runs the program; returns its exit code.</summary>
    public static int Run(string[] words)
    {
        LogWriter log = new(file: null, format: null, debug: false);
        try
        {
            Arguments given = Arguments.Parse(GlobalOptions.Options, words, stopsAtFirst: true, out int consumed);
            log = new LogWriter(given.Value("log"), given.Value("log-format"), given.Has("debug"));
            if (given.Has("version"))
                return VersionText.Show();
            if (given.Has("help") || consumed == words.Length || words[consumed] == "help")
                return Help.Show(words.AsSpan(Math.Min(consumed + 1, words.Length)));
            Verb verb = VerbTable.Find(words[consumed])
                ?? throw new UsageException($"No help topic for '{words[consumed]}'");
            return Run(verb, GlobalOptions.From(given), words.AsSpan(consumed + 1), log);
        }
        catch (UsageException wrong)
        {
            log.Error(wrong.Message);
        }
        catch (FaultException fault)
        {
            log.Error(TextOf(fault));
        }
        catch (LinuxException refused)
        {
            log.Error(refused.Message);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            log.Error(refused.Message);
        }
        return 1;
    }

    private static int Run(Verb verb, GlobalOptions global, ReadOnlySpan<string> words, LogWriter log)
    {
        if (words is ["--help" or "-h", ..])
            return Help.Show([verb.Name]);
        Arguments arguments = Arguments.Parse(verb.Options, words, verb.TakesCommand, out int consumed);
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

    // The library's sentences carry the ending that an engine shows after a runtime's error; the engine adds it here itself.
    private static string TextOf(FaultException fault) => fault.Message.EndsWith(StageSuffix, StringComparison.Ordinal)
        ? $"unable to start container process: {fault.Message[..^StageSuffix.Length]}"
        : fault.Message;
}
