using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Berth.Network;

/// <summary>An IPv4 or IPv6 subnet in CIDR form. Its address has no bits beyond the prefix.</summary>
[JsonConverter(typeof(InternetSubnetJsonConverter))]
public readonly record struct InternetSubnet
{
    /// <summary>Makes the subnet of a prefix length around an address.</summary>
    public InternetSubnet(InternetAddress within, int prefixLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(prefixLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(prefixLength, within.Bits);
        PrefixLength = prefixLength;
        Address = within with { Value = within.Value & ~HostBits(within.Bits, prefixLength) };
    }

    /// <summary>The first address: the network itself.</summary>
    public InternetAddress Address { get; }

    /// <summary>The addresses that hold on one link alone. RFC 3927; RFC 4291 section 2.5.6, where all but the first 64 are zero.</summary>
    public static InternetSubnet LinkLocal { get; } = Parse("169.254.0.0/16");

    /// <summary>The same in IPv6: a link has a /64 of them.</summary>
    public static InternetSubnet LinkLocalIPv6 { get; } = Parse("fe80::/10");

    /// <summary>How many leading bits are fixed, 0 to 32 or 128.</summary>
    public int PrefixLength { get; }

    /// <summary>Which family it is of.</summary>
    public bool IsIPv6 => Address.IsIPv6;

    /// <summary>The last address: broadcast in IPv4.</summary>
    public InternetAddress Last => Address with { Value = Address.Value | HostBits(Address.Bits, PrefixLength) };

    /// <summary>Reads <c>address/prefix</c>; bits beyond the prefix are cleared.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out InternetSubnet subnet)
    {
        bool isRead = TryParse(text, out InternetAddress address, out int prefixLength);
        subnet = isRead ? new InternetSubnet(address, prefixLength) : default;
        return isRead;
    }

    /// <summary>Reads <c>address/prefix</c> and keeps the address as it is, such as a bridge's own.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out InternetAddress address, out int prefixLength)
    {
        address = default;
        prefixLength = 0;
        int slash = text?.IndexOf('/', StringComparison.Ordinal) ?? -1;
        if (slash < 0 || !InternetAddress.TryParse(text![..slash], out address))
            return false;
        ReadOnlySpan<char> digits = text.AsSpan(slash + 1);
        if (digits.Length is 0 or > 3 || digits.ContainsAnyExceptInRange('0', '9'))
            return false;
        prefixLength = int.Parse(digits);
        return prefixLength <= address.Bits;
    }

    /// <summary>Reads <c>address/prefix</c>.</summary>
    /// <exception cref="FormatException">The text is not one.</exception>
    public static InternetSubnet Parse(string text) =>
        TryParse(text, out InternetSubnet subnet) ? subnet : throw new FormatException($"'{text}' is not an IP subnet");

    /// <summary>Whether the address lies in it.</summary>
    public bool Contains(InternetAddress address) =>
        address.IsIPv6 == IsIPv6 && (address.Value & ~HostBits(Address.Bits, PrefixLength)) == Address.Value;

    /// <summary>Whether the two share an address.</summary>
    public bool Overlaps(InternetSubnet other) => Contains(other.Address) || other.Contains(Address);

    /// <inheritdoc/>
    public override string ToString() => $"{Address}/{PrefixLength}";

    // A shift by all 128 bits would be one by none.
    private static UInt128 HostBits(int bits, int prefixLength) =>
        prefixLength == bits ? 0 : UInt128.MaxValue >> (128 - bits + prefixLength);
}
