using System.Globalization;

namespace Berth.Registry.Protocol;

/// <summary>A part of a blob.</summary>
/// <param name="Offset">Where it begins.</param>
/// <param name="Count">How much it is.</param>
internal readonly record struct ByteRange(long Offset, long Count)
{
    /// <summary>Reads a Range header against a size.</summary>
    /// <returns>
    /// True: <paramref name="range"/> is what to send, or null for all of it, where the header asks for several parts or is not
    /// understood
    /// (RFC 9110, 14.2: such a header is ignored). False: nothing of what was asked for exists.
    /// </returns>
    public static bool TryRead(string? header, long size, out ByteRange? range)
    {
        range = null;
        if (header is null || !header.StartsWith("bytes=", StringComparison.OrdinalIgnoreCase))
            return true;
        ReadOnlySpan<char> text = header.AsSpan(6).Trim(" \t");
        int dash = text.IndexOf('-');
        if (dash < 0 || text.Contains(','))
            return true;
        ReadOnlySpan<char> first = text[..dash];
        ReadOnlySpan<char> last = text[(dash + 1)..];
        return first.IsEmpty ? TrySuffix(last, size, out range) : TryFrom(first, last, size, out range);
    }

    private static bool TrySuffix(ReadOnlySpan<char> text, long size, out ByteRange? range)
    {
        range = null;
        if (!TryNumber(text, out long length))
            return true;
        if (length == 0 || size == 0)
            return false;
        long count = Math.Min(length, size);
        range = new ByteRange(size - count, count);
        return true;
    }

    private static bool TryFrom(ReadOnlySpan<char> first, ReadOnlySpan<char> last, long size, out ByteRange? range)
    {
        range = null;
        if (!TryNumber(first, out long start))
            return true;
        long end = long.MaxValue;
        if (!last.IsEmpty && (!TryNumber(last, out end) || end < start))
            return true;
        if (start >= size)
            return false;
        range = new ByteRange(start, Math.Min(end, size - 1) - start + 1);
        return true;
    }

    // More digits than a number has are more than any size.
    private static bool TryNumber(ReadOnlySpan<char> digits, out long value)
    {
        value = long.MaxValue;
        if (digits.IsEmpty || digits.ContainsAnyExceptInRange('0', '9'))
            return false;
        if (!long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out value))
            value = long.MaxValue;
        return true;
    }
}
