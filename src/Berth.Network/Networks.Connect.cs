using System.Net;
using System.Security.Cryptography;
using Berth.Faults;
using Berth.Linux;

namespace Berth.Network;

public sealed partial class Networks
{
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
            Endpoint endpoint = state.Addresses is null ? NewEndpoint(own, state, request) : Connect(own, state, request);
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
        if (network.Driver == "host")
            throw new FaultException(FaultKind.Forbidden, "container cannot be connected to host network");
        if (sandbox.Endpoints.Any(endpoint => endpoint.NetworkId == network.Id))
        {
            throw new FaultException(
                FaultKind.Forbidden, $"endpoint with name {request.ContainerName} already exists in network {network.Name}");
        }
        if (network.Driver != BridgeDriver && request.Ports.Count > 0)
            throw FaultException.Invalid($"publish ports: network {network.Name}: it has no bridge");
        if (request.Address is null)
            return;
        if (network.IsPredefined)
            throw FaultException.Invalid("user specified IP address is supported on user defined networks only");
        if (!network.SubnetRequested)
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
            IPv4Address address = TakeAddress(state, request);
            undo.Push(() => state.Addresses!.Release(address));
            Endpoint endpoint = NewEndpoint(sandbox, state, request) with
            {
                Address = address,
                PrefixLength = network.Subnet!.Value.PrefixLength,
                Gateway = network.Internal ? null : network.Gateway,
                Mac = request.Mac ?? MacAddress.For(address),
                InterfaceName = FreeLinkName(sandbox),
                HostInterfaceName = "veth" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(5)),
            };
            endpoint = HoldPorts(endpoint, network, request, undo);
            undo.Push(() => RemoveLink(endpoint.HostInterfaceName));
            MakeLink(sandbox, state, endpoint);
            _host.Firewall.Publish(endpoint.Ports, address);
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

    private static IPv4Address TakeAddress(NetworkState state, EndpointRequest request)
    {
        if (request.Address is not { } wanted)
            return state.Addresses!.Next();
        state.Addresses!.Reserve(wanted);
        return wanted;
    }

    private Endpoint HoldPorts(Endpoint endpoint, Network network, EndpointRequest request, Stack<Action> undo)
    {
        if (request.Ports.Count == 0)
            return endpoint;
        IPAddress? defaultAddress = network.HostBinding is null ? null : IPAddress.Parse(network.HostBinding);
        IReadOnlyList<PublishedPort> ports = _ports.Hold(
            request.Ports, defaultAddress, endpoint.Address!.Value, $"{request.ContainerName} ({endpoint.Id})");
        undo.Push(() => _ports.Release(ports));
        return endpoint with { Ports = ports };
    }

    private static string FreeLinkName(Sandbox sandbox)
    {
        for (int number = 0; ; number++)
        {
            string name = $"eth{number}";
            if (sandbox.Endpoints.All(endpoint => endpoint.InterfaceName != name))
                return name;
        }
    }

    private void MakeLink(Sandbox sandbox, NetworkState state, Endpoint endpoint)
    {
        _host.Route.AddVethPort(new VethPort(
            endpoint.HostInterfaceName, state.BridgeIndex, endpoint.InterfaceName, endpoint.Mac!.Value.ToBytes(),
            sandbox.Namespace, state.Network.Mtu));
        if (!state.Network.InterContainer)
            _host.Route.IsolatePort(_host.Route.FindLink(endpoint.HostInterfaceName)!.Index);
        // With br_netfilter loaded, translation happens in the bridge, which must then send a container's call to its own
        // published port back to where it came from.
        if (endpoint.Ports.Count > 0)
            _host.Route.HairpinPort(_host.Route.FindLink(endpoint.HostInterfaceName)!.Index);

        int index = sandbox.Route.FindLink(endpoint.InterfaceName)!.Index;
        byte[] address = endpoint.Address!.Value.ToBytes();
        byte[] broadcast = state.Network.Subnet!.Value.Broadcast.ToBytes();
        bool hasWayOut = sandbox.Endpoints.Any(other => other.Gateway is not null);
        if (endpoint.Gateway is { } gateway && !hasWayOut)
            sandbox.Route.AddAddressAndDefaultRoute(index, address, endpoint.PrefixLength, broadcast, gateway.ToBytes());
        else
            sandbox.Route.AddAddressAndSetUp(index, address, endpoint.PrefixLength, broadcast);
    }

    private void Release(Endpoint endpoint)
    {
        NetworkState state = _networks[endpoint.NetworkId];
        state.Remove(endpoint);
        if (endpoint.Address is not { } address)
            return;
        _host.Firewall.Unpublish(endpoint.Ports);
        _ports.Release(endpoint.Ports);
        state.Addresses!.Release(address);
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
        Endpoint? next = sandbox.Endpoints.FirstOrDefault(endpoint => endpoint.Gateway is not null);
        if (next is null)
            return;
        try
        {
            sandbox.Route.AddDefaultRoute(sandbox.Route.FindLink(next.InterfaceName)!.Index, next.Gateway!.Value.ToBytes());
        }
        catch (LinuxException exception) when (exception.Error == Errno.EEXIST)
        {
            // It was another endpoint that went; the way out is still there.
        }
    }
}
