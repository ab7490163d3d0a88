using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Serialization;

namespace Berth.Network;

/// <summary>An IPv4 or IPv6 address as a number, so that pools can count with it. Written as text, also in JSON.</summary>
/// <param name="Value">The address, first byte most significant; an IPv4 address in the lowest 32 bits.</param>
/// <param name="IsIPv6">Which of the two it is.</param>
[JsonConverter(typeof(InternetAddressJsonConverter))]
public readonly record struct InternetAddress(UInt128 Value, bool IsIPv6)
{
    private const int SizeIPv4 = 4;
    private const int SizeIPv6 = 16;

    /// <summary>How many bits an address of its family has.</summary>
    public int Bits => IsIPv6 ? 128 : 32;

    /// <summary>The family's name as messages say it.</summary>
    public string Family => IsIPv6 ? "IPv6" : "IPv4";

    /// <summary>The next higher one.</summary>
    public InternetAddress Next => this with { Value = Value + 1 };

    /// <summary>Makes an address from its four or sixteen bytes in network order.</summary>
    public static InternetAddress FromBytes(ReadOnlySpan<byte> bytes) => bytes.Length == SizeIPv6
        ? new(BinaryPrimitives.ReadUInt128BigEndian(bytes), true) : new(BinaryPrimitives.ReadUInt32BigEndian(bytes), false);

    /// <summary>Reads a dotted quad of exactly four decimal parts without leading zeros, or an IPv6 address in any of the forms of
    /// RFC 4291 section 2.2. One with a scope, and an IPv4 address in IPv6's clothes, are neither.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out InternetAddress address)
    {
        address = default;
        if (text is null || text.AsSpan().ContainsAny('[', '%', ' ') || !IPAddress.TryParse(text, out IPAddress? parsed))
            return false;
        if (parsed.AddressFamily == AddressFamily.InterNetwork ? parsed.ToString() != text : parsed.IsIPv4MappedToIPv6)
            return false;
        address = From(parsed);
        return true;
    }

    /// <summary>Reads an address.</summary>
    /// <exception cref="FormatException">The text is not one.</exception>
    public static InternetAddress Parse(string text) =>
        TryParse(text, out InternetAddress address) ? address : throw new FormatException($"'{text}' is not an IP address");

    /// <summary>Takes over an address of the base library.</summary>
    public static InternetAddress From(IPAddress address) => FromBytes(address.GetAddressBytes());

    /// <summary>The same address for the base library's sockets.</summary>
    public IPAddress ToIPAddress() => new(ToBytes());

    /// <summary>The four or sixteen bytes in network order.</summary>
    public byte[] ToBytes()
    {
        byte[] bytes = new byte[IsIPv6 ? SizeIPv6 : SizeIPv4];
        if (IsIPv6)
            BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);
        else
            BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)Value);
        return bytes;
    }

    /// <inheritdoc/>
    public override string ToString() => ToIPAddress().ToString();
}
