using System.Text;
using Berth.Cli.Commands;

namespace Berth.Cli.Parsing;

/// <summary>Help pages in the layout of Docker's.</summary>
internal static class HelpWriter
{
    /// <summary>Where the text wraps when the output is no terminal.</summary>
    public const int DefaultWidth = 80;

    public static string ForCommand(ParsedCommand parsed, int width)
    {
        Command command = parsed.Command;
        StringBuilder help = new();
        help.Append("Usage:  ").Append(UsageLine(parsed)).Append('\n');
        for (int i = 1; i < command.Usages.Length; i++)
            help.Append('\t').Append(parsed.Path).Append(' ').Append(command.Usages[i]).Append('\n');
        help.Append('\n').Append(command.Description).Append('\n');
        if (command.Aliases.Length > 0)
            help.Append("\nAliases:\n  ").Append(command.Aliases).Append('\n');
        if (command.Flags.Any(static f => !f.IsHidden))
            help.Append("\nOptions:\n").Append(Flags(command.Flags, width));
        return help.ToString();
    }

    public static string UsageLine(ParsedCommand parsed) => (parsed.Path + " " + parsed.Command.Usages[0]).TrimEnd();

    public static string ForGroup(Entry group, string path)
    {
        StringBuilder help = new();
        help.Append("Usage:  ").Append(path).Append(" COMMAND\n\n").Append(group.Summary).Append("\n\nCommands:\n");
        List(help, group.Children);
        return help.Append("\nRun '").Append(path).Append(" COMMAND --help' for more information on a command.\n").ToString();
    }

    public static string ForTop(Flag[] globals, int width, Entry[] plugins, Entry[] brokenPlugins)
    {
        StringBuilder help = new("Usage:  berth [OPTIONS] COMMAND\n\nBuild, run and share containers\n\nCommon Commands:\n");
        List(help, CommandTree.Common);
        help.Append("\nManagement Commands:\n");
        List(help, [.. CommandTree.Management.Concat(plugins).OrderBy(static e => e.Name, StringComparer.Ordinal)]);
        help.Append("\nCommands:\n");
        List(help, CommandTree.Others);
        if (brokenPlugins.Length > 0)
        {
            help.Append("\nInvalid Plugins:\n");
            List(help, brokenPlugins);
        }
        help.Append("\nGlobal Options:\n").Append(Flags(globals, width));
        return help.Append("\nRun 'berth COMMAND --help' for more information on a command.\n").ToString();
    }

    /// <summary>The table of options: name and type, then usage and default, wrapped under itself (pflag's layout).</summary>
    public static string Flags(IEnumerable<Flag> flags, int width)
    {
        List<(string Head, string Text)> lines = [];
        foreach (Flag flag in flags.Where(static f => !f.IsHidden).OrderBy(static f => f.Name, StringComparer.Ordinal))
        {
            string head = (flag.Short == '\0' ? "      " : $"  -{flag.Short}, ") + "--" + flag.Name
                + (flag.IsBool ? "" : " " + flag.Type);
            lines.Add((head, flag.Usage + Default(flag)));
        }
        int column = lines.Max(static l => l.Head.Length) + 3;
        StringBuilder output = new();
        foreach ((string head, string text) in lines)
        {
            output.Append(head).Append(' ', column - head.Length);
            output.Append(Wrap(text, column, width - 1)).Append('\n');
        }
        return output.ToString();
    }

    private static string Default(Flag flag) => flag.Default.Length == 0 ? ""
        : flag.Type == "string" ? $" (default \"{flag.Default}\")" : $" (default {flag.Default})";

    private static void List(StringBuilder help, Entry[] entries)
    {
        foreach (Entry entry in entries)
            help.Append("  ").Append(entry.Name.PadRight(11)).Append(' ').Append(entry.Summary).Append('\n');
    }

    // pflag wraps at indent..width, with five columns of slop to keep a last short word on the line.
    private static string Wrap(string text, int indent, int width)
    {
        string margin = "\n" + new string(' ', indent);
        int room = width - indent;
        if (room < 24)
        {
            indent = 16;
            room = width - indent;
            margin = "\n" + new string(' ', indent);
            if (room < 24)
                return text.Replace("\n", margin, StringComparison.Ordinal);
            text = "\n" + text;
        }
        const int Slop = 5;
        room -= Slop;
        StringBuilder output = new();
        string rest = text;
        bool first = true;
        while (rest.Length > 0)
        {
            (string line, rest) = SplitLine(room, Slop, rest);
            if (!first)
                output.Append(margin);
            output.Append(line.Replace("\n", margin, StringComparison.Ordinal));
            first = false;
        }
        return output.ToString();
    }

    private static (string Line, string Remainder) SplitLine(int room, int slop, string text)
    {
        if (room + slop > text.Length)
            return (text, "");
        int blank = text.AsSpan(0, room).LastIndexOfAny(" \t\n");
        if (blank <= 0)
            return (text, "");
        int newline = text.AsSpan(0, room).LastIndexOf('\n');
        return newline > 0 && newline < blank
            ? (text[..newline], text[(newline + 1)..])
            : (text[..blank], text[(blank + 1)..]);
    }
}
