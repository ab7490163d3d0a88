using Berth.Cli.Parsing;

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
        int start = AfterGlobals(words, out Flag? global);
        if (global is not null)
            return await CompletionValues.OfFlagAsync(session, global, cancellationToken);
        words = words[start..];
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
        return entry?.Build is null ? []
            : await OfCommandAsync(session, entry.Name, entry.Build(), words[used..], cancellationToken);
    }

    private static async Task<IEnumerable<string>> OfCommandAsync(
        Session session, string verb, Command command, List<string> words, CancellationToken cancellationToken)
    {
        int position = 0;
        bool hasEnded = false;
        for (int i = 0; i < words.Count - 1; i++)
        {
            if (words[i] == "--" && !hasEnded)
                hasEnded = true;
            else if (hasEnded || words[i] is "-" or [] || words[i][0] != '-')
            {
                position++;
                hasEnded |= !command.IsInterspersed;
            }
            else if (ValueFlag(command, words[i]) is { } flag && ++i == words.Count - 1)
                return await CompletionValues.OfFlagAsync(session, flag, cancellationToken);
        }
        string last = words[^1];
        if (hasEnded || !last.StartsWith('-'))
            return await CompletionValues.OfArgumentAsync(session, verb, command, position, cancellationToken);
        int equals = last.IndexOf('=');
        if (equals < 0)
            return command.Flags.Where(static f => !f.IsHidden).Select(static f => "--" + f.Name).Append("--help").Order();
        return ValueFlag(command, last[..equals]) is { } given
            ? (await CompletionValues.OfFlagAsync(session, given, cancellationToken)).Select(value => last[..(equals + 1)] + value) : [];
    }

    // What stands before the command is not the command. The last word is the one to complete: perhaps as the value of one of those.
    private static int AfterGlobals(List<string> words, out Flag? flag)
    {
        int at = 0;
        for (flag = null; at < words.Count - 1 && words[at].StartsWith('-'); at++)
        {
            if (ValueFlag(GlobalFlags.Command, words[at]) is { } value && ++at == words.Count - 1)
                flag = value;
        }
        return at;
    }

    /// <summary>The flag whose value is the next word; null if this word is none, or has its value in it.</summary>
    private static Flag? ValueFlag(Command command, string word)
    {
        Flag? flag = word.StartsWith("--", StringComparison.Ordinal) ? command.Find(word[2..]) : word.Length < 2 ? null
            : Array.TrueForAll(word[1..^1].ToCharArray(), c => command.Find(c) is { IsBool: true }) ? command.Find(word[^1]) : null;
        return flag is { IsBool: false } ? flag : null;
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
