using System.Globalization;

namespace Berth.Registry.Operation.Configuration;

/// <summary>Sizes as people write them: a number with kB, MB, GB or TB, which are powers of a thousand as the pages print them.</summary>
public static class SizeText
{
    private static readonly (string Unit, long Bytes)[] s_units =
        [("kB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1), ("", 1)];

    /// <summary>Reads a size in bytes; null for "none", which means no limit.</summary>
    /// <exception cref="FaultException">InvalidArgument: another text.</exception>
    public static long? Parse(string text)
    {
        if (text == "none")
            return null;
        foreach ((string unit, long bytes) in s_units)
        {
            if (text.EndsWith(unit, StringComparison.OrdinalIgnoreCase)
                && decimal.TryParse(text.AsSpan(0, text.Length - unit.Length).Trim(), NumberStyles.AllowDecimalPoint,
                    CultureInfo.InvariantCulture, out decimal number)
                && number <= long.MaxValue / bytes)
                return (long)(number * bytes);
        }
        throw FaultException.Invalid($"size {(text.Length > 30 ? text[..30] : text)}: it is not a size, as in 500MB or 20GB, or none");
    }
}
