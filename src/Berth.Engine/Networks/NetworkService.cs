using Berth.Engine.State;
using Berth.Faults;
using Berth.Network;

namespace Berth.Engine;

/// <inheritdoc cref="INetworkService"/>
internal sealed class NetworkService(EngineParts parts, ContainerService containers) : INetworkService
{
    private const string EnableIPv4Option = "com.docker.network.enable_ipv4";
    private const string EnableIPv6Option = "com.docker.network.enable_ipv6";
    private static readonly string[] s_filters = ["dangling", "driver", "id", "label", "label!", "name", "scope", "type"];

    public async Task<CreatedNetwork> CreateAsync(CreateNetwork request, CancellationToken cancellationToken)
    {
        if (request.AddressDriver is not (null or "" or "default"))
            throw FaultException.NotFound($"could not find an available, non-overlapping address pool driver: {request.AddressDriver}");
        string driver = string.IsNullOrEmpty(request.Driver) || request.Driver == "default" ? "bridge" : request.Driver;
        Dictionary<string, string> options = new(request.Options);
        foreach ((string name, string value) in parts.Options.DefaultNetworkOptions)
        {
            if (driver == "bridge" && request.ConfigFrom.Length == 0)
                options.TryAdd(name, value);
        }
        (AddressRequest? addresses, AddressRequest? addressesIPv6, string warning) = AddressRanges.Parse(
            request.Ranges, request.EnableIPv4 ?? Flag(options, EnableIPv4Option, other: true),
            request.EnableIPv6 ?? Flag(options, EnableIPv6Option, other: false));
        Network.Network network = await parts.Networks.CreateAsync(new NetworkRequest
        {
            Name = request.Name,
            Driver = driver,
            IPv4 = addresses,
            IPv6 = addressesIPv6,
            Internal = request.Internal,
            Attachable = request.Attachable,
            ConfigOnly = request.ConfigOnly,
            ConfigFrom = request.ConfigFrom,
            Options = options,
            AddressOptions = request.AddressOptions,
            Labels = request.Labels,
        }, cancellationToken);
        Publish("create", network);
        return new CreatedNetwork(network.Id, warning);
    }

    private static bool Flag(Dictionary<string, string> options, string name, bool other)
    {
        if (!options.TryGetValue(name, out string? text))
            return other;
        return bool.TryParse(text, out bool value) ? value
            : throw FaultException.Invalid($"invalid option {name}: '{text}' is neither true nor false");
    }

    public NetworkDetails Inspect(string id) => Describe(Find(id));

    public IReadOnlyList<NetworkDetails> List(FilterSet filters)
    {
        filters.Allow(s_filters);
        bool? dangling = filters.Flag("dangling");
        foreach (string type in filters["type"])
            if (type is not ("builtin" or "custom"))
                throw FaultException.Invalid($"invalid filter: 'type'='{type}'");
        return [.. parts.Networks.List().Where(network =>
            filters.Matches("driver", network.Driver) && filters.Matches("scope", "local") && filters.MatchesLabels(network.Labels)
            && (!filters.Has("id") || filters["id"].Any(part => network.Id.Contains(part, StringComparison.Ordinal)))
            && (!filters.Has("name") || filters["name"].Any(part => network.Name.Contains(part, StringComparison.Ordinal)))
            && (!filters.Has("type") || filters["type"].Contains(network.IsPredefined ? "builtin" : "custom"))
            && (dangling is null || dangling == (!network.IsPredefined && !IsUsed(network)))).Select(Describe)];
    }

    public async Task RemoveAsync(string id, CancellationToken cancellationToken)
    {
        Network.Network network = Find(id);
        await parts.Networks.RemoveAsync(network.Id, cancellationToken);
        Publish("destroy", network);
    }

    public async Task ConnectAsync(string id, string container, EndpointSettings settings, CancellationToken cancellationToken)
    {
        Network.Network network = Find(id);
        Container found = parts.Containers.Find(container);
        EndpointRules.Check(network.Name, network, settings);
        await found.Gate.WaitAsync(cancellationToken);
        try
        {
            ContainerRecord record = found.Record;
            if (record.Host.NetworkMode is "host" || record.Host.NetworkMode?.StartsWith("container:", StringComparison.Ordinal) == true)
                throw FaultException.Invalid(
                    $"container sharing network namespace with another container or host cannot be connected to any other network");
            if (network.Driver != "bridge")
                throw FaultException.Invalid(network.Driver == "host"
                    ? "container cannot be disconnected from host network or connected to host network"
                    : "container cannot be connected to multiple networks with one of the networks in private (none) mode");
            if (record.Networks.ContainsKey(network.Name))
                throw new FaultException(FaultKind.Forbidden, $"endpoint with name {record.Name} already exists in network {network.Name}");
            if (found.Sandbox is { } sandbox)
            {
                // Ports are published at the first network that is a way out.
                bool publishes = containers.CarriesPorts(network.Id) && !sandbox.Endpoints.Any(static endpoint => endpoint.HasGateway);
                await containers.ConnectOneAsync(sandbox, record, network.Name, settings, publishes, cancellationToken);
            }
            parts.Containers.Update(found, record with
            {
                Networks = new Dictionary<string,
                    EndpointSettings>(record.Networks.Where(entry => entry.Key != "none")) { [network.Name] = settings },
                Endpoints = [.. found.Sandbox?.Endpoints ?? []],
            });
        }
        finally
        {
            found.Gate.Release();
        }
    }

    public async Task DisconnectAsync(string id, string container, bool force, CancellationToken cancellationToken)
    {
        Network.Network network = Find(id);
        Container found = parts.Containers.Find(container);
        await found.Gate.WaitAsync(cancellationToken);
        try
        {
            ContainerRecord record = found.Record;
            if (!record.Networks.ContainsKey(network.Name))
                throw new FaultException(FaultKind.Forbidden, $"container {found.Id} is not connected to network {network.Name}");
            if (found.Sandbox is { } sandbox)
            {
                bool carried = sandbox.Endpoints.Any(endpoint => endpoint.NetworkId == network.Id && endpoint.Ports.Count > 0);
                await parts.Networks.DisconnectAsync(sandbox, network.Id, cancellationToken);
                if (carried)
                    await containers.MovePortsAsync(sandbox, record, cancellationToken);
                parts.Events.Publish("network", "disconnect", network.Id, new Dictionary<string, string>
                {
                    ["container"] = found.Id, ["name"] = network.Name, ["type"] = network.Driver,
                });
            }
            parts.Containers.Update(found, record with
            {
                Networks = new Dictionary<string, EndpointSettings>(record.Networks.Where(entry => entry.Key != network.Name)),
                Endpoints = [.. found.Sandbox?.Endpoints ?? []],
            });
        }
        finally
        {
            found.Gate.Release();
        }
    }

    public async Task<PruneReport> PruneAsync(FilterSet filters, CancellationToken cancellationToken)
    {
        filters.Allow("label", "label!", "until");
        DateTimeOffset? until = filters["until"] is [string text, ..] ? TimeText.Parse(text, parts.Time) : null;
        List<string> removed = [];
        foreach (Network.Network network in parts.Networks.List().Where(network => !network.IsPredefined && !network.ConfigOnly
            && !IsUsed(network) && filters.MatchesLabels(network.Labels) && !(network.Created >= until)))
        {
            await RemoveAsync(network.Id, cancellationToken);
            removed.Add(network.Name);
        }
        parts.Events.Publish("network", "prune", "", new Dictionary<string, string> { ["reclaimed"] = "0" });
        return new PruneReport(removed, 0);
    }

    private Network.Network Find(string id) => parts.Networks.Find(id) ?? throw FaultException.NotFound($"network {id} not found");

    private bool IsUsed(Network.Network network) =>
        parts.Containers.All.Any(container => container.Record.Networks.ContainsKey(network.Name));

    private NetworkDetails Describe(Network.Network network) => new()
    {
        Id = network.Id,
        Name = network.Name,
        Driver = network.Driver,
        Created = network.Created,
        Internal = network.Internal,
        Attachable = network.Attachable,
        // The networks without a bridge have no addresses at all; Docker calls that IPv4.
        EnableIPv4 = network.ConfigOnly ? network.ConfiguredIPv4 is not null : network.IPv4 is not null || network.Driver != "bridge",
        EnableIPv6 = network.IPv6 is not null || network.ConfiguredIPv6 is not null,
        Ranges =
        [
            .. network.Plans.Select(plan => new AddressRange(
                $"{plan.Subnet}", $"{plan.IPRange}", $"{plan.Gateway}", Texts(plan.AuxiliaryAddresses))),
            .. new[] { network.ConfiguredIPv4, network.ConfiguredIPv6 }.OfType<AddressRequest>().Where(wanted => wanted.Subnet is not null)
                .Select(wanted => new AddressRange(
                    $"{wanted.Subnet}", $"{wanted.IPRange}", $"{wanted.Gateway}", Texts(wanted.AuxiliaryAddresses))),
        ],
        ConfigOnly = network.ConfigOnly,
        ConfigFrom = network.ConfigFrom,
        Options = network.Options,
        AddressOptions = network.AddressOptions,
        Labels = network.Labels,
        Containers = parts.Networks.Endpoints(network.Id).ToDictionary(endpoint => endpoint.ContainerId, endpoint => new NetworkMember(
            endpoint.ContainerName, endpoint.Id, endpoint.Mac?.ToString() ?? "",
            endpoint.Address is { } address ? $"{address}/{endpoint.PrefixLength}" : "",
            endpoint.IPv6Address is { } addressIPv6 ? $"{addressIPv6}/{endpoint.IPv6PrefixLength}" : "")),
    };

    private static Dictionary<string, string> Texts(IReadOnlyDictionary<string, InternetAddress> addresses) =>
        addresses.ToDictionary(pair => pair.Key, pair => pair.Value.ToString());

    private void Publish(string action, Network.Network network) => parts.Events.Publish("network", action, network.Id,
        new Dictionary<string, string>(network.Labels) { ["name"] = network.Name, ["type"] = network.Driver });
}
