namespace Berth.Network;

public sealed partial class Networks
{
    /// <summary>Starts the sandbox's name server once it is on a network that has names.</summary>
    private void StartNames(Sandbox sandbox)
    {
        if (sandbox.Names is null && sandbox.Endpoints.Any(endpoint => _networks[endpoint.NetworkId].Network.HasNames))
            sandbox.Names = NameServer.Start(sandbox.Namespace, _options, new NameView(this, sandbox));
    }

    /// <summary>What one container may know of names.</summary>
    private sealed class NameView(Networks networks, Sandbox sandbox) : INameView
    {
        public IReadOnlyList<InternetAddress>? Resolve(string name)
        {
            lock (networks._gate)
            {
                foreach (NetworkState state in Visible())
                {
                    IReadOnlyList<Endpoint> found = state.Resolve(Linked(state, name));
                    if (found.Count > 0)
                        return [.. found.SelectMany(endpoint => endpoint.Addresses)];
                }
                return null;
            }
        }

        // A link is this container's own word for another; whoever is behind it may come and go.
        private string Linked(NetworkState state, string name)
        {
            IReadOnlyDictionary<string, string>? links =
                sandbox.Endpoints.FirstOrDefault(endpoint => endpoint.NetworkId == state.Network.Id)?.Links;
            return links?.FirstOrDefault(link => link.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value ?? name;
        }

        public string? NameOf(InternetAddress address)
        {
            lock (networks._gate)
            {
                foreach (NetworkState state in Visible())
                {
                    Endpoint? found = state.Endpoints.Values.FirstOrDefault(endpoint => endpoint.Addresses.Contains(address));
                    if (found is not null)
                        return $"{found.ContainerName}.{state.Network.Name}";
                }
                return null;
            }
        }

        public IReadOnlyList<System.Net.IPAddress>? Upstream()
        {
            IReadOnlyList<System.Net.IPAddress> asked;
            lock (networks._gate)
            {
                // Internal networks only: foreign names would carry data out (CVE-2024-29018).
                if (!sandbox.Endpoints.Any(endpoint => endpoint.HasGateway))
                    return null;
                asked = sandbox.Endpoints.FirstOrDefault(endpoint => endpoint.Dns.Count > 0)?.Dns ?? networks._options.Dns;
            }
            string file = networks._options.HostResolvConf;
            return ResolvConf.Upstream(File.Exists(file) ? File.ReadAllText(file) : "", asked);
        }

        private IEnumerable<NetworkState> Visible() => sandbox.Endpoints
            .Select(endpoint => networks._networks[endpoint.NetworkId]).Where(state => state.Network.HasNames);
    }
}
