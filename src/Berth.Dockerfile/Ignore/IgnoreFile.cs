using Berth.Faults;

namespace Berth.Dockerfile.Ignore;

/// <summary>A <c>.dockerignore</c>: which paths of a context are left out. The last pattern that matches decides.</summary>
/// <remarks>Dockerfile reference, ".dockerignore files". A pattern that matches a directory holds for all in it.</remarks>
public sealed class IgnoreFile
{
    /// <summary>How many patterns are read.</summary>
    public const int PatternsMax = 10_000;

    private readonly IReadOnlyList<Rule> _rules;

    private IgnoreFile(IReadOnlyList<Rule> rules) => _rules = rules;

    /// <summary>Leaves out nothing.</summary>
    public static IgnoreFile Empty { get; } = new([]);

    /// <summary>True when there is no pattern.</summary>
    public bool IsEmpty => _rules.Count == 0;

    /// <summary>The patterns as they are matched; exceptions begin with <c>!</c>.</summary>
    public IEnumerable<string> Patterns => _rules.Select(rule => (rule.Exception ? "!" : "") + rule.Pattern.Text);

    /// <summary>Reads the file's text.</summary>
    /// <exception cref="FaultException">InvalidArgument: a pattern is malformed; the message has its line.</exception>
    public static IgnoreFile Parse(string text)
    {
        string[] lines = text.TrimStart('\uFEFF').Split('\n');
        List<Rule> rules = [];
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].StartsWith('#') || lines[i].Trim() is not { Length: > 0 } line)
                continue;
            if (rules.Count == PatternsMax)
                throw FaultException.Invalid($"failed to read .dockerignore: more than {PatternsMax} patterns");
            rules.Add(ReadRule(line, i + 1));
        }
        return new IgnoreFile(rules);
    }

    /// <summary>Makes a matcher of patterns in the form of <see cref="Patterns"/>; for <c>--exclude</c>.</summary>
    /// <exception cref="FaultException">InvalidArgument: a pattern is malformed.</exception>
    public static IgnoreFile Of(IEnumerable<string> patterns) => new([.. patterns.Select((pattern, i) => ReadRule(pattern, i + 1))]);

    /// <summary>True when a path is left out: a pattern matches it or a directory above it, and no later exception does.</summary>
    /// <param name="path">Relative to the context, with slashes, cleaned.</param>
    public bool IsIgnored(string path)
    {
        bool ignored = false;
        foreach (Rule rule in _rules)
        {
            // A rule that would not change the answer need not be matched.
            if (rule.Exception == ignored && MatchesWithParents(rule.Pattern, path))
                ignored = !rule.Exception;
        }
        return ignored;
    }

    /// <summary>True when nothing beneath an ignored directory can be wanted, so that it need not be entered.</summary>
    public bool CanSkip(string directory) => IsIgnored(directory)
        && !_rules.Any(rule => rule.Exception && rule.Pattern.CouldMatchBeneath(directory));

    private static bool MatchesWithParents(PathPattern pattern, string path)
    {
        if (pattern.IsMatch(path))
            return true;
        for (int slash = path.LastIndexOf('/'); slash > 0; slash = path.LastIndexOf('/', slash - 1))
        {
            if (pattern.IsMatch(path.AsSpan(0, slash)))
                return true;
        }
        return false;
    }

    private static Rule ReadRule(string line, int number)
    {
        bool exception = line.StartsWith('!');
        string pattern = exception ? line[1..].Trim() : line;
        if (exception && pattern.Length == 0)
            throw FaultException.Invalid($"failed to read .dockerignore: line {number}: illegal exclusion pattern: \"!\"");
        try
        {
            return new Rule(PathPattern.Parse(Clean(pattern)), exception);
        }
        catch (FaultException fault)
        {
            throw FaultException.Invalid($"failed to read .dockerignore: line {number}: {fault.Message}", fault);
        }
    }

    // Go's filepath.Clean, and a leading slash means nothing.
    private static string Clean(string pattern)
    {
        List<string> parts = [];
        foreach (string part in pattern.Split('/'))
        {
            if (part is "" or ".")
                continue;
            if (part == ".." && parts.Count > 0 && parts[^1] != "..")
                parts.RemoveAt(parts.Count - 1);
            else if (part != ".." || !pattern.StartsWith('/'))
                parts.Add(part);
        }
        return parts.Count == 0 ? "." : string.Join('/', parts);
    }

    private sealed record Rule(PathPattern Pattern, bool Exception);
}
