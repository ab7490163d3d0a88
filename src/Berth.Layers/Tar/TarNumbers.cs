using System.Buffers.Text;
using Berth.Linux.Files;

namespace Berth.Layers.Tar;

/// <summary>Numbers as headers hold them: octal text, GNU's base-256, PAX decimals.</summary>
internal static class TarNumbers
{
    /// <summary>Reads a header's number field.</summary>
    /// <exception cref="InvalidDataException">Not a number, or beyond 63 bits.</exception>
    public static long Parse(ReadOnlySpan<byte> field, string what)
    {
        if ((field[0] & 0x80) != 0)
            return ParseBase256(field, what);
        ReadOnlySpan<byte> digits = field.Trim(" \0"u8);
        long value = 0;
        foreach (byte digit in digits)
        {
            if (digit is 0 or (byte)' ')
                break;
            if (digit is < (byte)'0' or > (byte)'7' || value >> 60 != 0)
                throw new InvalidDataException($"{what} is not an octal number");
            value = (value << 3) | (uint)(digit - '0');
        }
        return value;
    }

    // Two's complement, big-endian; the first byte's top bit marks the form and its next bit is the sign.
    private static long ParseBase256(ReadOnlySpan<byte> field, string what)
    {
        bool negative = (field[0] & 0x40) != 0;
        long value = negative ? -1 : 0;
        for (int i = 0; i < field.Length; i++)
        {
            byte next = i > 0 ? field[i] : (byte)(negative ? field[0] | 0x80 : field[0] & 0x7f);
            if (value >> 55 != (negative ? -1 : 0))
                throw new InvalidDataException($"{what} is beyond 63 bits");
            value = (value << 8) | next;
        }
        return value;
    }

    /// <summary>Writes octal digits with a NUL at the end; false when they do not fit.</summary>
    public static bool TryFormatOctal(Span<byte> field, long value)
    {
        int digits = field.Length - 1;
        if (value < 0 || (digits < 21 && value >> (3 * digits) != 0))
            return false;
        for (int i = digits - 1; i >= 0; i--, value >>= 3)
            field[i] = (byte)('0' + (value & 7));
        field[digits] = 0;
        return true;
    }

    /// <summary>Reads a PAX decimal without fraction.</summary>
    /// <exception cref="InvalidDataException">Not a number of 63 bits.</exception>
    public static long ParseDecimal(ReadOnlySpan<byte> text, string what) =>
        Utf8Parser.TryParse(text, out long value, out int used) && used == text.Length && !text.IsEmpty
            ? value : throw new InvalidDataException($"{what} is not a decimal number");

    /// <summary>Reads a PAX time: seconds with an optional sign and fraction; digits beyond nanoseconds are dropped.</summary>
    /// <exception cref="InvalidDataException">Not such a number.</exception>
    public static FileTime ParseTime(ReadOnlySpan<byte> text)
    {
        int dot = text.IndexOf((byte)'.');
        long seconds = ParseDecimal(dot < 0 ? text : text[..dot], "PAX time");
        if (dot < 0)
            return new FileTime(seconds, 0);
        long nanoseconds = 0;
        ReadOnlySpan<byte> fraction = text[(dot + 1)..];
        for (int i = 0; i < 9; i++)
        {
            int digit = i < fraction.Length ? fraction[i] - '0' : 0;
            if (digit is < 0 or > 9)
                throw new InvalidDataException("PAX time is not a decimal number");
            nanoseconds = nanoseconds * 10 + digit;
        }
        // The sign covers the fraction: -1.25 is 1.25 seconds before 1970.
        return text[0] == '-' && nanoseconds != 0
            ? new FileTime(seconds - 1, 1_000_000_000 - nanoseconds) : new FileTime(seconds, nanoseconds);
    }
}
