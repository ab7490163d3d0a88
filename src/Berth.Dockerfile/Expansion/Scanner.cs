using System.Text;

namespace Berth.Dockerfile.Expansion;

/// <summary>Reads one word character by character. Failures are <see cref="FormatException"/> with the cause alone.</summary>
internal sealed class Scanner(WordExpander options, char escape, string word, Func<string, string?> lookup)
{
    private const char End = '\0';
    private int _at;

    private bool AtEnd => _at >= word.Length;

    private char Peek => AtEnd ? End : word[_at];

    /// <summary>Reads up to the stop character or, when that is <c>\0</c>, the end.</summary>
    public void Process(WordExpander.Output output, char stop, bool rawEscapes, int depth)
    {
        if (depth > WordExpander.DepthMax)
            throw new FormatException($"nested deeper than {WordExpander.DepthMax}");
        while (!AtEnd)
        {
            char c = word[_at++];
            if (stop != End && c == stop)
                return;
            if (c == '\'' && !options.IgnoreQuotes)
                SingleQuote(output);
            else if (c == '"' && !options.IgnoreQuotes)
                DoubleQuote(output, rawEscapes, depth);
            else if (c == '$')
                output.AddValue(Dollar(depth));
            else if (c == escape)
                Escaped(output, rawEscapes);
            else
                output.Add(c);
        }
        if (stop != End)
            throw new FormatException("syntax error: missing '}'");
    }

    private void Escaped(WordExpander.Output output, bool rawEscapes)
    {
        if (rawEscapes)
            output.AddQuoted([escape]);
        if (!AtEnd)
            output.AddQuoted([word[_at++]]);
    }

    private void SingleQuote(WordExpander.Output output)
    {
        int close = word.IndexOf('\'', _at);
        if (close < 0)
            throw new FormatException("unexpected end of statement while looking for matching single-quote");
        output.AddQuoted(word.AsSpan(_at, close - _at));
        _at = close + 1;
    }

    private void DoubleQuote(WordExpander.Output output, bool rawEscapes, int depth)
    {
        output.AddQuoted("");
        while (!AtEnd)
        {
            char c = word[_at++];
            if (c == '"')
                return;
            if (c == '$')
            {
                output.AddQuoted(Dollar(depth));
                continue;
            }
            if (c == escape && !AtEnd && (Peek is '"' or '$' || Peek == escape))
            {
                if (rawEscapes)
                    output.AddQuoted([escape]);
                c = word[_at++];
            }
            output.AddQuoted([c]);
        }
        throw new FormatException("unexpected end of statement while looking for matching double-quote");
    }

    private string Dollar(int depth)
    {
        if (Peek != '{')
        {
            string name = Name();
            if (name.Length == 0)
                return "$";
            return Value(name) ?? (options.KeepUnset ? "$" + name : "");
        }
        int start = _at - 1;
        _at++;
        if (AtEnd)
            throw new FormatException("syntax error: missing '}'");
        if (Peek is '{' or '}' or ':')
            throw new FormatException("syntax error: bad substitution");
        return Braced(Name(), start, depth);
    }

    private string Braced(string name, int start, int depth)
    {
        if (AtEnd)
            throw new FormatException("syntax error: missing '}'");
        string? value = Value(name);
        char form = word[_at++];
        if (form == '}')
            return value ?? (options.KeepUnset ? word[start.._at] : "");
        bool nullIsUnset = form == ':';
        if (nullIsUnset)
            form = AtEnd ? throw new FormatException("syntax error: missing '}'") : word[_at++];
        if (name.Length == 0 || !(form is '-' or '+' or '?' || (!nullIsUnset && form is '#' or '%' or '/')))
            throw new FormatException($"unsupported modifier ({(nullIsUnset ? ":" : "")}{form}) in substitution");
        if (form == '/')
            return Replaced(value, start, depth);
        string operand = Operand('}', rawEscapes: form is '#' or '%', depth);
        if (options.KeepUnset && value is null)
            return word[start.._at];
        bool unset = value is null || (nullIsUnset && value.Length == 0);
        return form switch
        {
            '-' => unset ? operand : value!,
            '+' => unset ? "" : operand,
            '?' => !unset ? value! : throw new FormatException(
                $"{name}: {(operand.Length > 0 ? operand : value is null ? "is not allowed to be unset" : "is not allowed to be empty")}"),
            '#' => ShellPattern.TrimPrefix(value ?? "", Greedy(ref operand, '#'), operand),
            _ => ShellPattern.TrimSuffix(value ?? "", Greedy(ref operand, '%'), operand),
        };
    }

    private static bool Greedy(ref string operand, char form)
    {
        if (operand.Length == 0 || operand[0] != form)
            return false;
        operand = operand[1..];
        return true;
    }

    private string Replaced(string? value, int start, int depth)
    {
        bool all = Peek == '/';
        if (all)
            _at++;
        string pattern = Operand('/', rawEscapes: true, depth);
        string replacement = Operand('}', rawEscapes: false, depth);
        if (options.KeepUnset && value is null)
            return word[start.._at];
        return ShellPattern.Replace(value ?? "", pattern, replacement, all);
    }

    private string Operand(char stop, bool rawEscapes, int depth)
    {
        WordExpander.Output operand = new();
        Process(operand, stop, rawEscapes, depth + 1);
        return operand.Text.ToString();
    }

    // A name, a positional parameter's digits, or one of the shell's special parameters.
    private string Name()
    {
        int start = _at;
        if (char.IsAsciiDigit(Peek))
        {
            while (char.IsAsciiDigit(Peek))
                _at++;
            return word[start.._at];
        }
        if (Peek is '@' or '*' or '#' or '?' or '-' or '!' or '$')
            return word[_at++].ToString();
        while (char.IsLetterOrDigit(Peek) || Peek == '_')
            _at++;
        return word[start.._at];
    }

    private string? Value(string name)
    {
        string? value = name.Length == 0 ? null : lookup(name);
        if (value is null && name.Length > 0)
            options.OnUnset?.Invoke(name);
        return value;
    }
}
