using Berth.Faults;

namespace Berth.Engine;

/// <summary>Moments as users write them: Unix seconds with fraction, RFC 3339, or a duration before now (<c>24h</c>).</summary>
public static class TimeText
{
    private static readonly System.Buffers.SearchValues<char> s_number = System.Buffers.SearchValues.Create("0123456789.");

    /// <summary>Reads one.</summary>
    /// <exception cref="FaultException">InvalidArgument: it is none.</exception>
    public static DateTimeOffset Parse(string text, TimeProvider time)
    {
        if (decimal.TryParse(text, System.Globalization.NumberStyles.AllowDecimalPoint | System.Globalization.NumberStyles.AllowLeadingSign,
            System.Globalization.CultureInfo.InvariantCulture, out decimal seconds) && Math.Abs(seconds) < 253402300800m)
            return seconds < -62135596800m ? DateTimeOffset.MinValue
                : DateTimeOffset.UnixEpoch.AddTicks((long)(seconds * TimeSpan.TicksPerSecond));
        if (TryDuration(text, out TimeSpan ago))
            return time.GetUtcNow() - ago;
        if (DateTimeOffset.TryParse(text, System.Globalization.CultureInfo.InvariantCulture,
            System.Globalization.DateTimeStyles.AssumeUniversal, out DateTimeOffset moment) && text.Contains('-'))
            return moment;
        throw FaultException.Invalid($"failed to parse value as time or duration: \"{(text.Length > 100 ? text[..100] + "…" : text)}\"");
    }

    /// <summary>Reads Go's durations: <c>1h30m</c>, <c>500ms</c>.</summary>
    public static bool TryDuration(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        ReadOnlySpan<char> rest = text;
        if (rest.IsEmpty)
            return false;
        while (!rest.IsEmpty)
        {
            int digits = rest.IndexOfAnyExcept(s_number);
            if (digits <= 0
                || !double.TryParse(rest[..digits], System.Globalization.CultureInfo.InvariantCulture, out double count) || count > 1e9)
                return false;
            rest = rest[digits..];
            int letters = rest.IndexOfAny(s_number) is var next && next < 0 ? rest.Length : next;
            double unit = rest[..letters] switch { "h" => 3600, "m" => 60, "s" => 1, "ms" => 1e-3, "us" or "µs" =>
                1e-6, "ns" => 1e-9, _ => -1 };
            if (unit < 0 || count * unit > 1e11)
                return false;
            duration += TimeSpan.FromSeconds(count * unit);
            rest = rest[letters..];
        }
        return true;
    }
}
