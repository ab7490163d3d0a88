using Berth.Faults;

namespace Berth.Dockerfile.Ignore;

/// <summary>A path with wildcards by Go's rules: <c>*</c>, <c>?</c>, <c>[a-z]</c>, and <c>**</c> for any number of directories.</summary>
/// <remarks>Go's path/filepath.Match; moby's patternmatcher for <c>**</c>. Paths are relative, with slashes.</remarks>
public sealed class PathPattern
{
    /// <summary>The longest pattern.</summary>
    public const int LengthMax = 4096;

    private readonly WildcardAutomaton? _automaton;

    private PathPattern(string text, WildcardAutomaton? automaton) => (Text, _automaton) = (text, automaton);

    /// <summary>The pattern as given.</summary>
    public string Text { get; }

    /// <summary>True when it matches no path but itself.</summary>
    public bool IsLiteral => _automaton is null;

    /// <summary>Reads a pattern.</summary>
    /// <exception cref="FaultException">InvalidArgument: a bracket is not closed, or it is too long.</exception>
    public static PathPattern Parse(string text)
    {
        if (text.Length > LengthMax)
            throw FaultException.Invalid($"pattern of {text.Length} characters: the limit is {LengthMax}");
        try
        {
            return new PathPattern(text, HasWildcards(text) ? WildcardAutomaton.ForPath(text) : null);
        }
        catch (FormatException exception)
        {
            throw FaultException.Invalid($"{text}: {exception.Message}", exception);
        }
    }

    /// <summary>True when a text has a character that is special in patterns.</summary>
    public static bool HasWildcards(string text) => text.AsSpan().IndexOfAny("*?[\\") >= 0;

    /// <summary>True when the whole path matches.</summary>
    public bool IsMatch(ReadOnlySpan<char> path) => _automaton is null ? path.SequenceEqual(Text) : _automaton.IsMatch(path);

    /// <summary>True when something beneath a directory could match.</summary>
    public bool CouldMatchBeneath(string directory) => directory.Length == 0
        || (_automaton is null
            ? Text.Length > directory.Length && Text[directory.Length] == '/' && Text.StartsWith(directory, StringComparison.Ordinal)
            : _automaton.CouldMatchBeyond(directory + "/"));
}
