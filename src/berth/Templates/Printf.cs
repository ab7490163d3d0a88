using System.Globalization;
using System.Text;
using Berth.Cli.Text;

namespace Berth.Cli.Templates;

/// <summary>Go's <c>fmt.Sprintf</c> for the values of templates.</summary>
internal static class Printf
{
    private const int WidthMax = 4096;

    public static string Format(string format, List<object?> arguments)
    {
        StringBuilder output = new();
        int next = 0;
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%')
            {
                output.Append(format[i]);
                continue;
            }
            int start = ++i;
            while (i < format.Length && format[i] is '-' or '+' or '#' or ' ' or '0')
                i++;
            string flags = format[start..i];
            int width = Number(format, ref i) ?? 0;
            int? precision = null;
            if (i < format.Length && format[i] == '.')
            {
                i++;
                precision = Number(format, ref i) ?? 0;
            }
            if (i >= format.Length)
            {
                output.Append("%!(NOVERB)");
                break;
            }
            if (format[i] == '%')
                output.Append('%');
            else if (next >= arguments.Count)
                output.Append("%!").Append(format[i]).Append("(MISSING)");
            else
                output.Append(Pad(One(format[i], flags, precision, arguments[next++]), flags, width));
        }
        if (next < arguments.Count)
        {
            output.Append("%!(EXTRA ")
                .AppendJoin(", ", arguments.Skip(next).Select(static a => $"{Kind(a)}={Value.Print(a, false)}")).Append(')');
        }
        return output.ToString();
    }

    private static string One(char verb, string flags, int? precision, object? value)
    {
        string sign = flags.Contains('+') && value is long and >= 0 or double and >= 0 && flags.Contains('+') ? "+" : "";
        switch (verb)
        {
            case 'v':
                return sign + Value.Print(value, false);
            case 's' when value is not (long or double or bool):
                string text = Value.Print(value, false);
                return precision is { } most && text.Length > most ? text[..most] : text;
            case 'q' when value is string quoted:
                return GoValue.Quote(quoted);
            case 'd' when value is long whole:
                return sign + whole.ToString(CultureInfo.InvariantCulture);
            case 'x' when value is long hex:
                return hex.ToString("x", CultureInfo.InvariantCulture);
            case 'X' when value is long upper:
                return upper.ToString("X", CultureInfo.InvariantCulture);
            case 'x' when value is string bytes:
                return Convert.ToHexStringLower(Encoding.UTF8.GetBytes(bytes));
            case 'o' when value is long octal:
                return Convert.ToString(octal, 8);
            case 'b' when value is long binary:
                return Convert.ToString(binary, 2);
            case 'c' when value is long and >= 0 and <= 0x10FFFF:
                return Rune.IsValid((int)(long)value) ? new Rune((int)(long)value).ToString() : "\uFFFD";
            case 't' when value is bool flag:
                return flag ? "true" : "false";
            case 'f' when value is double real:
                return sign + real.ToString("F" + (precision ?? 6), CultureInfo.InvariantCulture);
            case 'g' when value is double general:
                return sign + (precision is { } digits ? GoValue.Significant(general, digits) : Value.Print(general, false));
            case 'T':
                return Kind(value);
            default:
                return $"%!{verb}({Kind(value)}={Value.Print(value, false)})";
        }
    }

    private static string Pad(string text, string flags, int width)
    {
        int missing = width - text.EnumerateRunes().Count();
        if (missing <= 0)
            return text;
        if (flags.Contains('-'))
            return text + new string(' ', missing);
        if (!flags.Contains('0'))
            return new string(' ', missing) + text;
        return text.Length > 0 && text[0] is '-' or '+'
            ? text[0] + new string('0', missing) + text[1..] : new string('0', missing) + text;
    }

    private static int? Number(string format, ref int i)
    {
        int start = i;
        while (i < format.Length && char.IsAsciiDigit(format[i]))
            i++;
        return int.TryParse(format.AsSpan(start, i - start), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? Math.Min(number, WidthMax) : null;
    }

    private static string Kind(object? value) => value switch
    {
        null => "<nil>",
        string => "string",
        bool => "bool",
        long => "int",
        double => "float64",
        _ => "map[string]interface {}",
    };
}
