using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Serialization;

namespace Berth.Network;

/// <summary>An IPv4 address as a number, so that pools can count with it. Written as a dotted quad, also in JSON.</summary>
/// <param name="Value">The address, first byte most significant.</param>
[JsonConverter(typeof(IPv4AddressJsonConverter))]
public readonly record struct IPv4Address(uint Value) : IComparable<IPv4Address>
{
    /// <summary>Makes an address from its four bytes in network order.</summary>
    public static IPv4Address FromBytes(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt32BigEndian(bytes));

    /// <summary>Reads a dotted quad; exactly four decimal parts without leading zeros, nothing else.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out IPv4Address address)
    {
        address = default;
        if (!IPAddress.TryParse(text, out IPAddress? parsed) || parsed.AddressFamily != AddressFamily.InterNetwork)
            return false;
        if (parsed.ToString() != text)
            return false;
        address = From(parsed);
        return true;
    }

    /// <summary>Reads a dotted quad.</summary>
    /// <exception cref="FormatException">The text is not one.</exception>
    public static IPv4Address Parse(string text) =>
        TryParse(text, out IPv4Address address) ? address : throw new FormatException($"'{text}' is not an IPv4 address");

    /// <summary>Takes over an address of the base library, which must be IPv4.</summary>
    public static IPv4Address From(IPAddress address) => FromBytes(address.GetAddressBytes());

    /// <summary>The same address for the base library's sockets.</summary>
    public IPAddress ToIPAddress() => new(ToBytes());

    /// <summary>The four bytes in network order.</summary>
    public byte[] ToBytes()
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, Value);
        return bytes;
    }

    /// <inheritdoc/>
    public int CompareTo(IPv4Address other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => $"{Value >> 24}.{(Value >> 16) & 255}.{(Value >> 8) & 255}.{Value & 255}";

#pragma warning disable CS1591 // Comparison operators mean what they say.
    public static bool operator <(IPv4Address left, IPv4Address right) => left.Value < right.Value;
    public static bool operator >(IPv4Address left, IPv4Address right) => left.Value > right.Value;
    public static bool operator <=(IPv4Address left, IPv4Address right) => left.Value <= right.Value;
    public static bool operator >=(IPv4Address left, IPv4Address right) => left.Value >= right.Value;
#pragma warning restore CS1591
}
