using Berth.Faults;
using Berth.Linux;

namespace Berth.Network;

public sealed partial class Networks
{
    /// <inheritdoc/>
    public Task<IReadOnlyDictionary<string, ISandbox>> StartAsync(
        IReadOnlyCollection<LiveContainer> live, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            try
            {
                using (_host.LockSubnets())
                {
                    Load();
                    EnsureBridges();
                }
                foreach (LiveContainer container in live)
                    TakeOver(container);
                _host.RecreateFirewall(
                    [.. Bridged.Where(state => state.BridgeIndex != 0).Select(state => state.Network)],
                    [.. Bridged.Where(state => state.BridgeIndex != 0).SelectMany(state => state.Endpoints.Values)]);
                RemoveStaleLinks();
            }
            catch (LinuxException exception)
            {
                throw FaultException.Internal($"start networks: {exception.Message}", exception);
            }
            _pool.Refill();
            IReadOnlyDictionary<string, ISandbox> sandboxes =
                _sandboxes.ToDictionary(pair => pair.Key, pair => (ISandbox)pair.Value);
            return Task.FromResult(sandboxes);
        }
    }

    /// <inheritdoc/>
    public async Task TearDownAsync(CancellationToken cancellationToken)
    {
        Sandbox[] sandboxes;
        lock (_gate)
            sandboxes = [.. _sandboxes.Values];
        foreach (Sandbox sandbox in sandboxes)
            await sandbox.DisposeAsync();
        lock (_gate)
        {
            _host.RemoveFirewall();
            foreach (NetworkState state in Bridged)
            {
                RemovePorts(state);
                _host.Route.TryDeleteLink(state.Network.BridgeName);
                state.BridgeIndex = 0;
            }
        }
    }

    private void Load()
    {
        if (_isLoaded)
            return;
        foreach (Network network in _files.Load())
        {
            // The default bridge of an engine that was started with other options is made anew.
            bool isOld = network is { Driver: BridgeDriver, IsPredefined: true } && !IsWantedDefault(network);
            if (isOld)
                _files.Delete(network);
            else
                _networks[network.Id] = new NetworkState(network);
        }
        EnsurePredefined("none", "null");
        EnsurePredefined("host", "host");
        if (_options.BridgeName != "none" && FindState(BridgeDriver) is null)
            Add(DefaultBridge());
        _isLoaded = true;
    }

    private bool IsWantedDefault(Network network)
    {
        return network.BridgeName == _options.BridgeName && network.InterContainer == _options.InterContainer
            && network.IPv4 is { } plan && plan.IPRange == _options.FixedCidr && IsWanted(plan, _options.BridgeAddress)
            && (network.IPv6 is { } planIPv6
                ? _options.BridgeHasIPv6 && IsWanted(planIPv6, WantedBridgeIPv6()) && planIPv6.IPRange == WantedRangeIPv6()
                : !_options.BridgeHasIPv6);

        bool IsWanted(AddressPlan plan, string? wanted) => wanted is not null
            ? InternetSubnet.TryParse(wanted, out InternetAddress address, out int prefixLength)
                && plan.Gateway == address && plan.Subnet.PrefixLength == prefixLength
            : !_host.TakenSubnets(plan.Subnet.IsIPv6, except: network.BridgeName).Any(plan.Subnet.Overlaps);
    }

    // The fixed range is the whole subnet where no address of the bridge says what that is, as in Docker.
    private string? WantedBridgeIPv6() => _options.BridgeAddressIPv6
        ?? (_options.FixedCidrIPv6 is { } range ? $"{range.Address.Next}/{range.PrefixLength}" : null);

    private InternetSubnet? WantedRangeIPv6() => _options.BridgeAddressIPv6 is null ? null : _options.FixedCidrIPv6;

    private void EnsurePredefined(string name, string driver)
    {
        if (_networks.Values.All(state => state.Network.Name != name))
            Add(new Network { Id = NewId(), Name = name, Driver = driver, Created = _time.GetUtcNow(), IsPredefined = true });
    }

    private Network DefaultBridge()
    {
        AddressPlan plan = DefaultPlan(_options.BridgeAddress, isIPv6: false) with { IPRange = _options.FixedCidr };
        AddressPlan? planIPv6 = _options.BridgeHasIPv6
            ? DefaultPlan(WantedBridgeIPv6(), isIPv6: true) with { IPRange = WantedRangeIPv6() } : null;
        return new Network
        {
            Id = NewId(),
            Name = BridgeDriver,
            Driver = BridgeDriver,
            Created = _time.GetUtcNow(),
            BridgeName = _options.BridgeName,
            IPv4 = plan,
            IPv6 = planIPv6,
            Mtu = WantedMtu(),
            InterContainer = _options.InterContainer,
            IsPredefined = true,
            Options = new Dictionary<string, string>
            {
                ["com.docker.network.bridge.default_bridge"] = "true",
                ["com.docker.network.bridge.enable_icc"] = _options.InterContainer ? "true" : "false",
                ["com.docker.network.bridge.enable_ip_masquerade"] = "true",
                ["com.docker.network.bridge.host_binding_ipv4"] = "0.0.0.0",
                ["com.docker.network.bridge.name"] = _options.BridgeName,
                ["com.docker.network.driver.mtu"] = WantedMtu().ToString(null as IFormatProvider),
            },
        };
    }

    private AddressPlan DefaultPlan(string? bridge, bool isIPv6)
    {
        if (bridge is null)
        {
            InternetSubnet free = FreeSubnet(isIPv6, _options.BridgeName);
            return new AddressPlan { Subnet = free, Gateway = free.Address.Next };
        }
        return InternetSubnet.TryParse(bridge, out InternetAddress gateway, out int prefixLength) && gateway.IsIPv6 == isIPv6
            ? new AddressPlan { Subnet = new InternetSubnet(gateway, prefixLength), Gateway = gateway }
            : throw FaultException.Invalid($"network options: bridge address '{bridge}': not of the form "
                + (isIPv6 ? "fd00:db8::1/64" : "172.30.0.1/24"));
    }

    private int WantedMtu() => _options.Mtu > 0 ? _options.Mtu : _host.OutgoingMtu();

    private NetworkState Add(Network network)
    {
        _files.Save(network);
        return _networks[network.Id] = new NetworkState(network);
    }

    private void EnsureBridges()
    {
        foreach (NetworkState state in Bridged)
        {
            try
            {
                (state.BridgeIndex, _) = _host.EnsureBridge(state.Network);
            }
            catch (Exception exception) when (!state.Network.IsPredefined && exception is LinuxException or FaultException)
            {
                // One network of the user must not keep the engine from starting; connecting to it will say what is wrong.
                Log.NetworkBroken(_logger, state.Network.Name, exception);
            }
        }
    }

    private void TakeOver(LiveContainer container)
    {
        if (_sandboxes.ContainsKey(container.ContainerId))
            return;
        FileDescriptor target;
        try
        {
            target = NetworkNamespace.OpenOf(container.Pid);
        }
        catch (LinuxException)
        {
            // It ended meanwhile; what it had is removed with all else that nobody uses.
            return;
        }
        Sandbox sandbox = new(this, container.ContainerId, target, route: null);
        _sandboxes[container.ContainerId] = sandbox;
        Endpoint[] known = [.. container.Endpoints.Where(endpoint => _networks.ContainsKey(endpoint.NetworkId))];
        sandbox.SetEndpoints(known);
        foreach (Endpoint endpoint in known)
            TakeOver(endpoint);
        StartNames(sandbox);
    }

    private void TakeOver(Endpoint endpoint)
    {
        NetworkState state = _networks[endpoint.NetworkId];
        state.Put(endpoint);
        if (!endpoint.Addresses.Any())
            return;
        foreach (InternetAddress address in endpoint.Addresses)
            state.Allocator(address.IsIPv6)?.Restore(address);
        LinkInfo? link = _host.Route.FindLink(endpoint.HostInterfaceName);
        if (link is not null && link.Master != state.BridgeIndex && state.BridgeIndex != 0)
            _host.Route.SetMaster(link.Index, state.BridgeIndex);
        foreach (PublishedPort port in endpoint.Ports)
        {
            if (!_ports.TryRestore(port, PortTargets.Of(endpoint, state.Network)))
                Log.PortLost(_logger, port, endpoint.ContainerId);
        }
    }

    private void RemoveStaleLinks()
    {
        HashSet<string> used = [.. Bridged.SelectMany(state => state.Endpoints.Values).Select(endpoint => endpoint.HostInterfaceName)];
        HashSet<int> bridges = [.. Bridged.Select(state => state.BridgeIndex).Where(index => index != 0)];
        foreach (LinkInfo link in _host.Route.Links())
        {
            if (link.Kind != "veth" || !bridges.Contains(link.Master) || used.Contains(link.Name))
                continue;
            if (_host.Route.TryDeleteLink(link.Name))
                Log.StaleLinkRemoved(_logger, link.Name);
        }
    }

    private void RemovePorts(NetworkState state)
    {
        foreach (LinkInfo link in _host.Route.Links())
        {
            if (link.Kind == "veth" && link.Master == state.BridgeIndex && state.BridgeIndex != 0)
                _host.Route.TryDeleteLink(link.Name);
        }
    }
}
