using System.Globalization;

namespace Berth.Cli.Text;

/// <summary>Sizes and durations in the words of Docker's go-units.</summary>
internal static class Humanize
{
    private static readonly string[] s_decimalUnits = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
    private static readonly string[] s_binaryUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"];

    /// <summary><c>1.53GB</c>: powers of 1000.</summary>
    public static string Size(double bytes, int digits = 3) => Scale(bytes, 1000, s_decimalUnits, digits);

    /// <summary><c>23.4MiB</c>: powers of 1024.</summary>
    public static string BinarySize(double bytes, int digits = 4) => Scale(bytes, 1024, s_binaryUnits, digits);

    /// <summary><c>About an hour</c>, <c>3 days</c>.</summary>
    public static string Duration(TimeSpan duration)
    {
        long seconds = (long)duration.TotalSeconds;
        if (seconds < 1)
            return "Less than a second";
        if (seconds == 1)
            return "1 second";
        if (seconds < 60)
            return Text(seconds, "seconds");
        long minutes = (long)duration.TotalMinutes;
        if (minutes == 1)
            return "About a minute";
        if (minutes < 60)
            return Text(minutes, "minutes");
        long hours = (long)(duration.TotalHours + 0.5);
        if (hours == 1)
            return "About an hour";
        if (hours < 48)
            return Text(hours, "hours");
        if (hours < 24 * 7 * 2)
            return Text(hours / 24, "days");
        if (hours < 24 * 30 * 2)
            return Text(hours / 24 / 7, "weeks");
        return hours < 24 * 365 * 2
            ? Text(hours / 24 / 30, "months")
            : Text((long)duration.TotalHours / 24 / 365, "years");
    }

    /// <summary>How long ago, as in <c>2 hours ago</c>.</summary>
    public static string Ago(DateTimeOffset then, DateTimeOffset now) => Duration(now - then) + " ago";

    /// <summary>Go's <c>time.Time.String()</c> in local time: <c>2026-11-22 21:38:03 +0000 UTC</c>.</summary>
    public static string GoTime(DateTimeOffset time)
    {
        DateTimeOffset local = time.ToLocalTime();
        string offset = local.Offset.ToString((local.Offset < TimeSpan.Zero ? "'-'" : "'+'") + "hhmm", CultureInfo.InvariantCulture);
        string zone = local.Offset == TimeSpan.Zero ? "UTC" : offset[..3];
        return local.ToString("yyyy-MM-dd HH:mm:ss ", CultureInfo.InvariantCulture) + offset + " " + zone;
    }

    /// <summary>The same of a time in RFC 3339, with all the digits of its second that are not zero at the end.</summary>
    public static string GoTime(string text)
    {
        if (!DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, out DateTimeOffset time))
            return "";
        int point = text.IndexOf('.');
        string digits = point < 0 ? "" : new string(text.Skip(point + 1).TakeWhile(char.IsAsciiDigit).ToArray()).TrimEnd('0');
        string whole = GoTime(time);
        return digits.Length == 0 ? whole : whole.Insert("yyyy-MM-dd HH:mm:ss".Length, "." + digits);
    }

    /// <summary>A time in RFC 3339 as C's asctime writes it; other text as it is.</summary>
    public static string Ansic(string text)
    {
        if (!DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, out DateTimeOffset time))
            return text;
        string day = time.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2);
        return time.ToString("ddd MMM ", CultureInfo.InvariantCulture) + day + time.ToString(
            " HH:mm:ss yyyy", CultureInfo.InvariantCulture);
    }

    private static string Text(long count, string unit) => count.ToString(CultureInfo.InvariantCulture) + " " + unit;

    private static string Scale(double size, double step, string[] units, int digits)
    {
        int i = 0;
        while (size >= step && i < units.Length - 1)
        {
            size /= step;
            i++;
        }
        return GoValue.Significant(size, digits) + units[i];
    }
}
