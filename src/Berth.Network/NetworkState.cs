namespace Berth.Network;

/// <summary>One network with who is on it. Guarded by the networks' gate.</summary>
internal sealed class NetworkState(Network network)
{
    private Dictionary<string, List<Endpoint>>? _names;

    public Network Network { get; } = network;

    /// <summary>Addresses; null without a bridge.</summary>
    public AddressAllocator? Addresses { get; } = network.Driver == "bridge" ? new AddressAllocator(network) : null;

    /// <summary>The bridge's number on the host.</summary>
    public int BridgeIndex { get; set; }

    /// <summary>By endpoint ID.</summary>
    public Dictionary<string, Endpoint> Endpoints { get; } = [];

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

    private static string ShortId(string id) => id.Length > 12 ? id[..12] : id;
}
