using System.Globalization;

namespace Berth.Registry.Protocol;

/// <summary>The place of a chunk in an upload: <c>start-end</c>, both included.</summary>
/// <remarks>
/// distribution-spec 1.1 "Pushing a blob in chunks": <c>^[0-9]+-[0-9]+$</c>; some clients write <c>bytes start-end/*</c>.
/// </remarks>
internal readonly record struct ContentRange(long Start, long End)
{
    public long Length => End - Start + 1;

    public static bool TryParse(string text, out ContentRange range)
    {
        range = default;
        ReadOnlySpan<char> rest = text;
        if (rest.StartsWith("bytes "))
        {
            rest = rest[6..];
            if (rest.IndexOf('/') is >= 0 and int slash)
                rest = rest[..slash];
        }
        int dash = rest.IndexOf('-');
        if (dash <= 0 || !TryParse(rest[..dash], out long start) || !TryParse(rest[(dash + 1)..], out long end) || end < start)
            return false;
        range = new ContentRange(start, end);
        return true;
    }

    // The length of "0-9223372036854775807" must still be a number.
    private static bool TryParse(ReadOnlySpan<char> digits, out long value) =>
        long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value < long.MaxValue;
}
