namespace Berth.Network;

/// <summary>One network with who is on it. Guarded by the networks' gate.</summary>
internal sealed class NetworkState(Network network)
{
    private Dictionary<string, List<Endpoint>>? _names;

    public Network Network { get; } = network;

    /// <summary>Whether it has a link and addresses of its own.</summary>
    public bool HasBridge => Network.Driver == "bridge";

    /// <summary>IPv4 addresses; null without.</summary>
    public AddressAllocator? IPv4 { get; } = Allocator(network, network.IPv4);

    /// <summary>IPv6 addresses; null without.</summary>
    public AddressAllocator? IPv6 { get; } = Allocator(network, network.IPv6);

    /// <summary>The bridge's number on the host.</summary>
    public int BridgeIndex { get; set; }

    /// <summary>By endpoint ID.</summary>
    public Dictionary<string, Endpoint> Endpoints { get; } = [];

    /// <summary>The addresses of one family; null without.</summary>
    public AddressAllocator? Allocator(bool isIPv6) => isIPv6 ? IPv6 : IPv4;

    public void Put(Endpoint endpoint)
    {
        Endpoints[endpoint.Id] = endpoint;
        _names = null;
    }

    public void Remove(Endpoint endpoint)
    {
        Endpoints.Remove(endpoint.Id);
        _names = null;
    }

    /// <summary>The endpoints that a name stands for: a container's name, alias or short ID, each also with the
    /// network's name behind.</summary>
    public IReadOnlyList<Endpoint> Resolve(string name)
    {
        _names ??= Index();
        if (_names.TryGetValue(name, out List<Endpoint>? found))
            return found;
        string suffix = "." + Network.Name;
        return name.EndsWith(suffix, StringComparison.OrdinalIgnoreCase)
            && _names.TryGetValue(name[..^suffix.Length], out found) ? found : [];
    }

    private Dictionary<string, List<Endpoint>> Index()
    {
        Dictionary<string, List<Endpoint>> names = new(StringComparer.OrdinalIgnoreCase);
        foreach (Endpoint endpoint in Endpoints.Values)
        {
            IEnumerable<string> own = endpoint.Aliases.Append(endpoint.ContainerName).Append(ShortId(endpoint.ContainerId));
            foreach (string name in own.Distinct(StringComparer.OrdinalIgnoreCase))
            {
                if (!names.TryGetValue(name, out List<Endpoint>? list))
                    names[name] = list = [];
                list.Add(endpoint);
            }
        }
        return names;
    }

    private static AddressAllocator? Allocator(Network network, AddressPlan? plan) =>
        plan is null ? null : new AddressAllocator($"{network.Name} ({network.Id})", plan);

    private static string ShortId(string id) => id.Length > 12 ? id[..12] : id;
}
