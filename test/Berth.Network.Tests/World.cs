using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Berth.Linux;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Network.Tests;

/// <summary>A host of the test's own: a network namespace with an engine's networks, and a neighbour on its LAN. Ends with the test.</summary>
internal sealed class World : IAsyncDisposable
{
    public const string HostOnLan = "10.77.0.1";
    public const string HostOnLanIPv6 = "fd77::1";
    private static readonly TimeSpan s_resend = TimeSpan.FromMilliseconds(500);
    private static int s_count;
    private readonly string _directory = Directory.CreateTempSubdirectory("berth-network-").FullName;

    private World()
    {
        Assert.SkipUnless(Environment.UserName == "root", "needs root to make network namespaces");
        (Host, _) = NetworkNamespace.Create(() => 0);
        (Lan, _) = NetworkNamespace.Create(() => 0);
        Run(Host, $"ip link set lo up && ip link add lan0 type veth peer name eth0 netns /proc/{Environment.ProcessId}/fd/{Lan.Number}"
            + $" && {WithoutDelay("lan0")} && ip addr add {HostOnLan}/24 dev lan0 && ip link set lan0 up && ip addr add {HostOnLanIPv6}/64 dev lan0 nodad");
        Run(Lan, $"ip link set lo up && {WithoutDelay("eth0")} && ip addr add 10.77.0.2/24 dev eth0 && ip link set eth0 up && ip route add 172.16.0.0/12 via {HostOnLan}"
            + $" && ip addr add fd77::2/64 dev eth0 nodad && ip route add fd00::/8 via {HostOnLanIPv6}");
        File.WriteAllText(Path.Combine(_directory, "resolv.conf"), "nameserver 127.0.0.1\n");
        Options = new NetworkOptions
        {
            StateDirectory = Path.Combine(_directory, "networks"),
            HostNamespace = Host,
            HostResolvConf = Path.Combine(_directory, "resolv.conf"),
        };
        Networks = NewEngine(Options);
    }

    public FileDescriptor Host { get; }

    public FileDescriptor Lan { get; }

    public NetworkOptions Options { get; }

    public Networks Networks { get; private set; }

    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static async Task<World> StartAsync()
    {
        World world = new();
        await world.Networks.StartAsync([], Cancel);
        return world;
    }

    /// <summary>The same for a test of IPv6: it is skipped where this kernel cannot translate it.</summary>
    public static async Task<World> StartWithIPv6Async()
    {
        World world = await StartAsync();
        string missing = Run(world.Host, "[ -e /proc/sys/net/ipv6/conf/all/forwarding ] || echo IPv6;"
            + "nft 'add table ip6 probe; add chain ip6 probe nat { type nat hook postrouting priority 100; };"
            + "add rule ip6 probe nat masquerade; delete table ip6 probe' 2>&1 >/dev/null");
        if (missing.Length == 0)
            return world;
        await world.DisposeAsync();
        Assert.Skip($"this kernel has no IPv6 with nftables' translation: {missing}");
        throw new InvalidOperationException();
    }

    public static Networks NewEngine(NetworkOptions options) => new(options, NullLogger.Instance, TimeProvider.System);

    public static string NewContainerId() => $"{Interlocked.Increment(ref s_count):x4}{Guid.NewGuid():N}{Guid.NewGuid():N}"[..64];

    // The LAN's links have been there for long: nobody waits for the answer that nobody else has their link-local address.
    private static string WithoutDelay(string link) => $"{{ echo 0 >/proc/sys/net/ipv6/conf/{link}/accept_dad 2>/dev/null || true; }}";

    /// <summary>Closes the engine's sockets without any cleaning up, as its death would.</summary>
    public async Task<Networks> CrashAsync()
    {
        await Networks.DisposeAsync();
        return Networks = NewEngine(Options);
    }

    public async Task<Container> RunAsync(string network, string name, params PortBinding[] ports) =>
        await RunAsync(network, new EndpointRequest { ContainerName = name, Ports = ports });

    public async Task<Container> RunAsync(string network, EndpointRequest request)
    {
        ISandbox sandbox = Networks.CreateSandbox(NewContainerId());
        Endpoint endpoint = await Networks.ConnectAsync(sandbox, network, request, Cancel);
        return new Container(sandbox, endpoint);
    }

    public static string Run(FileDescriptor target, string script) => NetworkNamespace.Run(target, () =>
    {
        using Process process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", script])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{script}: {errors.Result}");
        return output;
    });

    /// <summary>A process that sleeps in a namespace: what keeps a container's namespace when the engine is gone.</summary>
    public static Process Sleeper(FileDescriptor target) =>
        NetworkNamespace.Run(target, () => Process.Start(new ProcessStartInfo("/bin/sleep", ["1000"]))!);

    /// <summary>Connects from a namespace and returns what the server says; throws when it cannot within the time.</summary>
    public static async Task<string> AskAsync(FileDescriptor from, string address, int port, int millisecondsMax = 30_000)
    {
        IPAddress parsed = IPAddress.Parse(address);
        using Socket socket = NetworkNamespace.Run(from, () => new Socket(parsed.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        deadline.CancelAfter(millisecondsMax);
        await socket.ConnectAsync(new IPEndPoint(parsed, port), deadline.Token);
        byte[] buffer = new byte[256];
        int count = await socket.ReceiveAsync(buffer, deadline.Token);
        return Encoding.UTF8.GetString(buffer, 0, count);
    }

    public static async Task AssertUnreachableAsync(FileDescriptor from, string address, int port)
    {
        Exception? exception = await Record.ExceptionAsync(() => AskAsync(from, address, port, millisecondsMax: 300));
        Assert.True(exception is OperationCanceledException or SocketException, $"{address}:{port} answered: {exception}");
    }

    public static async Task<string> AskDatagramAsync(FileDescriptor from, string address, int port)
    {
        IPAddress parsed = IPAddress.Parse(address);
        using Socket socket = NetworkNamespace.Run(from, () => new Socket(parsed.AddressFamily, SocketType.Dgram, ProtocolType.Udp));
        using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        deadline.CancelAfter(30_000);
        await socket.ConnectAsync(new IPEndPoint(parsed, port), deadline.Token);
        byte[] buffer = new byte[256];
        Task<int> answer = socket.ReceiveAsync(buffer, deadline.Token).AsTask();
        // The kernel may lose a datagram, as through a link that has just come up: it is sent again, as TCP does by itself.
        do
            await socket.SendAsync("?"u8.ToArray(), deadline.Token);
        while (await Task.WhenAny(answer, Task.Delay(s_resend, Cancel)) != answer);
        return Encoding.UTF8.GetString(buffer, 0, await answer);
    }

    public async ValueTask DisposeAsync()
    {
        await Networks.DisposeAsync();
        Host.Dispose();
        Lan.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}

/// <summary>A container without processes: its namespace, and servers that say who asked.</summary>
internal sealed record Container(ISandbox Sandbox, Endpoint Endpoint) : IAsyncDisposable
{
    private readonly List<Socket> _sockets = [];

    public string Address => Endpoint.Address!.Value.ToString();

    public string AddressIPv6 => Endpoint.IPv6Address!.Value.ToString();

    public FileDescriptor Namespace => Sandbox.Namespace;

    /// <summary>Says "name from client-address" to everybody who connects.</summary>
    public Container Serve(int port) => Serve(Namespace, port);

    public Container Serve(FileDescriptor where, int port)
    {
        // Of both families.
        Socket listener = NetworkNamespace.Run(where, () => new Socket(SocketType.Stream, ProtocolType.Tcp));
        _sockets.Add(listener);
        listener.Bind(new IPEndPoint(listener.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, port));
        listener.Listen();
        _ = Task.Run(async () =>
        {
            while (true)
            {
                using Socket client = await listener.AcceptAsync();
                IPAddress from = ((IPEndPoint)client.RemoteEndPoint!).Address;
                if (from.IsIPv4MappedToIPv6)
                    from = from.MapToIPv4();
                await client.SendAsync(Encoding.UTF8.GetBytes($"{Endpoint.ContainerName} from {from}"));
            }
        });
        return this;
    }

    public Container ServeDatagrams(int port)
    {
        Socket socket = NetworkNamespace.Run(Namespace, () => new Socket(SocketType.Dgram, ProtocolType.Udp));
        _sockets.Add(socket);
        IPAddress any = socket.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any;
        socket.Bind(new IPEndPoint(any, port));
        _ = Task.Run(async () =>
        {
            byte[] buffer = new byte[256];
            while (true)
            {
                SocketReceiveFromResult received = await socket.ReceiveFromAsync(buffer, new IPEndPoint(any, 0));
                await socket.SendToAsync(Encoding.UTF8.GetBytes(Endpoint.ContainerName), received.RemoteEndPoint);
            }
        });
        return this;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Socket socket in _sockets)
            socket.Dispose();
        await Sandbox.DisposeAsync();
    }
}
