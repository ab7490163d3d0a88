using System.Net;
using System.Net.Sockets;

namespace Berth.Tests;

/// <summary>Ports for servers that other programs open a moment later.</summary>
/// <remarks>Not from the range that the kernel takes ports from for whoever connects (ip_local_port_range, from 32768 on): such a port
/// may be any connection's before the server has it, and who connects to it before may meet itself.</remarks>
internal static class FreePort
{
    private const int First = 12_000;
    private const int End = 32_000;
    private static readonly Lock s_gate = new();
    private static readonly HashSet<int> s_given = []; // Guarded by s_gate.

    /// <summary>A port that nobody has, by TCP and UDP, at no address, and that no other test of this program is given.</summary>
    public static int Next()
    {
        lock (s_gate)
        {
            for (int attempt = 0; attempt < 1000; attempt++)
            {
                int port = Random.Shared.Next(First, End);
                if (!s_given.Contains(port) && IsFree(port, SocketType.Stream, ProtocolType.Tcp) && IsFree(port, SocketType.Dgram, ProtocolType.Udp))
                {
                    s_given.Add(port);
                    return port;
                }
            }
        }
        throw new InvalidOperationException($"no port between {First} and {End} is free");
    }

    private static bool IsFree(int port, SocketType type, ProtocolType protocol)
    {
        // One of both families, where there are two.
        using Socket socket = Socket.OSSupportsIPv6 ? new Socket(AddressFamily.InterNetworkV6, type, protocol) { DualMode = true }
            : new Socket(AddressFamily.InterNetwork, type, protocol);
        try
        {
            socket.Bind(new IPEndPoint(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
