using Berth.Faults;

namespace Berth.Network;

/// <summary>The networks of one engine: makes them, connects containers to them, publishes ports and answers names.</summary>
/// <remarks>
/// <para>Life: <see cref="StartAsync"/> once, then any member from any thread. Disposing closes sockets and relays and leaves the kernel's
/// state, so that containers go on; the next engine with the same options takes it over in its <see cref="StartAsync"/>.</para>
/// <para>A container: <see cref="CreateSandbox"/>, <see cref="ConnectAsync"/> for each network (the first one that has a way out
/// gives the default route), run its processes in <see cref="ISandbox.Namespace"/>, dispose the sandbox after its end. For
/// <c>--network host</c> there is no sandbox; for <c>--network none</c> there is one without endpoints.</para>
/// <para>A network argument is a name, a full ID or a unique prefix of one.</para>
/// </remarks>
public interface INetworks : IAsyncDisposable
{
    /// <summary>
    /// Makes the default bridge and the firewall table, loads the user's networks, takes over what running containers use and
    /// removes whatever else an engine with these options left behind. May be called again with the same effect.
    /// </summary>
    /// <returns>The sandboxes of those live containers whose process still exists, by container ID.</returns>
    /// <exception cref="FaultException">Conflict: no free subnet, or the bridge's name is another kind of link.
    /// Internal: the kernel refused a step (no privilege, no nftables).</exception>
    Task<IReadOnlyDictionary<string, ISandbox>> StartAsync(IReadOnlyCollection<LiveContainer> live, CancellationToken cancellationToken);

    /// <summary>Makes a network; on return it is kept over restarts.</summary>
    /// <exception cref="FaultException">InvalidArgument: a name, address or option is wrong. NotFound: unknown driver.
    /// Conflict: the name is taken. Forbidden: the subnet overlaps another, or the pools are used up.</exception>
    Task<Network> CreateAsync(NetworkRequest request, CancellationToken cancellationToken);

    /// <summary>Removes a network that nobody is connected to.</summary>
    /// <exception cref="FaultException">NotFound. Forbidden: it is predefined, or it has active endpoints.</exception>
    Task RemoveAsync(string network, CancellationToken cancellationToken);

    /// <summary>The network of that name, ID or unique prefix of an ID; null when there is none.</summary>
    /// <exception cref="FaultException">InvalidArgument: the prefix fits several.</exception>
    Network? Find(string network);

    /// <summary>All networks, predefined ones first.</summary>
    IReadOnlyList<Network> List();

    /// <summary>Who is connected to the network now, on this engine.</summary>
    /// <exception cref="FaultException">NotFound.</exception>
    IReadOnlyList<Endpoint> Endpoints(string network);

    /// <summary>Takes a fresh network namespace with only loopback, up. Costs nothing as a rule: some are kept ready.</summary>
    /// <exception cref="FaultException">Internal: the kernel refused (no privilege, too many namespaces).</exception>
    ISandbox CreateSandbox(string containerId);

    /// <summary>Takes the network namespace that a process was made with: that of a container with a user namespace of its own, which it
    /// must belong to. Its loopback is up, and its parameters are set by whoever made it.</summary>
    /// <param name="containerId">The container.</param>
    /// <param name="pid">Its first process. Whoever calls makes sure afterwards that it is still there.</param>
    /// <exception cref="FaultException">Internal: the process has ended, or the kernel refused.</exception>
    ISandbox OpenSandbox(string containerId, int pid);

    /// <summary>The sandbox of a container, while it is not disposed; else null.</summary>
    ISandbox? FindSandbox(string containerId);

    /// <summary>
    /// Connects a container, before or while it runs. On return the link is up with address and routes, ports are published and
    /// names resolve. After a failure nothing of it is left.
    /// </summary>
    /// <exception cref="FaultException">NotFound: no such network. Forbidden: already connected, or <c>host</c>. InvalidArgument:
    /// the address is not of the subnet, or given on a network that has none. Conflict: the address is in use or none is left.
    /// Internal: a host port is taken; with Docker's text.</exception>
    Task<Endpoint> ConnectAsync(ISandbox sandbox, string network, EndpointRequest request, CancellationToken cancellationToken);

    /// <summary>Publishes ports of a container at a network that it is connected to: once the one where they were is gone.</summary>
    /// <exception cref="FaultException">NotFound: no such network. Forbidden: not connected. Internal: a host port is taken.</exception>
    Task PublishAsync(ISandbox sandbox, string network, IReadOnlyList<PortBinding> ports, CancellationToken cancellationToken);

    /// <summary>Takes a running container off a network: link, address, names and ports.</summary>
    /// <exception cref="FaultException">NotFound: no such network. Forbidden: not connected.</exception>
    Task DisconnectAsync(ISandbox sandbox, string network, CancellationToken cancellationToken);

    /// <summary>Makes a container's new name resolve in place of the old one, on all its networks.</summary>
    void Rename(ISandbox sandbox, string containerName);

    /// <summary>
    /// Removes everything of this engine from the kernel: table, bridges, links. For uninstalling, and for engines of tests. The
    /// user's networks stay on disk and come back with the next <see cref="StartAsync"/>.
    /// </summary>
    Task TearDownAsync(CancellationToken cancellationToken);
}
