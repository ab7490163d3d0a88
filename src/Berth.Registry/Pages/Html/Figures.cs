using System.Globalization;
using Berth.Registry.Browsing;

namespace Berth.Registry.Pages.Html;

/// <summary>Numbers, sizes and times as people read them.</summary>
internal static class Figures
{
    private static readonly string[] s_units = ["B", "kB", "MB", "GB", "TB", "PB"];

    /// <summary>A size in powers of a thousand, as docker prints it: <c>12.4 MB</c>.</summary>
    public static string Bytes(long bytes)
    {
        double value = bytes;
        int unit = 0;
        while (value >= 999.5 && unit < s_units.Length - 1)
        {
            value /= 1000;
            unit++;
        }
        string number = unit == 0 || value >= 99.95
            ? value.ToString("0", CultureInfo.InvariantCulture)
            : value.ToString("0.#", CultureInfo.InvariantCulture);
        return $"{number} {s_units[unit]}";
    }

    /// <summary>What is stored of a platform's image, and what is not.</summary>
    public static string Size(PlatformSummary platform) => platform switch
    {
        { IsHere: false } => "not here",
        { BlobsMissing: 0 } => Bytes(platform.Bytes),
        _ => $"{Bytes(platform.Bytes)}, {Counted(platform.BlobsMissing, "blob")} not here",
    };

    /// <summary>A count, short: <c>950</c>, <c>1.2K</c>, <c>3.4M</c>.</summary>
    public static string Count(long count) => count switch
    {
        < 1000 => count.ToString(CultureInfo.InvariantCulture),
        < 999_950 => Short(count / 1000.0) + "K",
        < 999_950_000 => Short(count / 1_000_000.0) + "M",
        _ => Short(count / 1_000_000_000.0) + "B",
    };

    /// <summary>A count with its word: <c>1 tag</c>, <c>12 tags</c>.</summary>
    public static string Counted(long count, string one, string? many = null) =>
        count == 1 ? $"1 {one}" : string.Create(CultureInfo.InvariantCulture, $"{count:#,0} {many ?? one + "s"}");

    /// <summary>How long ago, in the largest unit that is at least one: <c>3 days ago</c>.</summary>
    public static string Ago(TimeSpan age) => age switch
    {
        { TotalSeconds: < 45 } => "just now",
        { TotalMinutes: < 60 } => Counted(Math.Max(1, (long)age.TotalMinutes), "minute") + " ago",
        { TotalHours: < 24 } => Counted((long)age.TotalHours, "hour") + " ago",
        { TotalDays: < 31 } => Counted((long)age.TotalDays, "day") + " ago",
        { TotalDays: < 365 } => Counted((long)(age.TotalDays / 30.44), "month") + " ago",
        _ => Counted((long)(age.TotalDays / 365.25), "year") + " ago",
    };

    /// <summary>A moment, relative to now with the exact time beneath: a <c>time</c> element.</summary>
    /// <param name="milliseconds">Unix milliseconds; null or zero: never.</param>
    /// <param name="now">The moment that it is told at.</param>
    public static Markup Moment(long? milliseconds, DateTimeOffset now)
    {
        if (milliseconds is null or 0)
            return Markup.Of($"never");
        DateTimeOffset at = DateTimeOffset.FromUnixTimeMilliseconds(milliseconds.Value);
        string exact = at.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);
        return Markup.Of($"""
            <time datetime="{at.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture)}" title="{exact}">{Ago(now - at)}</time>
            """);
    }

    /// <summary>A moment to the minute: <c>2026-09-24 14:05 UTC</c>.</summary>
    public static string Exact(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)
        .ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);

    private static string Short(double value) =>
        value >= 99.95 ? value.ToString("0", CultureInfo.InvariantCulture) : value.ToString("0.#", CultureInfo.InvariantCulture);
}
