using System.Globalization;
using Berth.Dockerfile.Instructions;

namespace Berth.Dockerfile.Parsing;

/// <summary>One instruction's words and flags on their way to a typed record; mistakes go to the diagnostics.</summary>
internal sealed class InstructionReader
{
    private readonly Diagnostics _diagnostics;
    private readonly List<(string Name, string? Value)> _flags = [];
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);
    private bool _failed;

    public InstructionReader(LogicalLine line, char escape, Diagnostics diagnostics)
    {
        _diagnostics = diagnostics;
        (Line, Escape) = (line, escape);
        string rest = line.Text;
        Keyword = Words.TakeKeyword(ref rest);
        Name = Keyword.ToUpperInvariant();
        Arguments = TakeFlags(rest);
    }

    /// <summary>The instruction as written: <c>run</c>.</summary>
    public string Keyword { get; }

    /// <summary>In capitals: <c>RUN</c>.</summary>
    public string Name { get; }

    /// <summary>What follows the flags.</summary>
    public string Arguments { get; }

    public LogicalLine Line { get; }

    public char Escape { get; }

    public SourceRange Range => Line.Range;

    public InstructionOrigin Origin => new(Line.Range, Line.Text, Keyword);

    public Diagnostics Diagnostics => _diagnostics;

    public Instruction? Fail(string message)
    {
        _failed = true;
        return _diagnostics.Error<Instruction>(Range, message);
    }

    /// <summary>Arguments split at blanks, or the array's strings.</summary>
    public IReadOnlyList<string> JsonOrWords()
    {
        JsonOutcome outcome = JsonWords.TryParse(Arguments, out IReadOnlyList<string> words);
        if (outcome == JsonOutcome.OtherValues)
            Fail("When using JSON array syntax, arrays must be comprised of strings only.");
        return outcome == JsonOutcome.Strings ? words : Words.Split(Arguments);
    }

    /// <summary>The exec form's strings or the shell form's text.</summary>
    public CommandLine Command()
    {
        JsonOutcome outcome = JsonWords.TryParse(Arguments, out IReadOnlyList<string> words);
        if (outcome == JsonOutcome.OtherValues)
            Fail("When using JSON array syntax, arrays must be comprised of strings only.");
        return outcome == JsonOutcome.Strings ? new CommandLine(words, IsShell: false)
            : new CommandLine(Arguments.Length == 0 ? [] : [Arguments], IsShell: true);
    }

    public string? Flag(string name)
    {
        IReadOnlyList<string> values = Flags(name);
        if (values.Count > 1)
            Fail($"Duplicate flag specified: {name}");
        return values.Count > 0 ? values[0] : null;
    }

    public IReadOnlyList<string> Flags(string name)
    {
        _known.Add(name);
        List<string> values = [];
        foreach ((string given, string? value) in _flags.Where(flag => flag.Name == name))
        {
            if (value is null)
                Fail($"Missing a value on flag: {given}");
            else
                values.Add(value);
        }
        return values;
    }

    public bool? BooleanFlag(string name)
    {
        _known.Add(name);
        List<string?> values = [.. _flags.Where(flag => flag.Name == name).Select(flag => flag.Value)];
        if (values.Count > 1)
            Fail($"Duplicate flag specified: {name}");
        if (values.Count == 0)
            return null;
        if (values[0] is null or "true" or "")
            return true;
        if (!string.Equals(values[0], "false", StringComparison.OrdinalIgnoreCase))
            Fail($"Expecting boolean value for flag {name}, not: {values[0]}");
        return false;
    }

    public TimeSpan DurationFlag(string name)
    {
        if (Flag(name) is not { Length: > 0 } text)
            return TimeSpan.Zero;
        if (!GoDuration.TryParse(text, out TimeSpan duration))
            Fail($"time: invalid duration \"{text}\"");
        else if (duration != TimeSpan.Zero && duration < TimeSpan.FromMilliseconds(1))
            Fail($"Interval \"{name}\" cannot be less than 1ms");
        return duration;
    }

    public int NumberFlag(string name)
    {
        if (Flag(name) is not { Length: > 0 } text)
            return 0;
        if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number))
            Fail($"strconv.ParseInt: parsing \"{text}\": invalid syntax");
        else if (number < 0)
            Fail($"--{name} cannot be negative ({number})");
        return number;
    }

    /// <summary>False when a flag is unknown, or something failed already; the record is then not made.</summary>
    public bool Finish()
    {
        foreach ((string name, _) in _flags.Where(flag => !_known.Contains(flag.Name)))
            Fail($"unknown flag: --{name}{Spelling.Suggest(name, _known)}");
        return !_failed;
    }

    // Flags stand before everything else; "--" alone ends them.
    private string TakeFlags(string rest)
    {
        while (rest.StartsWith("--", StringComparison.Ordinal))
        {
            int end = Words.EndOfWord(rest, 0, Escape);
            string word = rest[..end];
            rest = rest[end..].TrimStart();
            if (word == "--")
                return rest;
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            _flags.Add(equals < 0 ? (word[2..], null) : (word[2..equals], Words.Unquote(word[(equals + 1)..])));
        }
        return rest;
    }
}
