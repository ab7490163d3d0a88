using System.Globalization;
using System.Text;

namespace Berth.Cli.Templates;

internal enum TokenKind
{
    Text, Open, Close, Field, Variable, Identifier, Dot, String, Char, Number, Pipe, OpenParen, CloseParen, Comma, Declare, Assign,
    Space, End,
}

/// <summary>A piece of a template; <paramref name="Position"/> counts from its start.</summary>
internal readonly record struct Token(TokenKind Kind, string Text, int Position);

/// <summary>Cuts a template of Go's text/template language into tokens.</summary>
internal sealed class Lexer(string text)
{
    private readonly List<Token> _tokens = [];
    private int _at;

    /// <exception cref="TemplateException">An unclosed action, string or comment, or a character that has no meaning.</exception>
    public List<Token> Run()
    {
        while (_at < text.Length)
        {
            int open = text.IndexOf("{{", _at, StringComparison.Ordinal);
            if (open < 0)
            {
                AddText(text[_at..]);
                _at = text.Length;
                break;
            }
            bool trim = open + 3 < text.Length && text[open + 2] == '-' && char.IsWhiteSpace(text[open + 3]);
            string before = text[_at..open];
            AddText(trim ? before.TrimEnd() : before);
            _at = open + (trim ? 3 : 2);
            if (!SkipComment())
                Action(open);
        }
        _tokens.Add(new Token(TokenKind.End, "EOF", text.Length));
        return _tokens;
    }

    private void AddText(string part)
    {
        if (part.Length > 0)
            _tokens.Add(new Token(TokenKind.Text, part, _at));
    }

    private bool SkipComment()
    {
        int start = _at;
        while (start < text.Length && char.IsWhiteSpace(text[start]))
            start++;
        if (string.CompareOrdinal(text, start, "/*", 0, 2) != 0)
            return false;
        int end = text.IndexOf("*/", start + 2, StringComparison.Ordinal);
        if (end < 0)
            throw Failure("unclosed comment");
        _at = end + 2;
        if (!TryClose(addToken: false))
            throw Failure("comment ends before closing delimiter");
        return true;
    }

    private void Action(int open)
    {
        _tokens.Add(new Token(TokenKind.Open, "{{", open));
        while (!TryClose(addToken: true))
        {
            if (_at >= text.Length)
                throw Failure("unclosed action");
            Next();
        }
    }

    private bool TryClose(bool addToken)
    {
        int at = _at;
        bool trim = at + 3 < text.Length + 1 && at < text.Length && char.IsWhiteSpace(text[at])
            && string.CompareOrdinal(text, at + 1, "-}}", 0, 3) == 0;
        if (!trim && string.CompareOrdinal(text, at, "}}", 0, 2) != 0)
            return false;
        if (addToken)
            _tokens.Add(new Token(TokenKind.Close, "}}", at));
        _at = at + (trim ? 4 : 2);
        if (trim)
        {
            while (_at < text.Length && char.IsWhiteSpace(text[_at]))
                _at++;
        }
        return true;
    }

    private void Next()
    {
        int start = _at;
        char c = text[_at];
        if (char.IsWhiteSpace(c))
        {
            // A trim marker needs its blank, so blanks are taken only as far as they do not belong to it.
            while (_at < text.Length && char.IsWhiteSpace(text[_at]) && string.CompareOrdinal(text, _at + 1, "-}}", 0, 3) != 0)
                _at++;
            if (_at == start)
                _at++;
            Add(TokenKind.Space, start);
        }
        else if (c == '"')
            Quoted(start);
        else if (c == '`')
            RawString(start);
        else if (c == '\'')
            Character(start);
        else if (c == '$')
        {
            _at++;
            Word();
            Add(TokenKind.Variable, start);
        }
        else if (c == '.' && !(_at + 1 < text.Length && char.IsAsciiDigit(text[_at + 1])))
        {
            _at++;
            Word();
            Add(_at == start + 1 ? TokenKind.Dot : TokenKind.Field, start);
        }
        else if (char.IsAsciiDigit(c) || ((c is '+' or '-' or '.') && _at + 1 < text.Length && char.IsAsciiDigit(text[_at + 1])))
        {
            _at++;
            while (_at < text.Length && (char.IsAsciiLetterOrDigit(text[_at]) || text[_at] is '.' or '_'))
                _at++;
            Add(TokenKind.Number, start);
        }
        else if (c == '_' || char.IsLetter(c))
        {
            Word();
            Add(TokenKind.Identifier, start);
        }
        else
            Symbol(c, start);
    }

    private void Symbol(char c, int start)
    {
        _at++;
        if (c == ':' && _at < text.Length && text[_at] == '=')
        {
            _at++;
            Add(TokenKind.Declare, start);
            return;
        }
        TokenKind kind = c switch
        {
            '|' => TokenKind.Pipe,
            '(' => TokenKind.OpenParen,
            ')' => TokenKind.CloseParen,
            ',' => TokenKind.Comma,
            '=' => TokenKind.Assign,
            _ => throw Failure($"unexpected {Text.GoValue.Quote(c.ToString())} in operand"),
        };
        Add(kind, start);
    }

    private void Word()
    {
        while (_at < text.Length && (text[_at] == '_' || char.IsLetterOrDigit(text[_at])))
            _at++;
    }

    private void Quoted(int start)
    {
        StringBuilder value = new();
        for (_at++; _at < text.Length && text[_at] != '"'; _at++)
        {
            if (text[_at] == '\n')
                break;
            value.Append(text[_at] == '\\' ? Escape() : text[_at].ToString());
        }
        if (_at >= text.Length || text[_at] != '"')
            throw Failure("unterminated quoted string");
        _at++;
        _tokens.Add(new Token(TokenKind.String, value.ToString(), start));
    }

    private string Escape()
    {
        _at++;
        if (_at >= text.Length)
            throw Failure("unterminated quoted string");
        char c = text[_at];
        int digits = c switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
        if (digits > 0 && _at + digits < text.Length
            && int.TryParse(text.AsSpan(_at + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int rune)
            && Rune.IsValid(rune))
        {
            _at += digits;
            return new Rune(rune).ToString();
        }
        return c switch
        {
            'n' => "\n",
            't' => "\t",
            'r' => "\r",
            'a' => "\a",
            'b' => "\b",
            'f' => "\f",
            'v' => "\v",
            '\\' or '"' or '\'' => c.ToString(),
            _ => throw Failure("invalid syntax"),
        };
    }

    private void RawString(int start)
    {
        int end = text.IndexOf('`', start + 1);
        if (end < 0)
            throw Failure("unterminated raw quoted string");
        _at = end + 1;
        _tokens.Add(new Token(TokenKind.String, text[(start + 1)..end], start));
    }

    private void Character(int start)
    {
        _at++;
        string value = _at < text.Length && text[_at] == '\\' ? Escape() : _at < text.Length ? text[_at].ToString() : "";
        _at++;
        if (_at >= text.Length || text[_at] != '\'')
            throw Failure("unterminated character constant");
        _at++;
        _tokens.Add(new Token(TokenKind.Char, value, start));
    }

    private void Add(TokenKind kind, int start) => _tokens.Add(new Token(kind, text[start.._at], start));

    private TemplateException Failure(string problem) => new($"template: :{Line(text, _at)}: {problem}");

    public static int Line(string text, int position) => 1 + text.AsSpan(0, Math.Min(position, text.Length)).Count('\n');
}
