using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Berth.Network;

/// <summary>An IPv4 subnet in CIDR form. Its address has no bits beyond the prefix.</summary>
[JsonConverter(typeof(IPv4SubnetJsonConverter))]
public readonly record struct IPv4Subnet
{
    /// <summary>Makes the subnet of a prefix length around an address.</summary>
    public IPv4Subnet(IPv4Address within, int prefixLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(prefixLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(prefixLength, 32);
        PrefixLength = prefixLength;
        Address = new IPv4Address(within.Value & Mask(prefixLength));
    }

    /// <summary>The first address: the network itself.</summary>
    public IPv4Address Address { get; }

    /// <summary>How many leading bits are fixed, 0 to 32.</summary>
    public int PrefixLength { get; }

    /// <summary>The last address: broadcast.</summary>
    public IPv4Address Broadcast => new(Address.Value | ~Mask(PrefixLength));

    /// <summary>Reads <c>address/prefix</c>; bits beyond the prefix are cleared.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out IPv4Subnet subnet)
    {
        subnet = default;
        int slash = text?.IndexOf('/') ?? -1;
        if (slash < 0 || !IPv4Address.TryParse(text![..slash], out IPv4Address address))
            return false;
        ReadOnlySpan<char> digits = text.AsSpan(slash + 1);
        if (digits.Length is 0 or > 2 || digits.ContainsAnyExceptInRange('0', '9') || int.Parse(digits) > 32)
            return false;
        subnet = new IPv4Subnet(address, int.Parse(digits));
        return true;
    }

    /// <summary>Reads <c>address/prefix</c>.</summary>
    /// <exception cref="FormatException">The text is not one.</exception>
    public static IPv4Subnet Parse(string text) =>
        TryParse(text, out IPv4Subnet subnet) ? subnet : throw new FormatException($"'{text}' is not an IPv4 subnet");

    /// <summary>Whether the address lies in it.</summary>
    public bool Contains(IPv4Address address) => (address.Value & Mask(PrefixLength)) == Address.Value;

    /// <summary>Whether the two share an address.</summary>
    public bool Overlaps(IPv4Subnet other) => Contains(other.Address) || other.Contains(Address);

    /// <inheritdoc/>
    public override string ToString() => $"{Address}/{PrefixLength}";

    private static uint Mask(int prefixLength) => prefixLength == 0 ? 0 : uint.MaxValue << (32 - prefixLength);
}
