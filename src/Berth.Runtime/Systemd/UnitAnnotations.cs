using Berth.Faults;
using Berth.Runtime.Bus;

namespace Berth.Runtime.Systemd;

/// <summary>Further settings of the unit that a configuration's notes name: <c>org.systemd.property.TimeoutStopUSec</c>.</summary>
/// <remarks>runc's docs/systemd.md, "Auxiliary properties". Values are in GVariant's text form.</remarks>
internal static class UnitAnnotations
{
    private const string Prefix = "org.systemd.property.";
    private const int NameLengthMin = 3;

    /// <summary>The settings.</summary>
    /// <exception cref="FaultException">InvalidArgument: a name or value is wrong.</exception>
    public static IReadOnlyList<UnitProperty> Of(IReadOnlyDictionary<string, string>? annotations)
    {
        List<UnitProperty> all = [];
        foreach ((string key, string text) in annotations ?? new Dictionary<string, string>())
        {
            if (!key.StartsWith(Prefix, StringComparison.Ordinal))
                continue;
            string name = key[Prefix.Length..];
            if (name.Length < NameLengthMin || !name.All(char.IsAsciiLetter))
                throw FaultException.Invalid($"annotation {key} name incorrect: it must be at least {NameLengthMin} ASCII letters");
            BusValue value;
            try
            {
                value = VariantText.Parse(text);
            }
            catch (FaultException wrong)
            {
                throw FaultException.Invalid($"annotation {key}={text} value parse error: {wrong.Message}", wrong);
            }
            all.Add(IsInSeconds(name) ? new UnitProperty(name[..^3] + "USec", Microseconds(key, value)) : new UnitProperty(name, value));
        }
        return all;
    }

    // Manual pages say TimeoutStopSec, the bus TimeoutStopUSec.
    private static bool IsInSeconds(string name) =>
        name.Length > 3 && name.EndsWith("Sec", StringComparison.Ordinal) && char.IsAsciiLetterLower(name[^4]);

    private static BusValue Microseconds(string key, BusValue value) => value switch
    {
        BusNumber { Signature: "d" } real => BusValue.Of((ulong)(BitConverter.UInt64BitsToDouble(real.Bits) * 1_000_000)),
        BusNumber { Signature: not "b" and not "y" } whole when (long)whole.Bits >= 0 && whole.Bits <= ulong.MaxValue / 1_000_000 =>
            BusValue.Of(whole.Bits * 1_000_000),
        _ => throw FaultException.Invalid($"annotation {key}: {value} is no number of seconds"),
    };
}
