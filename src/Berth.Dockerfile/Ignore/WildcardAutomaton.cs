using System.Text;

namespace Berth.Dockerfile.Ignore;

/// <summary>
/// Matches wildcards by following all possibilities at once: the time is the product of both lengths, whatever the pattern, so
/// that no pattern of a stranger can make it explode.
/// </summary>
internal sealed class WildcardAutomaton
{
    private readonly Token[] _tokens;

    private WildcardAutomaton(Token[] tokens) => _tokens = tokens;

    private enum Kind { Literal, AnyButSlash, StarButSlash, StarAll, Optional, Class }

    /// <summary>Go's path rules with <c>**</c>, which also stands for any number of directories.</summary>
    /// <exception cref="FormatException">A bracket is not closed or the pattern ends in its escape.</exception>
    public static WildcardAutomaton ForPath(string pattern)
    {
        List<Token> tokens = [];
        for (int i = 0; i < pattern.Length;)
        {
            char c = pattern[i++];
            if (c == '*' && i < pattern.Length && pattern[i] == '*')
                DoubleStar(pattern, tokens, ref i);
            else if (c == '*')
                tokens.Add(new Token(Kind.StarButSlash));
            else if (c == '?')
                tokens.Add(new Token(Kind.AnyButSlash));
            else if (c == '[')
                tokens.Add(ReadClass(pattern, ref i));
            else if (c == '\\')
                tokens.Add(new Token(
                    Kind.Literal, i < pattern.Length ? pattern[i++] : throw new FormatException("syntax error in pattern")));
            else
                tokens.Add(new Token(Kind.Literal, c));
        }
        return new WildcardAutomaton([.. tokens]);
    }

    /// <summary>A shell's <c>*</c>, <c>?</c> and escapes; slashes are ordinary.</summary>
    public static WildcardAutomaton ForShell(string pattern)
    {
        List<Token> tokens = [];
        for (int i = 0; i < pattern.Length; i++)
        {
            tokens.Add(pattern[i] switch
            {
                '*' => new Token(Kind.StarAll),
                '?' => new Token(Kind.Class, Set: new CharacterSet(Negated: true, [])),
                '\\' when i + 1 < pattern.Length => new Token(Kind.Literal, pattern[++i]),
                char c => new Token(Kind.Literal, c),
            });
        }
        return new WildcardAutomaton([.. tokens]);
    }

    public bool IsMatch(ReadOnlySpan<char> text)
    {
        Span<bool> states = _tokens.Length < 500 ? stackalloc bool[_tokens.Length + 1] : new bool[_tokens.Length + 1];
        Span<bool> next = _tokens.Length < 500 ? stackalloc bool[_tokens.Length + 1] : new bool[_tokens.Length + 1];
        Start(states);
        foreach (char c in text)
        {
            if (!Step(states, next, c))
                return false;
            next.CopyTo(states);
        }
        return states[^1];
    }

    /// <summary>True when some longer text that begins so could match.</summary>
    public bool CouldMatchBeyond(ReadOnlySpan<char> prefix)
    {
        bool[] states = new bool[_tokens.Length + 1];
        bool[] next = new bool[_tokens.Length + 1];
        Start(states);
        foreach (char c in prefix)
        {
            if (!Step(states, next, c))
                return false;
            (states, next) = (next, states);
        }
        return states.AsSpan(0, _tokens.Length).Contains(true);
    }

    /// <summary>Length of the shortest or longest beginning that matches; -1 when none does.</summary>
    public int PrefixLength(ReadOnlySpan<char> text, bool greedy)
    {
        bool[] states = new bool[_tokens.Length + 1];
        bool[] next = new bool[_tokens.Length + 1];
        Start(states);
        int found = states[^1] ? 0 : -1;
        for (int i = 0; i < text.Length && (greedy || found < 0); i++)
        {
            if (!Step(states, next, text[i]))
                break;
            (states, next) = (next, states);
            if (states[^1])
                found = i + 1;
        }
        return found;
    }

    private static void DoubleStar(string pattern, List<Token> tokens, ref int i)
    {
        while (i < pattern.Length && pattern[i] == '*')
            i++;
        if (i < pattern.Length && pattern[i] == '/')
        {
            // Any number of whole directories, also none: "(.*/)?".
            i++;
            tokens.Add(new Token(Kind.Optional));
            tokens.Add(new Token(Kind.StarAll));
            tokens.Add(new Token(Kind.Literal, '/'));
            return;
        }
        tokens.Add(new Token(Kind.StarAll));
    }

    private static Token ReadClass(string pattern, ref int i)
    {
        List<(char, char)> ranges = [];
        bool negated = i < pattern.Length && pattern[i] == '^';
        if (negated)
            i++;
        while (true)
        {
            if (i < pattern.Length && pattern[i] == ']' && ranges.Count > 0)
            {
                i++;
                return new Token(Kind.Class, Set: new CharacterSet(negated, [.. ranges]));
            }
            char low = ClassCharacter(pattern, ref i);
            char high = low;
            if (i < pattern.Length && pattern[i] == '-')
            {
                i++;
                high = ClassCharacter(pattern, ref i);
            }
            ranges.Add((low, high));
        }
    }

    private static char ClassCharacter(string pattern, ref int i)
    {
        if (i >= pattern.Length || pattern[i] is '-' or ']')
            throw new FormatException("syntax error in pattern");
        if (pattern[i] == '\\' && ++i >= pattern.Length)
            throw new FormatException("syntax error in pattern");
        return pattern[i++];
    }

    private void Start(Span<bool> states)
    {
        states.Clear();
        states[0] = true;
        Close(states);
    }

    // Stars may be passed over; an optional group may be jumped.
    private void Close(Span<bool> states)
    {
        for (int i = 0; i < _tokens.Length; i++)
        {
            if (!states[i])
                continue;
            if (_tokens[i].Kind is Kind.StarButSlash or Kind.StarAll)
                states[i + 1] = true;
            else if (_tokens[i].Kind == Kind.Optional)
                states[i + 1] = states[i + 3] = true;
        }
    }

    private bool Step(Span<bool> states, Span<bool> next, char c)
    {
        next.Clear();
        bool any = false;
        for (int i = 0; i < _tokens.Length; i++)
        {
            if (!states[i])
                continue;
            Token token = _tokens[i];
            bool passes = token.Kind switch
            {
                Kind.Literal => token.Character == c,
                Kind.AnyButSlash or Kind.StarButSlash => c != '/',
                Kind.StarAll => true,
                Kind.Class => token.Set!.Contains(c),
                _ => false,
            };
            if (!passes)
                continue;
            any = true;
            next[token.Kind is Kind.StarButSlash or Kind.StarAll ? i : i + 1] = true;
        }
        if (any)
            Close(next);
        return any;
    }

    private readonly record struct Token(Kind Kind, char Character = '\0', CharacterSet? Set = null);

    private sealed record CharacterSet(bool Negated, (char Low, char High)[] Ranges)
    {
        public bool Contains(char c) => Ranges.Any(range => c >= range.Low && c <= range.High) != Negated;
    }
}
