using System.Globalization;

namespace Berth.Registry.Diary;

/// <summary>A moment in the past as people write it after a tag: <c>stable@2026-09-24</c>.</summary>
public static class DiaryMoment
{
    private static readonly string[] s_minutes = ["yyyy-MM-dd'T'HH:mm'Z'", "yyyy-MM-dd'T'HH:mm", "yyyy-MM-dd HH:mm"];
    private static readonly string[] s_seconds = ["yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd HH:mm:ss"];

    /// <summary>Reads a date, or a date with a time, always in UTC.</summary>
    /// <param name="text">
    /// <c>2026-09-24</c>, <c>2026-09-24T14:05</c> or <c>2026-09-24T14:05:30</c>, with or without a <c>Z</c>, or with an offset.
    /// </param>
    /// <param name="milliseconds">
    /// The last millisecond of what was named: of that day, minute or second. So a day means what the tag named when the day ended.
    /// </param>
    public static bool TryParse(string? text, out long milliseconds)
    {
        milliseconds = 0;
        if (text is null || text.Length is < 10 or > 40)
            return false;
        const DateTimeStyles Utc = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;
        if (DateTimeOffset.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, Utc, out DateTimeOffset day))
            return End(day, TimeSpan.FromDays(1), out milliseconds);
        if (DateTimeOffset.TryParseExact(text, s_minutes, CultureInfo.InvariantCulture, Utc, out DateTimeOffset minute))
            return End(minute, TimeSpan.FromMinutes(1), out milliseconds);
        if (DateTimeOffset.TryParseExact(text, s_seconds, CultureInfo.InvariantCulture, Utc, out DateTimeOffset second)
            || DateTimeOffset.TryParseExact(text, "yyyy-MM-dd'T'HH:mm:sszzz", CultureInfo.InvariantCulture, Utc, out second))
            return End(second, TimeSpan.FromSeconds(1), out milliseconds);
        return false;
    }

    /// <summary>Splits <c>tag@moment</c>; false when there is no moment behind an at sign.</summary>
    public static bool TrySplit(string text, out string tag, out long milliseconds)
    {
        int at = text.IndexOf('@');
        tag = at > 0 ? text[..at] : text;
        milliseconds = 0;
        return at > 0 && TryParse(text[(at + 1)..], out milliseconds);
    }

    private static bool End(DateTimeOffset start, TimeSpan length, out long milliseconds)
    {
        milliseconds = start.ToUnixTimeMilliseconds() + (long)length.TotalMilliseconds - 1;
        return milliseconds >= 0;
    }
}
