using System.Globalization;
using System.Text;
using Berth.Faults;

namespace Berth.Engine;

/// <summary>Fills in a log tag such as <c>{{.ImageName}}/{{.Name}}</c>: Docker's fields, and the functions that make sense for one
/// line (<c>lower upper title truncate</c>), by call or by pipe.</summary>
internal static class TagTemplate
{
    private const int BytesMax = 4096;

    /// <exception cref="FaultException">InvalidArgument: it cannot be read.</exception>
    public static string Fill(string template, LogSource source)
    {
        if (template.Length > BytesMax)
            throw FaultException.Invalid($"log tag: longer than {BytesMax} characters");
        StringBuilder text = new();
        int at = 0;
        while (template.IndexOf("{{", at, StringComparison.Ordinal) is >= 0 and int open)
        {
            int close = template.IndexOf("}}", open, StringComparison.Ordinal);
            if (close < 0)
                throw Wrong(template, "unclosed action");
            text.Append(template, at, open - at);
            text.Append(new Expression(template, template[(open + 2)..close].Trim(' ', '-'), source).Value());
            at = close + 2;
        }
        return text.Append(template, at, template.Length - at).ToString();
    }

    private static FaultException Wrong(string template, string why) => FaultException.Invalid($"template: log-tag: {template}: {why}");

    private ref struct Expression(string template, ReadOnlySpan<char> rest, LogSource source)
    {
        private ReadOnlySpan<char> _rest = rest;

        public string Value()
        {
            string value = Call(null);
            while (TryTake('|'))
                value = Call(value);
            return _rest.IsEmpty ? value : throw Wrong(template, $"unexpected \"{_rest}\"");
        }

        private string Call(string? piped)
        {
            Skip();
            if (_rest.IsEmpty)
                throw Wrong(template, "missing value");
            if (!char.IsAsciiLetter(_rest[0]))
                return piped is null ? Term() : throw Wrong(template, "non executable command in pipeline");
            string function = Word();
            List<string> arguments = [];
            for (Skip(); !_rest.IsEmpty && _rest[0] is not ('|' or ')'); Skip())
                arguments.Add(Term());
            if (piped is not null)
                arguments.Add(piped);
            return (function, arguments) switch
            {
                ("lower", [var text]) => text.ToLowerInvariant(),
                ("upper", [var text]) => text.ToUpperInvariant(),
                ("title", [var text]) => CultureInfo.InvariantCulture.TextInfo.ToTitleCase(text),
                ("print" or "println" or "json", [var text]) => function == "json" ? $"\"{text}\"" : text,
                ("truncate", [var text, var count]) when int.TryParse(count, out int length) && length >= 0 =>
                    text.Length > length ? text[..length] : text,
                ("lower" or "upper" or "title" or "truncate" or "print" or "println" or "json", _) =>
                    throw Wrong(template, $"wrong number of args for {function}"),
                _ => throw Wrong(template, $"function \"{function}\" not defined"),
            };
        }

        private string Term()
        {
            Skip();
            if (TryTake('('))
            {
                // (.ExtraAttributes nil).NAME, the one value that is no text.
                if (_rest.StartsWith(".ExtraAttributes", StringComparison.Ordinal) && _rest.IndexOf(')') is > 0 and int end)
                {
                    _rest = _rest[(end + 1)..];
                    return TryTake('.') ? source.Attributes.GetValueOrDefault(Word(), "<no value>")
                        : throw Wrong(template, "a name is expected after .ExtraAttributes");
                }
                string inner = Call(null);
                return TryTake(')') ? inner : throw Wrong(template, "unclosed left paren");
            }
            if (TryTake('"'))
            {
                int quote = _rest.IndexOf('"');
                string text = quote >= 0 ? _rest[..quote].ToString() : throw Wrong(template, "unterminated quoted string");
                _rest = _rest[(quote + 1)..];
                return text;
            }
            return TryTake('.') ? Field(Word()) : Word();
        }

        private string Field(string name) => name switch
        {
            "ID" => source.ShortId,
            "FullID" => source.Id,
            "Name" => source.Name,
            "ImageID" => source.ImageId[..12],
            "ImageFullID" => source.ImageId,
            "ImageName" => source.ImageName,
            "DaemonName" => "docker",
            "Command" => source.Command,
            "Hostname" => Environment.MachineName,
            _ => throw Wrong(template, $"can't evaluate field {name} in type *logger.Info"),
        };

        private string Word()
        {
            int length = 0;
            while (length < _rest.Length && (char.IsLetterOrDigit(_rest[length]) || _rest[length] == '_'))
                length++;
            if (length == 0)
                throw Wrong(template, "a name is expected");
            string word = _rest[..length].ToString();
            _rest = _rest[length..];
            return word;
        }

        private bool TryTake(char wanted)
        {
            Skip();
            if (_rest.IsEmpty || _rest[0] != wanted)
                return false;
            _rest = _rest[1..];
            return true;
        }

        private void Skip() => _rest = _rest.TrimStart(' ');
    }
}
