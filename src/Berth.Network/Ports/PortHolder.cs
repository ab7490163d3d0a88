using System.Net;
using System.Net.Sockets;
using Berth.Faults;
using Berth.Linux;

namespace Berth.Network;

/// <summary>Holds each published host port with a real socket, so that no other process can take it and finding out whether it is
/// free has no gap. The kernel's translation comes first: where host and container have an address of the same family nothing arrives
/// at these sockets but what was sent to ::1 or a link-local address. That, what changes families, and all of it where the engine's
/// bridges are detached from the machine's own network, is served by a relay.</summary>
/// <remarks>Guarded by its owner.</remarks>
internal sealed class PortHolder(FileDescriptor? hostNamespace, bool isDetached = false)
{
    private const int RandomTriesMax = 32;
    private const int DatagramTriesMax = 5;
    private readonly Dictionary<PublishedPort, IDisposable> _held = [];

    /// <summary>Takes the ports of one endpoint; all or none.</summary>
    /// <param name="bindings">The wishes.</param>
    /// <param name="defaultAddress">The network's own default for wishes without an address; null: all addresses.</param>
    /// <param name="targets">What host ports lead to.</param>
    /// <param name="endpoint">How the endpoint is named in messages.</param>
    /// <exception cref="FaultException">Internal: a port is taken; Docker's text.</exception>
    public IReadOnlyList<PublishedPort> Hold(
        IReadOnlyList<PortBinding> bindings, IPAddress? defaultAddress, PortTargets targets, string endpoint)
    {
        List<PublishedPort> held = [];
        try
        {
            foreach (PortBinding binding in bindings)
                held.AddRange(HoldFirstFree(binding, binding.HostAddress ?? defaultAddress, targets));
            // What is open at the container's own address may have been asked for twice.
            return [.. held.Distinct()];
        }
        catch (PortTakenException taken)
        {
            Release(held);
            throw FaultException.Internal(
                $"driver failed programming external connectivity on endpoint {endpoint}: {taken.Message}", taken);
        }
    }

    /// <summary>Takes a port that a running container has; false when somebody else took it meanwhile.</summary>
    public bool TryRestore(PublishedPort port, PortTargets targets)
    {
        try
        {
            if (port.HostPort != 0 && targets.For(IsIPv6(port.HostAddress)) is { } target)
                HoldOne(port, target);
            return true;
        }
        catch (PortTakenException)
        {
            return false;
        }
    }

    public void Release(IEnumerable<PublishedPort> ports)
    {
        foreach (PublishedPort port in ports)
        {
            if (_held.Remove(port, out IDisposable? holder))
                holder.Dispose();
        }
    }

    public void ReleaseAll() => Release([.. _held.Keys]);

    private IReadOnlyList<PublishedPort> HoldFirstFree(PortBinding binding, IPAddress? address, PortTargets targets)
    {
        if (binding.HostPort == 0)
            return HoldRandom(binding, address, targets);
        for (int port = binding.HostPort; ; port++)
        {
            try
            {
                return HoldAt(binding, address, (ushort)port, targets);
            }
            catch (PortTakenException) when (port < binding.HostPortMax)
            {
            }
        }
    }

    private IReadOnlyList<PublishedPort> HoldRandom(PortBinding binding, IPAddress? address, PortTargets targets)
    {
        for (int tries = 1; ; tries++)
        {
            try
            {
                return HoldAt(binding, address, 0, targets);
            }
            catch (PortTakenException) when (tries < RandomTriesMax)
            {
                // Free for IPv4 and taken for IPv6.
            }
        }
    }

    private List<PublishedPort> HoldAt(PortBinding binding, IPAddress? address, ushort port, PortTargets targets)
    {
        List<PublishedPort> held = [];
        foreach (IPAddress host in address is null ? [IPAddress.Any, IPAddress.IPv6Any] : new[] { address })
        {
            bool isIPv6 = IsIPv6(host);
            PublishedPort wish = new(binding.ContainerPort, binding.Protocol, host, port);
            try
            {
                if (targets.IsRouted(isIPv6))
                    held.Add(wish with { HostAddress = isIPv6 ? IPAddress.IPv6Any : IPAddress.Any, HostPort = 0 });
                else if (targets.For(isIPv6) is { } target)
                {
                    // The same one for both families, also when it is the kernel's choice.
                    held.Add(HoldOne(wish, target));
                    port = held[^1].HostPort;
                }
            }
            catch (PortTakenException taken) when (taken.IsUnsupported && held.Count > 0)
            {
                // Nobody asked for the family that this host does not have.
            }
            catch (PortTakenException)
            {
                Release(held);
                throw;
            }
        }
        return held;
    }

    private PublishedPort HoldOne(PublishedPort port, InternetAddress target)
    {
        if (port.HostPort != 0 && _held.Keys.Any(other => Collides(other, port)))
            throw new PortTakenException($"Bind for {new IPEndPoint(port.HostAddress, port.HostPort)} failed: port is already allocated");
        Socket socket = Bind(port);
        PublishedPort real = port with { HostPort = (ushort)((IPEndPoint)socket.LocalEndPoint!).Port };
        bool isKernels = !isDetached && target.IsIPv6 == IsIPv6(port.HostAddress)
            && !port.HostAddress.Equals(IPAddress.IPv6Any) && FirewallTable.IsTranslated(port.HostAddress);
        _held[real] = isKernels
            ? new HeldSocket(socket)
            : Relay.Start(socket, new IPEndPoint(target.ToIPAddress(), port.ContainerPort), port.Protocol, hostNamespace);
        return real;
    }

    private Socket Bind(PublishedPort port)
    {
        for (int tries = 1; ; tries++)
        {
            try
            {
                return BindOnce(port);
            }
            catch (PortTakenException) when (port.Protocol == TransportProtocol.Udp && port.HostPort != 0 && tries < DatagramTriesMax)
            {
                // A process that another thread is just starting holds a copy of the socket that we closed, until its exec.
                Thread.Sleep(tries);
            }
        }
    }

    private Socket BindOnce(PublishedPort port)
    {
        bool isTcp = port.Protocol == TransportProtocol.Tcp;
        AddressFamily family = port.HostAddress.AddressFamily;
        Socket? socket = null;
        try
        {
            socket = NetworkNamespace.Run(isDetached ? null : hostNamespace, () => isTcp
                ? new Socket(family, SocketType.Stream, ProtocolType.Tcp)
                : new Socket(family, SocketType.Dgram, ProtocolType.Udp));
            if (family == AddressFamily.InterNetworkV6)
                socket.DualMode = false;
            socket.Bind(new IPEndPoint(port.HostAddress, port.HostPort));
            if (isTcp)
                socket.Listen();
            return socket;
        }
        catch (SocketException exception)
        {
            socket?.Dispose();
            throw PortTakenException.From(port, exception);
        }
    }

    /// <summary>Closes a socket so that its port is free although a process that is just being started may hold a copy until its exec:
    /// a socket that no longer listens does not hinder the next one (SO_REUSEADDR, which .NET sets for TCP).</summary>
    internal static void Close(Socket socket)
    {
        try
        {
            if (socket.SocketType == SocketType.Stream)
                socket.Shutdown(SocketShutdown.Both);
        }
        catch (SocketException)
        {
            // It did not listen yet; then nothing holds the port.
        }
        socket.Dispose();
    }

    private static bool Collides(PublishedPort left, PublishedPort right) =>
        left.HostPort == right.HostPort && left.Protocol == right.Protocol
        && left.HostAddress.AddressFamily == right.HostAddress.AddressFamily
        && (left.HostAddress.Equals(right.HostAddress) || IsAny(left.HostAddress) || IsAny(right.HostAddress));

    private static bool IsIPv6(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6;

    private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    /// <summary>A bound socket that gives its port back at once.</summary>
    private sealed class HeldSocket(Socket socket) : IDisposable
    {
        public void Dispose() => Close(socket);
    }

    /// <summary>A host port cannot be had; the message is Docker's.</summary>
    private sealed class PortTakenException(string message, bool isUnsupported = false) : Exception(message)
    {
        /// <summary>The host has no such address family.</summary>
        public bool IsUnsupported => isUnsupported;

        public static PortTakenException From(PublishedPort port, SocketException exception)
        {
            string family = port.HostAddress.AddressFamily == AddressFamily.InterNetwork ? "4" : "6";
            string what = $"{port.Protocol.ToString().ToLowerInvariant()}{family} {new IPEndPoint(port.HostAddress, port.HostPort)}";
            string cause = exception.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => "address already in use",
                SocketError.AddressNotAvailable => "cannot assign requested address",
                SocketError.AccessDenied => "permission denied",
                _ => exception.Message,
            };
            bool isUnsupported = exception.SocketErrorCode is SocketError.AddressFamilyNotSupported or SocketError.AddressNotAvailable;
            return new PortTakenException($"listen {what}: bind: {cause}", isUnsupported);
        }
    }
}
