namespace Berth.Dockerfile.Parsing;

/// <summary>Go's durations: <c>1h30m</c>, <c>1.5s</c>, <c>300ms</c>.</summary>
internal static class GoDuration
{
    private static readonly System.Buffers.SearchValues<char> s_number = System.Buffers.SearchValues.Create("0123456789.");

    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = default;
        ReadOnlySpan<char> rest = text;
        bool negative = rest.StartsWith("-");
        rest = rest.TrimStart("+-");
        if (rest.SequenceEqual("0"))
            return true;
        decimal nanoseconds = 0;
        if (rest.IsEmpty)
            return false;
        while (!rest.IsEmpty)
        {
            int digits = rest.IndexOfAnyExcept(s_number);
            if (digits is <= 0 or > 12 || !decimal.TryParse(rest[..digits], out decimal number))
                return false;
            rest = rest[digits..];
            int letters = rest.IndexOfAny(s_number);
            ReadOnlySpan<char> unit = letters < 0 ? rest : rest[..letters];
            if (UnitNanoseconds(unit) is not { } size)
                return false;
            nanoseconds += number * size;
            rest = letters < 0 ? default : rest[letters..];
        }
        if (nanoseconds > long.MaxValue)
            return false;
        duration = TimeSpan.FromTicks((long)(nanoseconds / 100) * (negative ? -1 : 1));
        return true;
    }

    private static decimal? UnitNanoseconds(ReadOnlySpan<char> unit) => unit switch
    {
        "ns" => 1,
        "us" or "\u00b5s" or "\u03bcs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => null,
    };
}
