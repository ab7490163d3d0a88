using System.Text.RegularExpressions;
using Berth.Faults;
using Berth.Linux;

namespace Berth.Network;

public sealed partial class Networks
{
    private const string OptionPrefix = "com.docker.network.bridge.";
    private const string MtuOption = "com.docker.network.driver.mtu";

    /// <inheritdoc/>
    public Task<Network> CreateAsync(NetworkRequest request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            Validate(request);
            Network network = Plan(request);
            NetworkState state = Add(network);
            try
            {
                (state.BridgeIndex, _) = _host.EnsureBridge(network);
                SetFirewallNetworks();
            }
            catch (LinuxException exception)
            {
                Forget(state);
                throw FaultException.Internal($"create network {request.Name}: {exception.Message}", exception);
            }
            return Task.FromResult(network);
        }
    }

    /// <inheritdoc/>
    public Task RemoveAsync(string network, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            NetworkState state = Get(network);
            Network found = state.Network;
            if (found.IsPredefined)
                throw new FaultException(FaultKind.Forbidden, $"{found.Name} is a pre-defined network and cannot be removed");
            if (state.Endpoints.Count > 0)
            {
                throw new FaultException(
                    FaultKind.Forbidden, $"error while removing network: network {found.Name} id {found.Id} has active endpoints");
            }
            try
            {
                Forget(state);
            }
            catch (LinuxException exception)
            {
                throw FaultException.Internal($"remove network {found.Name}: {exception.Message}", exception);
            }
        }
        return Task.CompletedTask;
    }

    [GeneratedRegex("^[a-zA-Z0-9][a-zA-Z0-9_.-]*$")]
    private static partial Regex NamePattern { get; }

    private void Forget(NetworkState state)
    {
        _networks.Remove(state.Network.Id);
        SetFirewallNetworks();
        RemovePorts(state);
        _host.Route.TryDeleteLink(state.Network.BridgeName);
        _files.Delete(state.Network);
    }

    private void SetFirewallNetworks() => _host.Firewall.SetNetworks(
        [.. Bridged.Where(state => state.BridgeIndex != 0).Select(state => state.Network)]);

    private void Validate(NetworkRequest request)
    {
        if (!NamePattern.IsMatch(request.Name))
            throw FaultException.Invalid($"invalid network name: {request.Name}: only letters, digits, '_', '.' and '-' are allowed");
        if (request.Name is "default" or "bridge" or "host" or "none")
            throw new FaultException(FaultKind.Forbidden, $"operation is not permitted on predefined {request.Name} network");
        if (_networks.Values.Any(state => state.Network.Name == request.Name))
            throw FaultException.Conflict($"network with name {request.Name} already exists");
        if (request.Driver is "host" or "null")
            throw new FaultException(FaultKind.Forbidden, $"only one instance of \"{request.Driver}\" network is allowed");
        if (request.Driver != BridgeDriver)
            throw FaultException.NotFound($"plugin \"{request.Driver}\" not found");
        if (request.Subnet is null && (request.Gateway is not null || request.IPRange is not null))
            throw FaultException.Invalid("every ip-range or gateway must have a corresponding subnet");
        if (request.Subnet is { } subnet)
            ValidateSubnet(request, subnet);
    }

    private static void ValidateSubnet(NetworkRequest request, IPv4Subnet subnet)
    {
        if (subnet.PrefixLength is < 8 or > 30)
            throw FaultException.Invalid($"invalid subnet {subnet}: the prefix length must be 8 to 30");
        if (request.IPRange is { } range && (!subnet.Contains(range.Address) || range.PrefixLength < subnet.PrefixLength))
            throw FaultException.Invalid($"no matching subnet for range {range}");
        if (request.Gateway is { } gateway && !subnet.Contains(gateway))
            throw FaultException.Invalid($"no matching subnet for gateway {gateway}");
        foreach (IPv4Address auxiliary in request.AuxiliaryAddresses.Values)
        {
            if (!subnet.Contains(auxiliary))
                throw FaultException.Invalid($"no matching subnet for aux-address {auxiliary}");
        }
    }

    private Network Plan(NetworkRequest request)
    {
        string id = NewId();
        IPv4Subnet subnet = request.Subnet ?? FreeSubnet(except: null);
        if (request.Subnet is not null && TakenSubnets(except: null).Any(subnet.Overlaps))
            throw new FaultException(FaultKind.Forbidden, "invalid pool request: Pool overlaps with other one on this address space");
        string bridge = request.Options.GetValueOrDefault(OptionPrefix + "name", $"br-{id[..12]}");
        if (System.Text.Encoding.UTF8.GetByteCount(bridge) is 0 or > 15 || bridge.AsSpan().ContainsAny('/', ' '))
            throw FaultException.Invalid($"invalid bridge name {bridge}: 1 to 15 bytes without '/' and spaces are allowed");
        if (_networks.Values.Any(state => state.Network.BridgeName == bridge) || _host.Route.FindLink(bridge) is not null)
            throw FaultException.Conflict($"create network {request.Name}: a link named {bridge} exists");
        return new Network
        {
            Id = id,
            Name = request.Name,
            Driver = BridgeDriver,
            Created = _time.GetUtcNow(),
            BridgeName = bridge,
            Subnet = subnet,
            SubnetRequested = request.Subnet is not null,
            Gateway = request.Gateway ?? new IPv4Address((request.IPRange ?? subnet).Address.Value + 1),
            IPRange = request.IPRange,
            AuxiliaryAddresses = request.AuxiliaryAddresses,
            Internal = request.Internal,
            Attachable = request.Attachable,
            Mtu = Mtu(request),
            InterContainer = Flag(request, "enable_icc"),
            Masquerade = Flag(request, "enable_ip_masquerade"),
            HostBinding = HostBinding(request),
            Options = request.Options,
            Labels = request.Labels,
        };
    }

    private int Mtu(NetworkRequest request)
    {
        if (!request.Options.TryGetValue(MtuOption, out string? text))
            return WantedMtu();
        return int.TryParse(text, out int mtu) && mtu is >= 68 and <= 65535
            ? mtu
            : throw FaultException.Invalid($"invalid option {MtuOption}: '{text}' is not between 68 and 65535");
    }

    private static bool Flag(NetworkRequest request, string option)
    {
        if (!request.Options.TryGetValue(OptionPrefix + option, out string? text))
            return true;
        return text.ToLowerInvariant() switch
        {
            "true" or "1" or "t" => true,
            "false" or "0" or "f" => false,
            _ => throw FaultException.Invalid($"invalid option {OptionPrefix}{option}: '{text}' is neither true nor false"),
        };
    }

    private static string? HostBinding(NetworkRequest request)
    {
        if (!request.Options.TryGetValue(OptionPrefix + "host_binding_ipv4", out string? text))
            return null;
        return IPv4Address.TryParse(text, out IPv4Address address)
            ? address.Value == 0 ? null : text
            : throw FaultException.Invalid($"invalid option {OptionPrefix}host_binding_ipv4: '{text}' is no IPv4 address");
    }

    private IPv4Subnet FreeSubnet(string? except)
    {
        IReadOnlyList<IPv4Subnet> taken = TakenSubnets(except);
        foreach (AddressPool pool in _options.AddressPools)
        {
            ulong step = 1UL << (32 - pool.PrefixLength);
            for (ulong at = pool.Range.Address.Value; at <= pool.Range.Broadcast.Value; at += step)
            {
                IPv4Subnet candidate = new(new IPv4Address((uint)at), pool.PrefixLength);
                if (!taken.Any(candidate.Overlaps))
                    return candidate;
            }
        }
        throw new FaultException(FaultKind.Forbidden, "all predefined address pools have been fully subnetted");
    }

    private IReadOnlyList<IPv4Subnet> TakenSubnets(string? except) =>
        [.. _host.TakenSubnets(except), .. Bridged.Select(state => state.Network.Subnet!.Value)];
}
