using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json.Serialization;

namespace Berth.Network;

/// <summary>An Ethernet address in the lowest 48 bits. Written <c>02:42:ac:11:00:02</c>, also in JSON.</summary>
/// <param name="Value">The address, first byte most significant.</param>
[JsonConverter(typeof(MacAddressJsonConverter))]
public readonly record struct MacAddress(ulong Value)
{
    /// <summary>Docker's address for an IPv4 address: <c>02:42</c> and the four bytes, so that it never changes for an address
    /// and neighbours' tables stay right. For one of IPv6 the four bytes are a digest (FNV-1a by words of 32 bits): two neighbours
    /// that differ in one word only have different ones.</summary>
    public static MacAddress For(InternetAddress address)
    {
        uint value = (uint)address.Value;
        if (address.IsIPv6)
        {
            value = 0x811C_9DC5;
            for (int shift = 96; shift >= 0; shift -= 32)
                value = unchecked((value ^ (uint)(address.Value >> shift)) * 0x0100_0193);
        }
        return new(0x0242_0000_0000UL | value);
    }

    /// <summary>Reads six pairs of hexadecimal digits separated by colons or dashes.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out MacAddress address)
    {
        address = default;
        if (text is not { Length: 17 })
            return false;
        ulong value = 0;
        for (int i = 0; i < 17; i += 3)
        {
            if (!byte.TryParse(text.AsSpan(i, 2), NumberStyles.AllowHexSpecifier, null, out byte part))
                return false;
            if (i + 2 < 17 && text[i + 2] is not (':' or '-'))
                return false;
            value = (value << 8) | part;
        }
        address = new MacAddress(value);
        return true;
    }

    /// <summary>Reads six pairs of hexadecimal digits.</summary>
    /// <exception cref="FormatException">The text is not one.</exception>
    public static MacAddress Parse(string text) =>
        TryParse(text, out MacAddress address) ? address : throw new FormatException($"'{text}' is not a MAC address");

    /// <summary>The six bytes in the order of the wire.</summary>
    public byte[] ToBytes() =>
        [(byte)(Value >> 40), (byte)(Value >> 32), (byte)(Value >> 24), (byte)(Value >> 16), (byte)(Value >> 8), (byte)Value];

    /// <inheritdoc/>
    public override string ToString() => string.Join(':', ToBytes().Select(part => part.ToString("x2")));
}
