using System.Net;
using System.Net.Sockets;

namespace Berth.Distribution;

/// <summary>Says which hosts may be spoken to without a trusted certificate or without TLS.</summary>
internal sealed class HostPolicy
{
    private readonly HashSet<string> _hosts = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<IPNetwork> _networks = [];

    public HostPolicy(IEnumerable<string> insecureRegistries)
    {
        foreach (string entry in insecureRegistries)
        {
            if (IPNetwork.TryParse(entry, out IPNetwork network))
                _networks.Add(network);
            else
                _hosts.Add(entry);
        }
    }

    /// <summary>True for localhost, 127.0.0.0/8 and ::1.</summary>
    public static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? address) && IPAddress.IsLoopback(address));

    /// <summary>True when the host may show any certificate and, that failing, speak plain HTTP.</summary>
    public async Task<bool> AllowsInsecureAsync(Uri uri, CancellationToken cancellationToken)
    {
        string host = uri.Host;
        if (IsLoopback(host) || _hosts.Contains(uri.Authority) || _hosts.Contains($"{host}:{uri.Port}")
            || (uri.IsDefaultPort && _hosts.Contains(host)))
            return true;
        if (_networks.Count == 0)
            return false;
        foreach (IPAddress address in await AddressesAsync(host, cancellationToken))
        {
            if (_networks.Any(network => network.Contains(address)))
                return true;
        }
        return false;
    }

    private static async Task<IPAddress[]> AddressesAsync(string host, CancellationToken cancellationToken)
    {
        if (IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? literal))
            return [literal];
        try
        {
            return await Dns.GetHostAddressesAsync(host, cancellationToken);
        }
        catch (SocketException)
        {
            return [];   // The request itself will say that the host is unknown.
        }
    }
}
