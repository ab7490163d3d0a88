using Berth.Faults;

namespace Berth.Network;

// Configurations: networks that only keep addresses, options and labels, and those that are made from them. The rules and texts are those
// of Docker's libnetwork (validateConfiguration).
public sealed partial class Networks
{
    private Network AddConfiguration(NetworkRequest request)
    {
        if (request.Internal || request.Attachable)
        {
            throw new FaultException(FaultKind.Forbidden,
                "configuration network can only contain network specific fields. Network operator fields like "
                + "[ ingress | internal | attachable | scope ] are not supported.");
        }
        if (request.ConfigFrom.Length > 0)
            throw new FaultException(FaultKind.Forbidden, "a configuration network cannot depend on another configuration network");
        ValidateName(request);
        ValidateAddresses(request);
        Network network = new()
        {
            Id = NewId(),
            Name = request.Name,
            Driver = "null",
            Created = _time.GetUtcNow(),
            ConfigOnly = true,
            ConfiguredIPv4 = request.IPv4,
            ConfiguredIPv6 = request.IPv6,
            Options = request.Options,
            Labels = request.Labels,
        };
        Add(network);
        return network;
    }

    private NetworkRequest FromConfiguration(NetworkRequest request)
    {
        if (request.ConfigFrom.Length == 0)
            return request;
        bool hasAddresses = request.IPv6 is not null
            || request.IPv4 is { Subnet: not null } or { Gateway: not null } or { IPRange: not null };
        if (hasAddresses || request.Options.Count > 0 || request.Labels.Count > 0)
        {
            throw new FaultException(FaultKind.Forbidden,
                "user specified configurations are not supported if the network depends on a configuration network");
        }
        if (FindState(request.ConfigFrom)?.Network is not { ConfigOnly: true } configuration)
            throw FaultException.NotFound($"configuration network \"{request.ConfigFrom}\" does not exist");
        return request with
        {
            ConfigFrom = configuration.Name,
            IPv4 = configuration.ConfiguredIPv4,
            IPv6 = configuration.ConfiguredIPv6,
            Options = configuration.Options,
            Labels = configuration.Labels,
        };
    }

    private void RequireUnused(Network network)
    {
        if (network.ConfigOnly && _networks.Values.Any(state => state.Network.ConfigFrom == network.Name))
        {
            throw new FaultException(
                FaultKind.Forbidden, $"error while removing network: configuration network \"{network.Name}\" is in use");
        }
    }
}
