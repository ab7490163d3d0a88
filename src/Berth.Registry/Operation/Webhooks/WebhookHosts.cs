using System.Net;
using System.Net.Sockets;

namespace Berth.Registry.Operation.Webhooks;

/// <summary>Where webhooks may be sent: to hosts that the operator named, and of those only to public addresses, unless the operator
/// named the network too.</summary>
/// <remarks>
/// Whoever may set a webhook chooses a host that the hub connects to from inside its network. So the list is empty by default, the name
/// is resolved by us, each address is checked, and the connection goes to the address that was checked: resolving twice would let
/// a name point elsewhere the second time.
/// </remarks>
public sealed class WebhookHosts
{
    private readonly List<string> _names = [];
    private readonly List<string> _suffixes = [];
    private readonly List<IPNetwork> _networks = [];

    /// <summary>Reads the operator's list: <c>hooks.example.org</c>, <c>*.example.org</c>, <c>10.1.0.0/16</c>, <c>*</c> for any
    /// public host.</summary>
    /// <exception cref="FaultException">InvalidArgument: an entry is none of these.</exception>
    public WebhookHosts(IEnumerable<string> allowed)
    {
        foreach (string entry in allowed)
        {
            string text = entry.Trim().ToLowerInvariant();
            if (IPNetwork.TryParse(text, out IPNetwork network))
                _networks.Add(network);
            else if (IPAddress.TryParse(text, out IPAddress? single))
                _networks.Add(new IPNetwork(single, single.AddressFamily is AddressFamily.InterNetwork ? 32 : 128));
            else if (text == "*")
                _suffixes.Add("");
            else if (text.StartsWith("*.", StringComparison.Ordinal) && Uri.CheckHostName(text[2..]) is UriHostNameType.Dns)
                _suffixes.Add(text[1..]);
            else if (Uri.CheckHostName(text) is UriHostNameType.Dns)
                _names.Add(text);
            else
                throw FaultException.Invalid($"webhook host {entry}: a host name, *.NAME, an address or a network is expected");
        }
    }

    /// <summary>Whether any is allowed.</summary>
    public bool IsEmpty => _names.Count + _suffixes.Count + _networks.Count == 0;

    /// <summary>Refuses an address that no delivery could ever go to, when it is set.</summary>
    /// <exception cref="FaultException">InvalidArgument: not an http address without credentials. Forbidden: the host is not on the
    /// list.</exception>
    public Uri Check(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? parsed) || parsed.Scheme is not ("http" or "https")
            || parsed.UserInfo.Length > 0 || parsed.Fragment.Length > 0)
            throw FaultException.Invalid("webhook: an http or https address without user and fragment is expected");
        if (!AllowsName(parsed) && !(IPAddress.TryParse(parsed.IdnHost, out IPAddress? address) && AllowsAddress(address, isNamed: false)))
            throw new FaultException(
                FaultKind.Forbidden, $"webhook: {parsed.IdnHost} is not among the hosts that this hub may send to (webhook-hosts)");
        return parsed;
    }

    /// <summary>Whether a delivery to a host may connect to an address that its name stands for.</summary>
    public bool Allows(Uri url, IPAddress address) => AllowsAddress(address, AllowsName(url));

    /// <summary>Whether an address is reachable from everywhere and belongs to nobody's inside.</summary>
    /// <remarks>IANA's registries of special-purpose addresses (RFC 6890 and its successors).</remarks>
    public static bool IsPublic(IPAddress address)
    {
        IPAddress plain = Unwrap(address);
        return !s_special.Any(network => network.BaseAddress.AddressFamily == plain.AddressFamily && network.Contains(plain));
    }

    private static readonly IPNetwork[] s_special =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
            "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
            "::/96", "::ffff:0:0:0/96",
            "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16",
            "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
        }.Select(text => IPNetwork.Parse(text)),
    ];

    private bool AllowsName(Uri url)
    {
        // A literal address is allowed by a network, never by a pattern of names.
        if (url.HostNameType is not UriHostNameType.Dns)
            return _suffixes.Contains("");
        string host = url.IdnHost.TrimEnd('.').ToLowerInvariant();
        return _names.Contains(host) || _suffixes.Any(suffix => host.EndsWith(suffix, StringComparison.Ordinal));
    }

    private bool AllowsAddress(IPAddress address, bool isNamed)
    {
        IPAddress plain = Unwrap(address);
        return _networks.Any(network => network.BaseAddress.AddressFamily == plain.AddressFamily && network.Contains(plain))
            || (isNamed && IsPublic(plain));
    }

    // ::ffff:10.0.0.1 is 10.0.0.1 in another dress.
    private static IPAddress Unwrap(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
