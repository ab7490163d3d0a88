using System.Security.Cryptography;
using Berth.Faults;
using Berth.Linux;
using Microsoft.Extensions.Logging;

namespace Berth.Network;

/// <summary>The networks of one engine over netlink and nftables.</summary>
/// <remarks>One gate guards everything: an operation is a handful of netlink calls, one to two milliseconds, done on the caller's thread.
/// Only removing a link takes long, and is done afterwards.</remarks>
public sealed partial class Networks : INetworks
{
    private const string BridgeDriver = "bridge";
    private readonly Lock _gate = new();
    private readonly NetworkOptions _options;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly NetworkFiles _files;
    private readonly HostNetwork _host;
    private readonly PortHolder _ports;  // Guarded by _gate.
    private readonly NamespacePool _pool;
    private readonly Dictionary<string, NetworkState> _networks = [];  // By ID. Guarded by _gate.
    private readonly Dictionary<string, Sandbox> _sandboxes = [];  // By container ID. Guarded by _gate.
    private bool _isLoaded;  // Guarded by _gate.
    private bool _isDisposed;  // Guarded by _gate.

    /// <summary>Opens the kernel's side; changes nothing before <see cref="StartAsync"/>.</summary>
    /// <exception cref="LinuxException">The kernel has no nftables or rtnetlink.</exception>
    public Networks(NetworkOptions options, ILogger logger, TimeProvider time)
    {
        if (System.Text.Encoding.UTF8.GetByteCount(options.BridgeName) is 0 or > 15)
            throw FaultException.Invalid($"network options: bridge name '{options.BridgeName}': 1 to 15 bytes are allowed");
        _options = options;
        _logger = logger;
        _time = time;
        _files = new NetworkFiles(options.StateDirectory);
        _host = new HostNetwork(options.HostNamespace, options.TableName);
        _ports = new PortHolder(options.HostNamespace, options.IsDetached);
        _pool = new NamespacePool(options.ReadyNamespaces);
    }

    private IEnumerable<NetworkState> Bridged => _networks.Values.Where(state => state.HasBridge);

    /// <inheritdoc/>
    public Network? Find(string network)
    {
        lock (_gate)
            return FindState(network)?.Network;
    }

    /// <inheritdoc/>
    public IReadOnlyList<Network> List()
    {
        lock (_gate)
        {
            return [.. _networks.Values.Select(state => state.Network)
                .OrderBy(network => !network.IsPredefined).ThenBy(network => network.Created)];
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<Endpoint> Endpoints(string network)
    {
        lock (_gate)
            return [.. Get(network).Endpoints.Values];
    }

    /// <inheritdoc/>
    public ISandbox CreateSandbox(string containerId)
    {
        try
        {
            ReadyNamespace ready = _pool.Take();
            return Register(new Sandbox(this, containerId, ready.Namespace, ready.Route));
        }
        catch (Exception exception) when (exception is LinuxException or IOException)
        {
            throw FaultException.Internal($"create network namespace: {containerId}: {exception.Message}", exception);
        }
    }

    /// <inheritdoc/>
    public ISandbox OpenSandbox(string containerId, int pid)
    {
        FileDescriptor? target = null;
        try
        {
            target = NetworkNamespace.OpenOf(pid);
            RouteSocket route = NetworkNamespace.Run(target, static () => new RouteSocket());
            return Register(new Sandbox(this, containerId, target, route));
        }
        catch (Exception exception) when (exception is LinuxException or IOException)
        {
            target?.Dispose();
            throw FaultException.Internal($"open network namespace: {containerId}: {exception.Message}", exception);
        }
    }

    /// <inheritdoc/>
    public ISandbox? FindSandbox(string containerId)
    {
        lock (_gate)
            return _sandboxes.GetValueOrDefault(containerId);
    }

    /// <inheritdoc/>
    public void Rename(ISandbox sandbox, string containerName)
    {
        lock (_gate)
        {
            Sandbox own = (Sandbox)sandbox;
            Endpoint[] renamed = [.. own.Endpoints.Select(endpoint => endpoint with { ContainerName = containerName })];
            foreach (Endpoint endpoint in renamed)
                _networks[endpoint.NetworkId].Put(endpoint);
            own.SetEndpoints(renamed);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            foreach (Sandbox sandbox in _sandboxes.Values)
            {
                sandbox.IsDisposed = true;
                sandbox.Names?.Dispose();
                sandbox.Close();
            }
            _sandboxes.Clear();
            _ports.ReleaseAll();
        }
        await _pool.DisposeAsync();
        _host.Dispose();
    }

    private static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private Sandbox Register(Sandbox sandbox)
    {
        lock (_gate)
        {
            if (_sandboxes.TryAdd(sandbox.ContainerId, sandbox))
                return sandbox;
        }
        sandbox.Close();
        throw FaultException.Conflict($"create network namespace: {sandbox.ContainerId}: the container has one already");
    }

    private NetworkState Get(string network) =>
        FindState(network) ?? throw FaultException.NotFound($"network {network} not found");

    private NetworkState? FindState(string reference)
    {
        if (_networks.TryGetValue(reference, out NetworkState? state))
            return state;
        state = _networks.Values.FirstOrDefault(candidate => candidate.Network.Name == reference);
        if (state is not null || reference.Length == 0)
            return state;
        NetworkState[] fitting = [.. _networks.Values.Where(candidate =>
            candidate.Network.Id.StartsWith(reference, StringComparison.Ordinal))];
        return fitting.Length <= 1
            ? fitting.FirstOrDefault()
            : throw FaultException.Invalid($"network {reference} is ambiguous ({fitting.Length} matches found based on ID prefix)");
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 5001, Level = LogLevel.Warning, Message = "Network {Network} could not be set up and is unusable")]
        public static partial void NetworkBroken(ILogger logger, string network, Exception cause);

        [LoggerMessage(EventId = 5002, Level = LogLevel.Warning,
            Message = "Host port {Port} of container {Container} is held by another process now; it stays published")]
        public static partial void PortLost(ILogger logger, PublishedPort port, string container);

        [LoggerMessage(EventId = 5003, Level = LogLevel.Warning, Message = "Link {Link} could not be removed")]
        public static partial void LinkKept(ILogger logger, string link, Exception cause);

        [LoggerMessage(EventId = 5004, Level = LogLevel.Information, Message = "Removed link {Link} that an earlier engine left")]
        public static partial void StaleLinkRemoved(ILogger logger, string link);
    }
}
