using System.Net;
using System.Text;

namespace Berth.Network;

/// <summary>The contents of a container's <c>/etc/hosts</c> and <c>/etc/hostname</c>, in Docker's layout.</summary>
public static class HostsFile
{
    private const string Loopback =
        "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\n"
        + "ff00::0\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n";

    /// <summary>
    /// The hosts file: the loopback names, the extra hosts in their order, then one line per address of the container.
    /// </summary>
    /// <param name="hostName">The container's host name.</param>
    /// <param name="domainName">Its domain, or empty.</param>
    /// <param name="addresses">The container's addresses, in the order of its endpoints.</param>
    /// <param name="extraHosts">What <c>--add-host</c> gave, already resolved (see <see cref="ParseExtraHost"/>).</param>
    public static string Content(
        string hostName, string domainName, IEnumerable<InternetAddress> addresses, IEnumerable<ExtraHost> extraHosts)
    {
        StringBuilder text = new(Loopback);
        foreach (ExtraHost host in extraHosts)
            text.Append(host.Address).Append('\t').Append(host.Name).Append('\n');
        string names = domainName.Length == 0 ? hostName : $"{hostName}.{domainName} {hostName}";
        foreach (InternetAddress address in addresses)
            text.Append(address.ToString()).Append('\t').Append(names).Append('\n');
        return text.ToString();
    }

    /// <summary>The hostname file.</summary>
    public static string HostName(string hostName) => hostName + "\n";

    /// <summary>Reads <c>name:address</c> or <c>name=address</c>; the address <c>host-gateway</c> becomes the given ones.</summary>
    /// <param name="text">The user's text.</param>
    /// <param name="hostGateways">The host as the container sees it: the gateways, one of each family, of the default bridge or of its
    /// network.</param>
    /// <exception cref="Berth.Faults.FaultException">InvalidArgument: it is neither; with Docker's text.</exception>
    public static IReadOnlyList<ExtraHost> ParseExtraHost(string text, IReadOnlyList<IPAddress> hostGateways)
    {
        int separator = text.AsSpan().IndexOfAny(':', '=');
        if (separator <= 0 || text.AsSpan(0, separator).ContainsAny(" \t\r\n#"))
            throw Berth.Faults.FaultException.Invalid($"bad format for add-host: \"{text}\"");
        string address = text[(separator + 1)..];
        if (address == "host-gateway")
        {
            return hostGateways.Count == 0
                ? throw Berth.Faults.FaultException.Invalid("unable to derive the IP value for host-gateway")
                : [.. hostGateways.Select(gateway => new ExtraHost(text[..separator], gateway))];
        }
        if (address is ['[', .., ']'])
            address = address[1..^1];
        return AddressText.TryParse(address, out IPAddress? parsed)
            ? [new ExtraHost(text[..separator], parsed)]
            : throw Berth.Faults.FaultException.Invalid($"invalid IP address in add-host: \"{address}\"");
    }
}

/// <summary>One line of a hosts file.</summary>
/// <param name="Name">The name.</param>
/// <param name="Address">Its address.</param>
public sealed record ExtraHost(string Name, IPAddress Address);
