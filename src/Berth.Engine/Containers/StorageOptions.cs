using System.Globalization;
using System.Text.RegularExpressions;
using Berth.Faults;

namespace Berth.Engine;

/// <summary>The options of a container's writable layer: <c>size</c>, as Docker's overlay2 has it.</summary>
internal static partial class StorageOptions
{
    /// <summary>What the layer may take on disk, in bytes; null: no limit.</summary>
    /// <exception cref="FaultException">InvalidArgument: an option is unknown, or its value is no size.</exception>
    public static long? BytesMax(IReadOnlyDictionary<string, string>? options)
    {
        long? bytes = null;
        foreach ((string name, string value) in options ?? new Dictionary<string, string>())
        {
            if (!name.Equals("size", StringComparison.OrdinalIgnoreCase))
                throw FaultException.Invalid($"Unknown option {name}");
            long size = ParseSize(value);
            bytes = size == 0 ? null : size;
        }
        return bytes;
    }

    // go-units' RAMInBytes: powers of 1024.
    private static long ParseSize(string text)
    {
        Match match = Size().Match(text);
        if (!match.Success
            || !double.TryParse(match.Groups[1].ValueSpan, NumberStyles.Float, CultureInfo.InvariantCulture, out double number))
            throw FaultException.Invalid($"invalid size: '{text}'");
        int power = match.Groups[2].Length == 0 ? 0 : "kmgtp".IndexOf(char.ToLowerInvariant(match.Groups[2].ValueSpan[0])) + 1;
        double bytes = number * Math.Pow(1024, power);
        return bytes < long.MaxValue ? (long)bytes : throw FaultException.Invalid($"invalid size: '{text}'");
    }

    [GeneratedRegex("^([0-9]+(?:\\.[0-9]+)?) ?([kKmMgGtTpP])?(?:[iI]?[bB])?$")]
    private static partial Regex Size();
}
