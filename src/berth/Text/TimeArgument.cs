using System.Globalization;
using Berth.Cli.Parsing;

namespace Berth.Cli.Text;

/// <summary>A point in time as options take it: Unix seconds, RFC 3339 in part or whole, or a duration before now.</summary>
internal static class TimeArgument
{
    private static readonly string[] s_formats =
        ["yyyy-MM-dd'T'HH:mm:ss.FFFFFFF", "yyyy-MM-dd'T'HH:mm", "yyyy-MM-dd'T'HH", "yyyy-MM-dd"];

    /// <summary>Unix seconds with nine places, or empty for an empty argument.</summary>
    /// <exception cref="CommandException">Not a time.</exception>
    public static string ToUnix(string text, DateTimeOffset now, string option = "")
    {
        if (text.Length == 0)
            return "";
        if (GoValue.TryParseDuration(text, out long nanoseconds) && text != "0")
            return Seconds(now.AddTicks(-nanoseconds / 100));
        if (decimal.TryParse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _))
            return text;
        if (DateTimeOffset.TryParseExact(
            text, s_formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out DateTimeOffset local))
        {
            return Seconds(local);
        }
        if (text.Length > 10
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out DateTimeOffset time))
            return Seconds(time);
        string problem = $"failed to parse value as time or duration: \"{text}\"";
        throw new CommandException(option.Length > 0 ? $"invalid value for \"{option}\": {problem}" : problem);
    }

    private static string Seconds(DateTimeOffset time)
    {
        long seconds = time.ToUnixTimeSeconds();
        long rest = (time.UtcTicks - DateTimeOffset.FromUnixTimeSeconds(seconds).UtcTicks) * 100;
        return string.Create(CultureInfo.InvariantCulture, $"{seconds}.{rest:000000000}");
    }
}
