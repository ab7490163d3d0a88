using System.Net;
using Berth.Faults;
using Berth.Network;

namespace Berth.Engine;

/// <summary>Published ports as the network wants them.</summary>
internal static class PublishRules
{
    /// <exception cref="FaultException">InvalidArgument: a port or address is wrong. NotSupported: SCTP.</exception>
    public static void Check(HostSettings host) => _ = Bindings(host, [], "");

    /// <summary>All wishes of a container; those without an address get the engine's.</summary>
    public static IReadOnlyList<Network.PortBinding> Bindings(HostSettings host, IReadOnlyList<string> exposed, string defaultAddress)
    {
        // Every address is said by saying none.
        IPAddress? standard = defaultAddress.Length == 0 || defaultAddress == "0.0.0.0" ? null : IPAddress.Parse(defaultAddress);
        List<Network.PortBinding> all = [];
        foreach ((string key, IReadOnlyList<PortBinding> bindings) in host.PortBindings ?? new Dictionary<string,
            IReadOnlyList<PortBinding>>())
        {
            foreach ((ushort port, TransportProtocol protocol) in Ports(key))
                foreach (PortBinding binding in bindings.Count > 0 ? bindings : [new PortBinding("", "")])
                    all.Add(Binding(port, protocol, binding, standard));
        }
        if (host.PublishAllPorts)
        {
            foreach ((ushort port, TransportProtocol protocol) in exposed.SelectMany(Ports))
                if (!all.Any(known => known.ContainerPort == port && known.Protocol == protocol))
                    all.Add(new Network.PortBinding { ContainerPort = port, Protocol = protocol, HostAddress = standard });
        }
        return all;
    }

    /// <summary>The ports of <c>80/tcp</c> or <c>80-90/udp</c>.</summary>
    public static IEnumerable<(ushort Port, TransportProtocol Protocol)> Ports(string text)
    {
        string[] parts = MergeSettings.NormalPort(text).Split('/');
        TransportProtocol protocol = parts[1] switch
        {
            "tcp" => TransportProtocol.Tcp,
            "udp" => TransportProtocol.Udp,
            _ => throw new FaultException(FaultKind.NotSupported, $"publish {text}: {parts[1]} is not offered by this engine"),
        };
        (ushort first, ushort last) = Range(parts[0]);
        for (int port = first; port <= last; port++)
            yield return ((ushort)port, protocol);
    }

    private static Network.PortBinding Binding(
        ushort port, TransportProtocol protocol, PortBinding binding, IPAddress? standard)
    {
        IPAddress? address = null;
        if (binding.HostIp.Length > 0 && !AddressText.TryParse(binding.HostIp.Trim('[', ']'), out address))
            throw FaultException.Invalid($"invalid IP address: {binding.HostIp}");
        (ushort first, ushort last) = binding.HostPort.Length == 0 || binding.HostPort == "0"
            ? ((ushort)0, (ushort)0) : Range(binding.HostPort);
        return new Network.PortBinding
        {
            ContainerPort = port,
            Protocol = protocol,
            HostAddress = address ?? standard,
            HostPort = first,
            HostPortMax = last > first ? last : (ushort)0,
        };
    }

    private static (ushort First, ushort Last) Range(string text)
    {
        string[] ends = text.Split('-');
        if (ends.Length <= 2 && ushort.TryParse(ends[0], out ushort first) && ushort.TryParse(ends[^1], out ushort last)
            && first > 0 && last >= first)
            return (first, last);
        throw FaultException.Invalid($"Invalid hostPort: {text}");
    }
}
