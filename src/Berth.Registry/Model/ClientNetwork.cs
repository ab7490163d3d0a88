using System.Net;
using System.Net.Sockets;

namespace Berth.Registry.Model;

/// <summary>The part of a client's address by which it is counted.</summary>
/// <remarks>One customer has a whole /64 of IPv6 addresses (RFC 6177) and would otherwise have as many counts.</remarks>
internal static class ClientNetwork
{
    private const int PrefixBytes = 8;

    /// <summary>The IPv4 address, or the /64 of an IPv6 address; empty for what is no address.</summary>
    public static string Of(string? address)
    {
        if (!IPAddress.TryParse(address, out IPAddress? parsed))
            return "";
        if (parsed.IsIPv4MappedToIPv6)
            parsed = parsed.MapToIPv4();
        return parsed.AddressFamily is AddressFamily.InterNetworkV6
            ? Convert.ToHexStringLower(parsed.GetAddressBytes().AsSpan(0, PrefixBytes))
            : parsed.ToString();
    }
}
