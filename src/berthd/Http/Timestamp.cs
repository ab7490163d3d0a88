using System.Globalization;

namespace Berth.Daemon.Http;

/// <summary>Moments as clients write them in <c>since</c> and <c>until</c>.</summary>
internal static class Timestamp
{
    private const long TicksPerNanosecondDivisor = 100;

    /// <summary>Reads Unix seconds with an optional fraction, RFC 3339 (also only a date, or without a zone: UTC), or a Go duration
    /// such as <c>1h30m</c>, which counts back from <paramref name="now"/>. <c>0</c> is no moment: null.</summary>
    public static bool TryParse(string text, DateTimeOffset now, out DateTimeOffset? time)
    {
        time = null;
        if (TryParseUnix(text, out long ticks))
        {
            time = ticks == 0 ? null : DateTimeOffset.UnixEpoch.AddTicks(ticks);
            return true;
        }
        if (GoDuration.TryParse(text, out TimeSpan ago))
        {
            time = now - ago;
            return true;
        }
        if (text.Length >= 4 && text.Contains('-', StringComparison.Ordinal) && DateTimeOffset.TryParse(
            text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset parsed))
        {
            time = parsed;
            return true;
        }
        return false;
    }

    private static bool TryParseUnix(string text, out long ticks)
    {
        ticks = 0;
        int dot = text.IndexOf('.', StringComparison.Ordinal);
        ReadOnlySpan<char> whole = dot < 0 ? text : text.AsSpan(0, dot);
        ReadOnlySpan<char> fraction = dot < 0 ? "0" : text.AsSpan(dot + 1);
        if (!long.TryParse(whole, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long seconds)
            || seconds is > SecondsMax or < 0 || fraction.Length is 0 or > 9
            || !long.TryParse(fraction, NumberStyles.None, CultureInfo.InvariantCulture, out long nanoseconds))
            return false;
        for (int digits = fraction.Length; digits < 9; digits++)
            nanoseconds *= 10;
        ticks = (seconds * TimeSpan.TicksPerSecond) + (nanoseconds / TicksPerNanosecondDivisor);
        return true;
    }

    // The last second of the year 9999, beyond which .NET has no dates.
    private const long SecondsMax = 253_402_300_799;
}
