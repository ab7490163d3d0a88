using System.Globalization;
using System.Text;
using Berth.Faults;
using Berth.Runtime.Bus;

namespace Berth.Runtime.Systemd;

/// <summary>Reads a value in GVariant's text form: <c>true</c>, <c>5</c>, <c>uint64 5</c>, <c>'text'</c>, <c>['a', 'b']</c>,
/// <c>('a', 1)</c>, <c>@as []</c>, <c>&lt;1&gt;</c>.</summary>
/// <remarks>https://docs.gtk.org/glib/gvariant-text.html, without dictionaries, maybe types and byte strings: no property needs
/// them.</remarks>
internal ref struct VariantText
{
    private const int DepthMax = 16;

    private static readonly Dictionary<string, string> s_names = new(StringComparer.Ordinal)
    {
        ["boolean"] = "b", ["byte"] = "y", ["int16"] = "n", ["uint16"] = "q", ["int32"] = "i", ["uint32"] = "u", ["int64"] = "x",
        ["uint64"] = "t", ["double"] = "d", ["string"] = "s", ["objectpath"] = "o", ["signature"] = "g",
    };

    private readonly ReadOnlySpan<char> _text;
    private int _at;

    private VariantText(ReadOnlySpan<char> text) => _text = text;

    /// <summary>Reads one value, which is the whole text.</summary>
    /// <exception cref="FaultException">InvalidArgument: it is none.</exception>
    public static BusValue Parse(string text)
    {
        VariantText reader = new(text);
        BusValue value = reader.Read(null, 0);
        reader.SkipSpace();
        return reader._at == text.Length ? value : throw FaultException.Invalid($"unexpected text at {reader._at}");
    }

    private BusValue Read(string? type, int depth)
    {
        SkipSpace();
        if (depth > DepthMax)
            throw FaultException.Invalid("it is nested too deep");
        switch (Peek())
        {
            case '\'' or '"':
                return Typed(type ?? "s", Quoted());
            case '[':
                return ReadArray(type, depth);
            case '(':
                return ReadTuple(type, depth);
            case '<':
                _at++;
                BusValue inner = Read(null, depth + 1);
                Expect('>');
                return new BusVariant(inner);
            case '@':
                _at++;
                return Read(Word(), depth + 1);
        }
        string word = Word();
        if (s_names.TryGetValue(word, out string? named))
            return Read(named, depth + 1);
        if (type is "s" or "o" or "g")
            throw FaultException.Invalid($"{word} is no text: quotes are missing");
        bool isReal = word.AsSpan().ContainsAny('.', 'e') && !word.StartsWith("0x", StringComparison.Ordinal);
        return Typed(type ?? (word is "true" or "false" ? "b" : isReal ? "d" : "i"), word);
    }

    private BusArray ReadArray(string? type, int depth)
    {
        Expect('[');
        string? element = type is ['a', ..] ? type[1..] : type is null ? null : throw Wrong(type);
        List<BusValue> items = [];
        while (!TryTake(']'))
        {
            if (items.Count > 0)
                Expect(',');
            items.Add(Read(element, depth + 1));
            element ??= items[0].Signature;
            if (items[^1].Signature != element)
                throw FaultException.Invalid("an array's values are of one type");
        }
        return element is null ? throw FaultException.Invalid("an empty array needs its type: @as []") : new BusArray(element, items);
    }

    private BusTuple ReadTuple(string? type, int depth)
    {
        Expect('(');
        ReadOnlySpan<char> types = type is null ? default : type is ['(', .., ')'] ? type.AsSpan(1, type.Length - 2) : throw Wrong(type);
        List<BusValue> fields = [];
        while (!TryTake(')'))
        {
            if (fields.Count > 0)
                Expect(',');
            int length = types.IsEmpty ? 0 : BusSignature.LengthOfFirst(types);
            fields.Add(Read(length == 0 ? null : types[..length].ToString(), depth + 1));
            types = types[length..];
        }
        return types.IsEmpty && fields.Count > 0 ? new BusTuple(fields)
            : throw FaultException.Invalid("a tuple has other than its type's values");
    }

    private static BusValue Typed(string type, string text)
    {
        CultureInfo plain = CultureInfo.InvariantCulture;
        bool isHex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        switch (type)
        {
            case "s" or "o" or "g":
                return new BusText(type, text);
            case "b" when text is "true" or "false":
                return BusValue.Of(text == "true");
            case "d" when double.TryParse(text, plain, out double real):
                return new BusNumber("d", BitConverter.DoubleToUInt64Bits(real));
            case "n" or "i" or "x" when long.TryParse(text, NumberStyles.AllowLeadingSign, plain, out long number) && Fits(number, type):
                return new BusNumber(type, (ulong)number);
            case "y" or "q" or "u" or "t" or "n" or "i" or "x" when isHex
                && ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, plain, out ulong hex) && Fits(hex, type):
                return new BusNumber(type, hex);
            case "y" or "q" or "u" or "t" when ulong.TryParse(text, NumberStyles.None, plain, out ulong whole) && Fits(whole, type):
                return new BusNumber(type, whole);
        }
        throw FaultException.Invalid($"{text} is no value of type {type}");
    }

    private static bool Fits(long number, string type) => type switch
    {
        "n" => number is >= short.MinValue and <= short.MaxValue,
        "i" => number is >= int.MinValue and <= int.MaxValue,
        _ => true,
    };

    private static bool Fits(ulong number, string type) => type switch
    {
        "y" => number <= byte.MaxValue,
        "q" => number <= ushort.MaxValue,
        "u" => number <= uint.MaxValue,
        "n" => number <= (ulong)short.MaxValue,
        "i" => number <= int.MaxValue,
        "x" => number <= long.MaxValue,
        _ => true,
    };

    private string Quoted()
    {
        char quote = _text[_at++];
        StringBuilder text = new();
        while (_at < _text.Length && _text[_at] != quote)
        {
            char one = _text[_at++];
            if (one != '\\')
                text.Append(one);
            else if (_at < _text.Length)
            {
                char escaped = _text[_at++];
                text.Append(escaped switch { 'n' => '\n', 't' => '\t', 'r' => '\r', _ => escaped });
            }
        }
        return _at++ < _text.Length ? text.ToString() : throw FaultException.Invalid("a string has no end");
    }

    // A name, a number, or after @ a type.
    private string Word()
    {
        int start = _at;
        while (_at < _text.Length && (char.IsAsciiLetterOrDigit(_text[_at]) || "+-._".Contains(_text[_at])
            || (start > 0 && _text[start - 1] == '@' && "(){}".Contains(_text[_at]))))
            _at++;
        return _at > start ? _text[start.._at].ToString() : throw FaultException.Invalid($"a value is expected at {start}");
    }

    private readonly char Peek() => _at < _text.Length ? _text[_at] : '\0';

    private bool TryTake(char wanted)
    {
        SkipSpace();
        if (Peek() != wanted)
            return _at >= _text.Length ? throw FaultException.Invalid($"{wanted} is missing at the end") : false;
        _at++;
        return true;
    }

    private void Expect(char wanted)
    {
        if (!TryTake(wanted))
            throw FaultException.Invalid($"{wanted} is expected at {_at}");
    }

    private void SkipSpace()
    {
        while (_at < _text.Length && char.IsWhiteSpace(_text[_at]))
            _at++;
    }

    private static FaultException Wrong(string type) => FaultException.Invalid($"the value is not of type {type}");
}
