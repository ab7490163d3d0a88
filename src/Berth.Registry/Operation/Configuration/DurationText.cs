using System.Globalization;

namespace Berth.Registry.Operation.Configuration;

/// <summary>Times as people write them: a number with s, m, h or d.</summary>
public static class DurationText
{
    private const int NumberMax = 100_000;

    /// <summary>Reads a time longer than none; false for another text.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out TimeSpan time)
    {
        time = TimeSpan.Zero;
        if (text.Length < 2 || !int.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            || number is 0 or > NumberMax)
            return false;
        TimeSpan? unit = text[^1] switch
        {
            's' => TimeSpan.FromSeconds(1),
            'm' => TimeSpan.FromMinutes(1),
            'h' => TimeSpan.FromHours(1),
            'd' => TimeSpan.FromDays(1),
            _ => null,
        };
        time = unit * number ?? TimeSpan.Zero;
        return unit is not null;
    }
}
