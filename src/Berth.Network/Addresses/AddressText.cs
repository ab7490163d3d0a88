using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Berth.Network;

/// <summary>An address as users write it, for the base library.</summary>
public static class AddressText
{
    /// <summary>Reads a dotted quad of exactly four decimal parts without leading zeros, or an IPv6 address, also one with a scope or an
    /// IPv4 address in it.</summary>
    /// <remarks>The base library takes <c>1.2</c> for 1.0.0.2, <c>010.0.0.1</c> for 8.0.0.1 and drops the port of <c>[::1]:80</c>: none of
    /// these is what its writer meant, and Docker refuses them.</remarks>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out IPAddress? address)
    {
        if (InternetAddress.TryParse(text, out InternetAddress strict))
        {
            address = strict.ToIPAddress();
            return true;
        }
        address = null;
        return text is not null && text.Contains(':', StringComparison.Ordinal) && !text.AsSpan().ContainsAny('[', ' ')
            && IPAddress.TryParse(text, out address);
    }
}
