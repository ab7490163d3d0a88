using System.Net;
using System.Security.Cryptography;
using Berth.Faults;
using Berth.Linux;

namespace Berth.Network;

public sealed partial class Networks
{
    private const int LinkLocalPrefixLengthIPv6 = 64;

    /// <inheritdoc/>
    public Task<Endpoint> ConnectAsync(
        ISandbox sandbox, string network, EndpointRequest request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            Sandbox own = (Sandbox)sandbox;
            NetworkState state = Get(network);
            CheckConnect(own, state, request);
            Endpoint endpoint = state.HasBridge ? Connect(own, state, request) : NewEndpoint(own, state, request);
            state.Put(endpoint);
            own.SetEndpoints([.. own.Endpoints, endpoint]);
            StartNames(own);
            return Task.FromResult(endpoint);
        }
    }

    /// <inheritdoc/>
    public Task DisconnectAsync(ISandbox sandbox, string network, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            Sandbox own = (Sandbox)sandbox;
            Network found = Get(network).Network;
            Endpoint endpoint = own.Endpoints.FirstOrDefault(endpoint => endpoint.NetworkId == found.Id)
                ?? throw new FaultException(FaultKind.Forbidden, $"container {own.ContainerId} is not connected to network {found.Name}");
            own.SetEndpoints([.. own.Endpoints.Where(other => other.Id != endpoint.Id)]);
            Release(endpoint);
            RemoveLink(endpoint.HostInterfaceName);
            RestoreDefaultRoute(own);
        }
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task PublishAsync(
        ISandbox sandbox, string network, IReadOnlyList<PortBinding> ports, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            Sandbox own = (Sandbox)sandbox;
            NetworkState state = Get(network);
            Endpoint endpoint = own.Endpoints.FirstOrDefault(endpoint => endpoint.NetworkId == state.Network.Id)
                ?? throw new FaultException(FaultKind.Forbidden, $"container {own.ContainerId} is not connected to network {network}");
            EndpointRequest request = new() { ContainerName = endpoint.ContainerName, Ports = ports };
            Endpoint published = HoldPorts(endpoint, state.Network, request, new Stack<Action>());
            if (published.Ports.Count == 0)
                return Task.CompletedTask;
            _host.Route.HairpinPort(_host.Route.FindLink(endpoint.HostInterfaceName)!.Index);
            _host.Publish(published);
            state.Put(published);
            own.SetEndpoints([.. own.Endpoints.Select(other => other.Id == published.Id ? published : other)]);
        }
        return Task.CompletedTask;
    }

    /// <summary>The sandbox's end: everything but the links, which end with the namespace.</summary>
    internal ValueTask ReleaseAsync(Sandbox sandbox)
    {
        lock (_gate)
        {
            if (sandbox.IsDisposed)
                return ValueTask.CompletedTask;
            sandbox.IsDisposed = true;
            _sandboxes.Remove(sandbox.ContainerId);
            foreach (Endpoint endpoint in sandbox.Endpoints)
                Release(endpoint);
            sandbox.SetEndpoints([]);
            sandbox.Names?.Dispose();
            sandbox.Close();
        }
        return ValueTask.CompletedTask;
    }

    private static void CheckConnect(Sandbox sandbox, NetworkState state, EndpointRequest request)
    {
        Network network = state.Network;
        ObjectDisposedException.ThrowIf(sandbox.IsDisposed, sandbox);
        if (network.ConfigOnly)
            throw new FaultException(
                FaultKind.Forbidden, $"network {network.Name} is a configuration for others: containers cannot join it");
        if (network.Driver == "host")
            throw new FaultException(FaultKind.Forbidden, "container cannot be connected to host network");
        if (sandbox.Endpoints.Any(endpoint => endpoint.NetworkId == network.Id))
        {
            throw new FaultException(
                FaultKind.Forbidden, $"endpoint with name {request.ContainerName} already exists in network {network.Name}");
        }
        if (network.Driver != BridgeDriver && request.Ports.Count > 0)
            throw FaultException.Invalid($"publish ports: network {network.Name}: it has no bridge");
        foreach (InternetAddress local in request.LinkLocalAddresses)
        {
            if (!InternetSubnet.LinkLocal.Contains(local) && !InternetSubnet.LinkLocalIPv6.Contains(local))
                throw FaultException.Invalid($"invalid link local IP address: {local}");
        }
        CheckWanted(network, request.Address, network.IPv4);
        CheckWanted(network, request.IPv6Address, network.IPv6);
    }

    private static void CheckWanted(Network network, InternetAddress? wanted, AddressPlan? plan)
    {
        if (wanted is null)
            return;
        if (network.IsPredefined)
            throw FaultException.Invalid("user specified IP address is supported on user defined networks only");
        if (plan is not { IsRequested: true })
        {
            throw FaultException.Invalid(
                "user specified IP address is supported only when connecting to networks with user configured subnets");
        }
    }

    private static Endpoint NewEndpoint(Sandbox sandbox, NetworkState state, EndpointRequest request) => new()
    {
        Id = NewId(),
        NetworkId = state.Network.Id,
        NetworkName = state.Network.Name,
        ContainerId = sandbox.ContainerId,
        ContainerName = request.ContainerName,
        Aliases = request.Aliases,
        Links = request.Links,
        Dns = request.Dns,
    };

    private Endpoint Connect(Sandbox sandbox, NetworkState state, EndpointRequest request)
    {
        Network network = state.Network;
        if (state.BridgeIndex == 0)
            throw FaultException.Unavailable($"connect to network {network.Name}: its bridge {network.BridgeName} could not be made");
        Stack<Action> undo = new();
        try
        {
            InternetAddress? address = TakeAddress(state.IPv4, request.Address, undo);
            bool isWithoutIPv6 = request.Parameters.Any(parameter => parameter.SwitchesIPv6Off);
            InternetAddress? addressIPv6 = isWithoutIPv6 ? null : TakeAddress(state.IPv6, request.IPv6Address, undo);
            Endpoint endpoint = NewEndpoint(sandbox, state, request) with
            {
                Address = address,
                PrefixLength = network.IPv4?.Subnet.PrefixLength ?? 0,
                Gateway = network.Internal ? null : network.IPv4?.Gateway,
                IPv6Address = addressIPv6,
                IPv6PrefixLength = isWithoutIPv6 ? 0 : network.IPv6?.Subnet.PrefixLength ?? 0,
                IPv6Gateway = network.Internal || isWithoutIPv6 ? null : network.IPv6?.Gateway,
                Mac = request.Mac ?? MacAddress.For((address ?? addressIPv6)!.Value),
                HostInterfaceName = "veth" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(5)),
            };
            endpoint = endpoint with { InterfaceName = LinkName(sandbox, request, endpoint.HostInterfaceName) };
            endpoint = HoldPorts(endpoint, network, request, undo);
            undo.Push(() => RemoveLink(endpoint.HostInterfaceName));
            MakeLink(sandbox, state, endpoint, request);
            _host.Publish(endpoint);
            return endpoint;
        }
        catch (Exception exception)
        {
            while (undo.TryPop(out Action? step))
                step();
            if (exception is LinuxException)
                throw FaultException.Internal($"connect to network {network.Name}: {exception.Message}", exception);
            throw;
        }
    }

    private static InternetAddress? TakeAddress(AddressAllocator? addresses, InternetAddress? wanted, Stack<Action> undo)
    {
        if (addresses is null)
            return null;
        if (wanted is { } asked)
            addresses.Reserve(asked);
        InternetAddress taken = wanted ?? addresses.Next();
        undo.Push(() => addresses.Release(taken));
        return taken;
    }

    private Endpoint HoldPorts(Endpoint endpoint, Network network, EndpointRequest request, Stack<Action> undo)
    {
        if (request.Ports.Count == 0)
            return endpoint;
        IPAddress? defaultAddress = network.HostBinding is null ? null : IPAddress.Parse(network.HostBinding);
        IReadOnlyList<PublishedPort> ports = _ports.Hold(
            request.Ports, defaultAddress, PortTargets.Of(endpoint, network), $"{request.ContainerName} ({endpoint.Id})");
        undo.Push(() => _ports.Release(ports));
        return endpoint with { Ports = ports };
    }

    private static string LinkName(Sandbox sandbox, EndpointRequest request, string hostName)
    {
        HashSet<string> taken = [.. sandbox.Endpoints.Select(endpoint => endpoint.InterfaceName), "lo"];
        if (request.InterfaceName.Length > 0)
        {
            return !taken.Contains(request.InterfaceName) ? request.InterfaceName : throw NameInUse(hostName, request.InterfaceName);
        }
        taken.UnionWith(request.ReservedInterfaceNames);
        for (int number = 0; ; number++)
        {
            if (!taken.Contains($"eth{number}"))
                return $"eth{number}";
        }
    }

    // Docker's words around what is wrong with a link.
    private static string CannotAdd(string hostName, string reason) => $"failed to add interface {hostName} to sandbox: {reason}";

    private static FaultException NameInUse(string hostName, string name) =>
        FaultException.Conflict(CannotAdd(hostName, $"error renaming interface \"{hostName}\" to \"{name}\": file exists"));

    // IFNAME is the link's own name. Before it is up, so that nothing passes it under other parameters.
    private static void SetParameters(Sandbox sandbox, Endpoint endpoint, IReadOnlyList<LinkParameter> parameters)
    {
        if (parameters.Count == 0)
            return;
        NetworkNamespace.Run(sandbox.Namespace, () =>
        {
            try
            {
                foreach (LinkParameter parameter in parameters)
                    Sysctl.Set($"{parameter.Group}/{endpoint.InterfaceName}/{parameter.Name}", parameter.Value);
            }
            catch (FaultException fault)
            {
                throw FaultException.Invalid(CannotAdd(endpoint.HostInterfaceName, fault.Message), fault);
            }
            return true;
        });
    }

    private void MakeLink(Sandbox sandbox, NetworkState state, Endpoint endpoint, EndpointRequest request)
    {
        try
        {
            _host.Route.AddVethPort(new VethPort(
                endpoint.HostInterfaceName, state.BridgeIndex, endpoint.InterfaceName, endpoint.Mac!.Value.ToBytes(),
                sandbox.Namespace, state.Network.Mtu));
        }
        catch (LinuxException exception) when (exception.Error == Errno.EEXIST)
        {
            // A link that the container made itself.
            throw NameInUse(endpoint.HostInterfaceName, endpoint.InterfaceName);
        }
        if (!state.Network.InterContainer)
            _host.Route.IsolatePort(_host.Route.FindLink(endpoint.HostInterfaceName)!.Index);
        // With br_netfilter loaded, translation happens in the bridge, which must then send a container's call to its own
        // published port back to where it came from.
        if (endpoint.Ports.Count > 0)
            _host.Route.HairpinPort(_host.Route.FindLink(endpoint.HostInterfaceName)!.Index);

        int index = sandbox.Route.FindLink(endpoint.InterfaceName)!.Index;
        if (endpoint.IPv6Address is not null || request.LinkLocalAddresses.Any(static local => local.IsIPv6))
            SwitchOnIPv6(sandbox.Namespace, endpoint.InterfaceName);
        SetParameters(sandbox, endpoint, request.Parameters);
        if (endpoint.Address is { } address)
        {
            bool hasWayOut = sandbox.Endpoints.Any(other => other.Gateway is not null);
            AddAddress(sandbox.Route, index, address, state.Network.IPv4!.Subnet, hasWayOut ? null : endpoint.Gateway);
        }
        if (endpoint.IPv6Address is { } addressIPv6)
        {
            bool hasWayOut = sandbox.Endpoints.Any(other => other.IPv6Gateway is not null);
            AddIPv6Address(sandbox.Route, index, addressIPv6, state.Network.IPv6!.Subnet, hasWayOut ? null : endpoint.IPv6Gateway);
        }
        AddLinkLocal(sandbox.Route, index, request.LinkLocalAddresses);
    }

    // Behind the others: of several addresses the kernel sends from the first.
    private static void AddLinkLocal(RouteSocket route, int link, IReadOnlyList<InternetAddress> addresses)
    {
        foreach (InternetAddress local in addresses)
        {
            try
            {
                if (local.IsIPv6)
                    AddIPv6Address(route, link, local, new InternetSubnet(local, LinkLocalPrefixLengthIPv6), gateway: null);
                else
                    AddAddress(route, link, local, InternetSubnet.LinkLocal, gateway: null);
            }
            catch (LinuxException exception) when (exception.Error == Errno.EEXIST)
            {
                // Asked for twice, or the one that the kernel makes of the link's address.
            }
        }
    }

    private static void AddIPv6Address(
        RouteSocket route, int link, InternetAddress address, InternetSubnet subnet, InternetAddress? gateway)
    {
        try
        {
            AddAddress(route, link, address, subnet, gateway);
        }
        catch (LinuxException exception) when (exception.Error == Errno.EACCES)
        {
            // The container was asked to have no IPv6 (--sysctl net.ipv6.conf.all.disable_ipv6=1), before or meanwhile.
        }
    }

    private static void AddAddress(RouteSocket route, int link, InternetAddress address, InternetSubnet subnet, InternetAddress? gateway)
    {
        byte[] broadcast = subnet.IsIPv6 ? [] : subnet.Last.ToBytes();
        if (gateway is { } way)
            route.AddAddressAndDefaultRoute(link, address.ToBytes(), subnet.PrefixLength, broadcast, way.ToBytes());
        else
            route.AddAddressAndSetUp(link, address.ToBytes(), subnet.PrefixLength, broadcast);
    }

    // A sandbox is made without IPv6 on its links (NamespacePool). The neighbours are told of the address, which another may have had;
    // of routers only the engine knows.
    private static void SwitchOnIPv6(FileDescriptor target, string link) => NetworkNamespace.Run(target, () =>
    {
        if (Sysctl.Read("net/ipv6/conf/all/disable_ipv6") == "1")
            return false;
        Sysctl.Write($"net/ipv6/conf/{link}/accept_ra", "0");
        Sysctl.Write($"net/ipv6/conf/{link}/ndisc_notify", "1");
        Sysctl.Write($"net/ipv6/conf/{link}/disable_ipv6", "0");
        return true;
    });

    private void Release(Endpoint endpoint)
    {
        NetworkState state = _networks[endpoint.NetworkId];
        state.Remove(endpoint);
        _host.Unpublish(endpoint);
        _ports.Release(endpoint.Ports);
        foreach (InternetAddress address in endpoint.Addresses)
            state.Allocator(address.IsIPv6)?.Release(address);
    }

    private void RemoveLink(string name)
    {
        if (name.Length == 0)
            return;
        try
        {
            _host.Route.TryDeleteLink(name);
        }
        catch (LinuxException exception)
        {
            Log.LinkKept(_logger, name, exception);
        }
    }

    private static void RestoreDefaultRoute(Sandbox sandbox)
    {
        RestoreDefaultRoute(sandbox, static endpoint => endpoint.Gateway);
        RestoreDefaultRoute(sandbox, static endpoint => endpoint.IPv6Gateway);
    }

    private static void RestoreDefaultRoute(Sandbox sandbox, Func<Endpoint, InternetAddress?> gatewayOf)
    {
        Endpoint? next = sandbox.Endpoints.FirstOrDefault(endpoint => gatewayOf(endpoint) is not null);
        if (next is null)
            return;
        try
        {
            sandbox.Route.AddDefaultRoute(sandbox.Route.FindLink(next.InterfaceName)!.Index, gatewayOf(next)!.Value.ToBytes());
        }
        catch (LinuxException exception) when (exception.Error == Errno.EEXIST)
        {
            // It was another endpoint that went; the way out is still there.
        }
    }
}
