using System.Text.Json;
using Berth.Cli.Parsing;
using Berth.Cli.Text;
using Berth.Client;
using Berth.Faults;

namespace Berth.Cli.Commands;

/// <summary>Completion: small scripts that ask this program, which knows its own commands and the engine's objects.</summary>
internal static class CompletionCommand
{
    // Bash ends words at : and =, which names of images and options have: words are taken from the line, and of what is found the part
    // that stands already is left out.
    public static Command Bash() => Define("bash", """
        _berth_complete() {
            local IFS=$' \t\n' line=${COMP_LINE:0:COMP_POINT} words kept
            read -r -a words <<<"$line"
            [[ $line == *[[:space:]] ]] && words+=("")
            IFS=$'\n'
            COMPREPLY=($(berth __complete "${words[@]:1}" 2>/dev/null))
            kept=${words[-1]}
            if [[ $kept == *[:=]* && $COMP_WORDBREAKS == *:* ]]; then
                kept=${kept%"${kept##*[:=]}"}
                COMPREPLY=("${COMPREPLY[@]#"$kept"}")
            fi
        }
        complete -o default -F _berth_complete berth

        """);

    public static Command Fish() => Define("fish", """
        complete -c berth -f -a '(berth __complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'

        """);

    public static Command PowerShell() => Define("powershell", """
        Register-ArgumentCompleter -Native -CommandName berth -ScriptBlock {
            param($wordToComplete, $commandAst, $cursorPosition)
            $words = @($commandAst.CommandElements | Select-Object -Skip 1 |
                Where-Object { $_.Extent.StartOffset -lt $cursorPosition } | ForEach-Object { "$_" })
            # The word that is begun is part of the line; one that is not yet begun is an empty word.
            if ($wordToComplete -eq '') {
                if ($PSVersionTable.PSVersion -lt [version]'7.3') { $words += '""' } else { $words += '' }
            }
            & berth __complete @words 2>$null | ForEach-Object {
                [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
            }
        }

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
        words = WithoutGlobals(words);
        if (words is [var option] && option.StartsWith('-'))
            return GlobalFlags.Command.Flags.Select(static f => "--" + f.Name).Append("--help").Order();
        if (words.Count <= 1)
            return CommandTree.Common.Concat(CommandTree.Management).Concat(CommandTree.Others).Select(
                static e => e.Name).Concat(Plugins.PluginFolders.All(session).Select(static p => p.Name)
                    .Where(Plugins.PluginFolders.IsName)).Distinct().Order();
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

    // What stands before the command is not the command. The last word stays: it is the one to complete.
    private static List<string> WithoutGlobals(List<string> words)
    {
        if (words.Count == 0)
            return words;
        int at = 0;
        while (at < words.Count - 1 && words[at].StartsWith('-'))
        {
            string name = words[at].TrimStart('-');
            Flag? flag = words[at].StartsWith("--", StringComparison.Ordinal) ? GlobalFlags.Command.Find(name)
                : name.Length == 1 ? GlobalFlags.Command.Find(name[0]) : null;
            at += flag is { IsBool: false } ? 2 : 1;
        }
        return words.GetRange(Math.Min(at, words.Count - 1), words.Count - Math.Min(at, words.Count - 1));
    }

    private static async Task<IEnumerable<string>> ObjectsAsync(
        Session session, string usage, bool first, CancellationToken cancellationToken)
    {
        if (usage.Contains("CONTEXT"))
            return new Configuration.ContextStore(session.ConfigDirectory).All().Select(static c => c.Name).Append("default");
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
