using System.Collections.Concurrent;
using Berth.Linux;
using Berth.Linux.Processes;

namespace Berth.Network;

/// <summary>An empty network namespace with a conversation about its links.</summary>
internal sealed record ReadyNamespace(FileDescriptor Namespace, RouteSocket Route) : IDisposable
{
    public void Dispose()
    {
        Route.Dispose();
        Namespace.Dispose();
    }
}

/// <summary>Keeps a few empty network namespaces ready, because the kernel takes longer to make one than to connect it.</summary>
internal sealed class NamespacePool(int ready) : IAsyncDisposable
{
    private const int LoopbackIndex = 1;
    private readonly ConcurrentQueue<ReadyNamespace> _ready = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private Task _refill = Task.CompletedTask;  // Guarded by _gate.

    public ReadyNamespace Take()
    {
        ReadyNamespace taken = _ready.TryDequeue(out ReadyNamespace? waiting) ? waiting : Create();
        Refill();
        return taken;
    }

    public void Refill()
    {
        lock (_gate)
        {
            if (_refill.IsCompleted && !_stop.IsCancellationRequested && _ready.Count < ready)
                _refill = Task.Run(Fill, CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        Task refill;
        lock (_gate)
            refill = _refill;
        await refill;
        while (_ready.TryDequeue(out ReadyNamespace? unused))
            unused.Dispose();
        _stop.Dispose();
    }

    private void Fill()
    {
        try
        {
            while (_ready.Count < ready && !_stop.IsCancellationRequested)
                _ready.Enqueue(Create());
        }
        catch (LinuxException)
        {
            // Whoever takes next makes one for himself and gets the reason.
        }
    }

    private static ReadyNamespace Create()
    {
        (FileDescriptor created, RouteSocket route) = NetworkNamespace.Create(() =>
        {
            RouteSocket socket = new();
            socket.SetUp(LoopbackIndex);
            // Links made from now on have no IPv6 (no router advertisements, no way round); loopback keeps ::1.
            Sysctl.Write("net/ipv6/conf/default/disable_ipv6", "1");
            // As Docker: any user may bind low ports and ping, inside.
            Sysctl.Write("net/ipv4/ip_unprivileged_port_start", "0");
            Sysctl.Write("net/ipv4/ping_group_range", $"0 {Math.Min(UserNamespace.LastGroup, int.MaxValue)}");
            return socket;
        });
        return new ReadyNamespace(created, route);
    }
}
