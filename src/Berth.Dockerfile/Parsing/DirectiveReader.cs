namespace Berth.Dockerfile.Parsing;

/// <summary>Reads the parser directives; the first line that is none ends them.</summary>
internal static class DirectiveReader
{
    private static readonly string[] s_names = ["syntax", "escape", "check"];

    public static Directives Read(string[] lines, Diagnostics diagnostics, out int lineCount)
    {
        Dictionary<string, string> seen = [];
        lineCount = 0;
        foreach (string line in lines)
        {
            if (!TrySplit(line, out string name, out string value) || !s_names.Contains(name))
                break;
            if (!seen.TryAdd(name, value))
                diagnostics.Error(new SourceRange(lineCount + 1, 1, lineCount + 1, line.Length + 1),
                    $"only one {name} parser directive can be used");
            lineCount++;
        }
        return Make(seen, diagnostics);
    }

    private static Directives Make(Dictionary<string, string> seen, Diagnostics diagnostics)
    {
        Directives directives = new() { Syntax = seen.GetValueOrDefault("syntax") };
        if (seen.TryGetValue("escape", out string? escape))
        {
            if (escape is "\\" or "`")
                directives = directives with { Escape = escape[0] };
            else
                diagnostics.Error(new SourceRange(1, 1, 1, 1), $"invalid ESCAPE '{escape}'. Must be ` or \\");
        }
        return seen.TryGetValue("check", out string? check) ? ReadCheck(directives, check, diagnostics) : directives;
    }

    private static Directives ReadCheck(Directives directives, string check, Diagnostics diagnostics)
    {
        foreach (string option in check.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            string[] parts = option.Split('=', 2, StringSplitOptions.TrimEntries);
            string value = parts.Length == 2 ? parts[1] : "";
            switch (parts[0].ToLowerInvariant())
            {
                case "skip":
                    directives = directives with { SkippedChecks = value.Split(',', StringSplitOptions.TrimEntries) };
                    break;
                case "error" when bool.TryParse(value, out bool error):
                    directives = directives with { ChecksAreErrors = error };
                    break;
                case "experimental":
                    break; // No rule of ours is experimental.
                default:
                    diagnostics.Error(new SourceRange(1, 1, 1, 1), $"invalid check option \"{option}\"");
                    break;
            }
        }
        return directives;
    }

    // "# name = value"
    private static bool TrySplit(string line, out string name, out string value)
    {
        (name, value) = ("", "");
        if (!line.StartsWith('#'))
            return false;
        int equals = line.IndexOf('=', StringComparison.Ordinal);
        if (equals < 0)
            return false;
        name = line[1..equals].Trim().ToLowerInvariant();
        value = line[(equals + 1)..].Trim();
        return name.Length > 0 && value.Length > 0 && char.IsAsciiLetter(name[0]) && name.All(char.IsAsciiLetterOrDigit);
    }
}
