using System.Buffers;
using System.Net;
using System.Net.Sockets;

namespace Berth.Cli.Text;

/// <summary>Internet addresses as Go's <c>net.ParseIP</c> knows them.</summary>
internal static class AddressText
{
    private static readonly SearchValues<char> s_characters = SearchValues.Create("0123456789abcdefABCDEF:.");

    /// <summary>The address in its shortest form, IPv4 in IPv6's clothes without them; what is no address as it is.</summary>
    public static string Normal(string text) => !IsAddress(text) || !IPAddress.TryParse(text, out IPAddress? address) ? text
        : (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString();

    /// <summary>Whether the text is an address: a dotted quad of exactly four decimal parts without leading zeros, or IPv6 without a
    /// scope.</summary>
    /// <remarks>.NET takes 1.2.3 for 1.2.0.3, 010.0.0.1 for 8.0.0.1 and a number for an address, as inet_aton(3) does: what the user has
    /// mistyped would be another address.</remarks>
    public static bool IsAddress(string text) => !text.AsSpan().ContainsAnyExcept(s_characters)
        && IPAddress.TryParse(text, out IPAddress? address)
        && (address.AddressFamily == AddressFamily.InterNetworkV6 || address.ToString() == text);
}
