using System.Text.Json;
using Berth.Cli.Parsing;
using Berth.Cli.Text;
using Berth.Client;
using Berth.Faults;

namespace Berth.Cli.Commands;

/// <summary>Completion: small scripts that ask this program, which knows its own commands and the engine's objects.</summary>
internal static class CompletionCommand
{
    public static Command Bash() => Define("bash", """
        _berth_complete() {
            local IFS=$'\n'
            COMPREPLY=($(berth __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
        }
        complete -o default -F _berth_complete berth

        """);

    public static Command Fish() => Define("fish", """
        complete -c berth -f -a '(berth __complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'

        """);

    public static Command Zsh() => Define("zsh", """
        #compdef berth
        _berth() {
            local -a found
            found=("${(@f)$(berth __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
            if (( ${#found} )) && [[ -n ${found[1]} ]]; then compadd -- "${found[@]}"; else _files; fi
        }
        compdef _berth berth

        """);

    /// <summary>Prints what may stand in the place of the last word.</summary>
    public static async Task<int> CompleteAsync(Session session, List<string> words, CancellationToken cancellationToken)
    {
        string last = words.Count > 0 ? words[^1] : "";
        foreach (string candidate in await CandidatesAsync(session, words, cancellationToken))
        {
            if (candidate.StartsWith(last, StringComparison.Ordinal))
                session.PrintLine(candidate);
        }
        return 0;
    }

    private static async Task<IEnumerable<string>> CandidatesAsync(Session session, List<string> words, CancellationToken cancellationToken)
    {
        if (words.Count <= 1)
            return CommandTree.Common.Concat(CommandTree.Management).Concat(CommandTree.Others).Select(
                static e => e.Name).Concat(Plugins.PluginFolders.All(session).Select(static p => p.Name)).Distinct().Order();
        Entry? entry = CommandTree.Find(words[0]);
        int used = 1;
        if (entry is { Build: null })
        {
            if (words.Count == 2)
                return entry.Children.Select(static e => e.Name);
            entry = Array.Find(entry.Children, e => e.Answers(words[1]));
            used = 2;
        }
        if (entry?.Build is null)
            return [];
        Command command = entry.Build();
        if (words[^1].StartsWith('-'))
            return command.Flags.Where(static f => !f.IsHidden).Select(static f => "--" + f.Name).Append("--help").Order();
        bool first = !words.Skip(used).SkipLast(1).Any(static w => !w.StartsWith('-'));
        return await ObjectsAsync(session, command.Usages[0], first, cancellationToken);
    }

    private static async Task<IEnumerable<string>> ObjectsAsync(
        Session session, string usage, bool first, CancellationToken cancellationToken)
    {
        try
        {
            if (usage.Contains("CONTAINER"))
            {
                JsonElement all =
                    await session.Engine.SendForJsonAsync(EngineRequest.Get("/containers/json").QueryIf("all", true), cancellationToken);
                return all.Elements().SelectMany(static c => c.Texts("Names")).Select(static n => n.TrimStart('/'));
            }
            if (usage.Contains("IMAGE") && (first || usage.Contains("IMAGE...")))
            {
                JsonElement all = await session.Engine.SendForJsonAsync(EngineRequest.Get("/images/json"), cancellationToken);
                return all.Elements().SelectMany(static i => i.Texts("RepoTags"));
            }
            if (usage.Contains("NETWORK"))
                return (await session.Engine.SendForJsonAsync(
                    EngineRequest.Get("/networks"), cancellationToken)).Elements().Select(static n => n.Text("Name"));
            if (usage.Contains("VOLUME"))
            {
                JsonElement all = await session.Engine.SendForJsonAsync(EngineRequest.Get("/volumes"), cancellationToken);
                return all.Items("Volumes").Select(static v => v.Text("Name"));
            }
        }
        catch (Exception e) when (e is EngineException or FaultException)
        {
            // Without an engine there is nothing to offer.
        }
        return [];
    }

    private static Command Define(string shell, string script) => new()
    {
        Usages = [""],
        Description = $"Generate the autocompletion script for {shell}",
        Arguments = Arguments.None,
        RunAsync = (session, _, _) =>
        {
            session.Print(script);
            return Task.FromResult(0);
        },
    };
}
