using Berth.Linux;

namespace Berth.Network;

/// <summary>What <see cref="Networks"/> knows of one container's namespace. Its lists are guarded by the networks' gate.</summary>
internal sealed class Sandbox(Networks networks, string containerId, FileDescriptor target, RouteSocket? route) : ISandbox
{
    private RouteSocket? _route = route;

    public string ContainerId => containerId;

    public FileDescriptor Namespace => target;

    public IReadOnlyList<Endpoint> Endpoints => Volatile.Read(ref _endpoints);

    /// <summary>Replaced as a whole under the networks' gate, read without it.</summary>
    private Endpoint[] _endpoints = [];

    public NameServer? Names { get; set; }

    public bool IsDisposed { get; set; }

    /// <summary>The conversation about its links; opened when it is first needed after a restart of the engine.</summary>
    public RouteSocket Route => _route ??= NetworkNamespace.Run(target, () => new RouteSocket());

    public void SetEndpoints(Endpoint[] endpoints) => Volatile.Write(ref _endpoints, endpoints);

    public ValueTask DisposeAsync() => networks.ReleaseAsync(this);

    /// <summary>Lets go of the namespace; the kernel takes it down when its last process has ended.</summary>
    public void Close()
    {
        _route?.Dispose();
        target.Dispose();
    }
}
