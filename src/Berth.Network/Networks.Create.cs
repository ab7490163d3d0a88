using System.Text.RegularExpressions;
using Berth.Faults;
using Berth.Linux;

namespace Berth.Network;

public sealed partial class Networks
{
    private const string OptionPrefix = "com.docker.network.bridge.";
    private const string MtuOption = "com.docker.network.driver.mtu";
    private const int PrefixLengthMin = 8;

    // RFC 8200 section 5: on links with less the kernel switches IPv6 off.
    private const int MtuMinIPv6 = 1280;

    // Loopback, link-local and multicast (RFC 4291 sections 2.5.3, 2.5.6, 2.7).
    private static readonly InternetSubnet[] s_notForNetworks =
        [.. new[] { "127.0.0.0/8", "224.0.0.0/4", "::1/128", "fe80::/10", "ff00::/8" }.Select(InternetSubnet.Parse)];

    /// <inheritdoc/>
    public Task<Network> CreateAsync(NetworkRequest request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            if (request.ConfigOnly)
                return Task.FromResult(AddConfiguration(request));
            request = FromConfiguration(request);
            Validate(request);
            using SubnetLock turn = _host.LockSubnets();
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
            RequireUnused(found);
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
        if (state.HasBridge)
            _host.Route.TryDeleteLink(state.Network.BridgeName);
        _files.Delete(state.Network);
    }

    private void SetFirewallNetworks() => _host.SetFirewallNetworks(
        [.. Bridged.Where(state => state.BridgeIndex != 0).Select(state => state.Network)]);

    private void Validate(NetworkRequest request)
    {
        ValidateName(request);
        if (request.Driver is "host" or "null")
            throw new FaultException(FaultKind.Forbidden, $"only one instance of \"{request.Driver}\" network is allowed");
        if (request.Driver != BridgeDriver)
            throw FaultException.NotFound($"plugin \"{request.Driver}\" not found");
        ValidateAddresses(request);
    }

    private void ValidateName(NetworkRequest request)
    {
        if (!NamePattern.IsMatch(request.Name))
            throw FaultException.Invalid($"invalid network name: {request.Name}: only letters, digits, '_', '.' and '-' are allowed");
        if (request.Name is "default" or "bridge" or "host" or "none")
            throw new FaultException(FaultKind.Forbidden, $"operation is not permitted on predefined {request.Name} network");
        if (_networks.Values.Any(state => state.Network.Name == request.Name))
            throw FaultException.Conflict($"network with name {request.Name} already exists");
    }

    private static void ValidateAddresses(NetworkRequest request)
    {
        if (request.IPv4 is null && request.IPv6 is null)
            throw FaultException.Invalid("IPv4 or IPv6 must be enabled");
        Validate(request.IPv4, isIPv6: false);
        Validate(request.IPv6, isIPv6: true);
    }

    private static void Validate(AddressRequest? request, bool isIPv6)
    {
        if (request is { Subnet: null } && (request.Gateway is not null || request.IPRange is not null))
            throw FaultException.Invalid("every ip-range or gateway must have a corresponding subnet");
        if (request?.Subnet is not { } subnet)
            return;
        if (subnet.IsIPv6 != isIPv6)
            throw FaultException.Invalid($"invalid subnet {subnet}: it is an {subnet.Address.Family} subnet");
        int longest = subnet.Address.Bits - 2;
        if (subnet.PrefixLength < PrefixLengthMin || subnet.PrefixLength > longest)
            throw FaultException.Invalid($"invalid subnet {subnet}: the prefix length must be {PrefixLengthMin} to {longest}");
        if (s_notForNetworks.FirstOrDefault(other => other.Overlaps(subnet)) is { PrefixLength: > 0 } reserved)
            throw FaultException.Invalid($"invalid subnet {subnet}: addresses of {reserved} cannot be a network's own");
        ValidateWithin(request, subnet);
    }

    private static void ValidateWithin(AddressRequest request, InternetSubnet subnet)
    {
        if (request.IPRange is { } range && (!subnet.Contains(range.Address) || range.PrefixLength < subnet.PrefixLength))
            throw FaultException.Invalid($"no matching subnet for range {range}");
        if (request.Gateway is { } gateway && !subnet.Contains(gateway))
            throw FaultException.Invalid($"no matching subnet for gateway {gateway}");
        foreach (InternetAddress auxiliary in request.AuxiliaryAddresses.Values)
        {
            if (!subnet.Contains(auxiliary))
                throw FaultException.Invalid($"no matching subnet for aux-address {auxiliary}");
        }
    }

    private Network Plan(NetworkRequest request)
    {
        string id = NewId();
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
            IPv4 = Plan(request, isIPv6: false),
            IPv6 = Plan(request, isIPv6: true),
            Internal = request.Internal,
            Attachable = request.Attachable,
            ConfigFrom = request.ConfigFrom,
            Mtu = Mtu(request),
            InterContainer = Flag(request, "enable_icc"),
            Masquerade = Flag(request, "enable_ip_masquerade"),
            HostBinding = HostBinding(request),
            Options = request.Options,
            AddressOptions = request.AddressOptions,
            Labels = request.Labels,
        };
    }

    private AddressPlan? Plan(NetworkRequest request, bool isIPv6)
    {
        GatewayMode mode = Mode(request, isIPv6);
        if ((isIPv6 ? request.IPv6 : request.IPv4) is not { } addresses)
            return null;
        InternetSubnet subnet = addresses.Subnet ?? FreeSubnet(isIPv6, except: null);
        if (addresses.Subnet is not null && TakenSubnets(isIPv6, except: null).Any(subnet.Overlaps))
            throw new FaultException(FaultKind.Forbidden, "invalid pool request: Pool overlaps with other one on this address space");
        return new AddressPlan
        {
            Subnet = subnet,
            IsRequested = addresses.Subnet is not null,
            Gateway = addresses.Gateway ?? (mode == GatewayMode.Isolated ? null : (addresses.IPRange ?? subnet).Address.Next),
            IPRange = addresses.IPRange,
            AuxiliaryAddresses = addresses.AuxiliaryAddresses,
            Mode = mode,
        };
    }

    private static GatewayMode Mode(NetworkRequest request, bool isIPv6)
    {
        string option = OptionPrefix + (isIPv6 ? "gateway_mode_ipv6" : "gateway_mode_ipv4");
        return request.Options.GetValueOrDefault(option, "") switch
        {
            "" or "nat" => GatewayMode.Nat,
            "nat-unprotected" => GatewayMode.NatUnprotected,
            "routed" => GatewayMode.Routed,
            "isolated" => request.Internal ? GatewayMode.Isolated
                : throw FaultException.Invalid("gateway mode 'isolated' can only be used for an internal network"),
            string other => throw FaultException.Invalid($"unknown gateway mode {other}"),
        };
    }

    private int Mtu(NetworkRequest request)
    {
        if (!request.Options.TryGetValue(MtuOption, out string? text))
            return request.IPv6 is null ? WantedMtu() : Math.Max(WantedMtu(), MtuMinIPv6);
        if (request.IPv6 is not null && int.TryParse(text, out int wanted) && wanted < MtuMinIPv6)
            throw FaultException.Invalid($"invalid option {MtuOption}: {text}: IPv6 needs at least {MtuMinIPv6}");
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
        return InternetAddress.TryParse(text, out InternetAddress address) && !address.IsIPv6
            ? address.Value == 0 ? null : text
            : throw FaultException.Invalid($"invalid option {OptionPrefix}host_binding_ipv4: '{text}' is no IPv4 address");
    }

    private InternetSubnet FreeSubnet(bool isIPv6, string? except)
    {
        IReadOnlyList<InternetSubnet> taken = TakenSubnets(isIPv6, except);
        foreach (AddressPool pool in Pools(isIPv6))
        {
            InternetSubnet candidate = new(pool.Range.Address, pool.PrefixLength);
            while (true)
            {
                InternetSubnet[] inTheWay = [.. taken.Where(candidate.Overlaps)];
                if (inTheWay.Length == 0)
                    return candidate;
                // Behind all of them at once: a pool of IPv6 has more pieces than can be tried.
                InternetAddress last = inTheWay.Select(subnet => subnet.Last).Append(candidate.Last).MaxBy(address => address.Value);
                if (last.Value >= pool.Range.Last.Value)
                    break;
                candidate = new InternetSubnet(new InternetSubnet(last, pool.PrefixLength).Last.Next, pool.PrefixLength);
            }
        }
        throw new FaultException(FaultKind.Forbidden, "all predefined address pools have been fully subnetted");
    }

    private IReadOnlyList<AddressPool> Pools(bool isIPv6)
    {
        AddressPool[] own = [.. _options.AddressPools.Where(pool => pool.Range.IsIPv6 == isIPv6)];
        if (own.Length > 0)
            return own;
        return isIPv6 ? [AddressPool.UniqueLocal(_options.HostId)] : AddressPool.Defaults;
    }

    private IReadOnlyList<InternetSubnet> TakenSubnets(bool isIPv6, string? except) =>
        [.. _host.TakenSubnets(isIPv6, except), .. Bridged.Select(state => state.Network.Plan(isIPv6)).OfType<AddressPlan>()
            .Select(plan => plan.Subnet)];
}
