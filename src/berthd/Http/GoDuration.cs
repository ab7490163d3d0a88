using System.Globalization;

namespace Berth.Daemon.Http;

/// <summary>Durations as Go writes them: <c>1h30m</c>, <c>1.5s</c>, <c>300ms</c>.</summary>
internal static class GoDuration
{
    private static readonly System.Buffers.SearchValues<char> s_number = System.Buffers.SearchValues.Create("0123456789.");

    /// <summary>Reads one; false when the text is none or is out of range.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out TimeSpan duration)
    {
        duration = default;
        bool negative = text.StartsWith('-');
        ReadOnlySpan<char> rest = negative || text.StartsWith('+') ? text[1..] : text;
        double seconds = 0;
        if (rest.IsEmpty)
            return false;
        while (!rest.IsEmpty)
        {
            int digits = rest.IndexOfAnyExcept(s_number);
            if (digits < 1 || !double.TryParse(
                rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double count))
                return false;
            rest = rest[digits..];
            int letters = rest.IndexOfAny(s_number) is var next and >= 0 ? next : rest.Length;
            if (UnitSeconds(rest[..letters]) is not { } unit)
                return false;
            seconds += count * unit;
            rest = rest[letters..];
        }
        if (seconds > TimeSpan.MaxValue.TotalSeconds / 2)
            return false;
        duration = TimeSpan.FromSeconds(negative ? -seconds : seconds);
        return true;
    }

    private static double? UnitSeconds(ReadOnlySpan<char> unit) => unit switch
    {
        "ns" => 1e-9,
        "us" or "µs" or "μs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => null,
    };
}
