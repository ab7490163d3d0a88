using System.Globalization;
using System.Text;

namespace Berth.Cli.Text;

/// <summary>Reads and writes values as Go's libraries do, since Docker's options and output are defined by them.</summary>
internal static class GoValue
{
    private static readonly System.Buffers.SearchValues<char> s_number = System.Buffers.SearchValues.Create("0123456789.");

    public static bool TryParseBool(string text, out bool value)
    {
        value = text is "1" or "t" or "T" or "true" or "TRUE" or "True";
        return value || text is "0" or "f" or "F" or "false" or "FALSE" or "False";
    }

    public static bool ParseBool(string text) => TryParseBool(text, out bool value) && value;

    public static bool TryParseInt(string text, out long value)
    {
        string digits = text.StartsWith('+') ? text[1..] : text;
        if (digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
            return long.TryParse(digits.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
        return long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
    }

    /// <summary>go-units RAMInBytes: <c>64m</c>, <c>1.5GiB</c>; powers of 1024.</summary>
    public static bool TryParseBytes(string text, out long value)
    {
        value = 0;
        ReadOnlySpan<char> rest = text.AsSpan();
        int digits = rest.LastIndexOfAnyInRange('0', '9') + 1;
        if (digits == 0 || !IsNumber(rest[..digits])
            || !double.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number))
        {
            return false;
        }
        int power = rest[digits..].Trim().ToString().ToLowerInvariant() switch
        {
            "" or "b" => 0,
            "k" or "kb" or "kib" => 1,
            "m" or "mb" or "mib" => 2,
            "g" or "gb" or "gib" => 3,
            "t" or "tb" or "tib" => 4,
            "p" or "pb" or "pib" => 5,
            _ => -1,
        };
        double bytes = number * Math.Pow(1024, power);
        if (power < 0 || bytes >= long.MaxValue)
            return false;
        value = (long)bytes;
        return true;
    }

    public static long ParseBytes(string text) => TryParseBytes(text, out long value) ? value : -1;

    /// <summary>Nanoseconds of <c>1h2m3.5s</c>, <c>300ms</c>, <c>-1s</c> or <c>0</c>.</summary>
    public static bool TryParseDuration(string text, out long nanoseconds)
    {
        nanoseconds = 0;
        bool negative = text.StartsWith('-');
        ReadOnlySpan<char> rest = text.AsSpan(text.Length > 0 && text[0] is '-' or '+' ? 1 : 0);
        if (rest is "0")
            return true;
        if (rest.IsEmpty)
            return false;
        decimal total = 0;
        while (!rest.IsEmpty)
        {
            int digits = rest.IndexOfAnyExcept(s_number);
            if (digits <= 0 || !decimal.TryParse(
                rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number))
            {
                return false;
            }
            rest = rest[digits..];
            int unit = rest.IndexOfAny(s_number);
            decimal scale = UnitNanoseconds(unit < 0 ? rest : rest[..unit]);
            if (scale == 0 || number > long.MaxValue / scale)
                return false;
            total += number * scale;
            rest = unit < 0 ? [] : rest[unit..];
        }
        if (total > long.MaxValue)
            return false;
        nanoseconds = negative ? -(long)total : (long)total;
        return true;
    }

    public static long ParseDuration(string text) => TryParseDuration(text, out long value) ? value : 0;

    /// <summary>Billionths of a CPU from a decimal number; more than nine places are an error.</summary>
    public static bool TryParseNanoCpus(string text, out long nanoCpus)
    {
        nanoCpus = 0;
        if (!decimal.TryParse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign,
            CultureInfo.InvariantCulture, out decimal cpus) || Math.Abs(cpus) > long.MaxValue / 1_000_000_000m)
        {
            return false;
        }
        decimal nano = cpus * 1_000_000_000m;
        nanoCpus = (long)nano;
        return nanoCpus == nano;
    }

    /// <summary>Go's <c>%q</c>.</summary>
    public static string Quote(string text)
    {
        StringBuilder quoted = new("\"");
        foreach (char c in text)
        {
            quoted.Append(c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\t' => "\\t",
                '\r' => "\\r",
                < ' ' or '\x7f' => $"\\x{(int)c:x2}",
                > '\x7f' when !IsPrint(c) => $"\\u{(int)c:x4}",
                _ => c.ToString(),
            });
        }
        return quoted.Append('"').ToString();
    }

    /// <summary>Text of strangers for a terminal: what would steer it is shown as Go would quote it, line ends and tabs stay.</summary>
    public static string Visible(string text)
    {
        if (text.All(static c => c is '\n' or '\t' || (c >= ' ' && c != '\x7f' && IsPrint(c))))
            return text;
        StringBuilder visible = new();
        foreach (char c in text)
            visible.Append(c is '\n' or '\t' or '"' or '\\' ? c.ToString() : Quote(c.ToString())[1..^1]);
        return visible.ToString();
    }

    // unicode.IsPrint: no controls, no formatting such as a change of direction, no space but the ordinary one.
    private static bool IsPrint(char c) => c <= '\x7f' || char.GetUnicodeCategory(c) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);

    /// <summary>Go's <c>%.Ng</c> for a non-negative number below 10^21.</summary>
    public static string Significant(double value, int digits)
    {
        if (value == 0)
            return "0";
        int exponent = (int)Math.Floor(Math.Log10(Math.Abs(value)));
        if (exponent >= digits)
        {
            string scientific = value.ToString("E" + (digits - 1), CultureInfo.InvariantCulture);
            int e = scientific.IndexOf('E');
            string mantissa = scientific[..e].Contains('.') ? scientific[..e].TrimEnd('0').TrimEnd('.') : scientific[..e];
            int power = int.Parse(scientific.AsSpan(e + 1), CultureInfo.InvariantCulture);
            if (power >= digits)
                return $"{mantissa}e{(power < 0 ? '-' : '+')}{Math.Abs(power):00}";
        }
        string text = value.ToString("F" + Math.Max(0, digits - 1 - exponent), CultureInfo.InvariantCulture);
        return text.Contains('.') ? text.TrimEnd('0').TrimEnd('.') : text;
    }

    private static bool IsNumber(ReadOnlySpan<char> text) => text.Length > 0 && !text.ContainsAnyExcept(s_number);

    private static decimal UnitNanoseconds(ReadOnlySpan<char> unit) => unit switch
    {
        "ns" => 1,
        "us" or "µs" or "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => 0,
    };
}
