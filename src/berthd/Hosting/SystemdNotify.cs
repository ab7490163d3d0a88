using System.Net.Sockets;
using System.Text;

namespace Berth.Daemon.Hosting;

/// <summary>Tells systemd how far this service is.</summary>
/// <remarks>sd_notify(3): a datagram to the socket in NOTIFY_SOCKET; <c>@</c> stands for an abstract name's zero.</remarks>
internal static class SystemdNotify
{
    /// <summary>The daemon answers requests.</summary>
    public const string Ready = "READY=1";

    /// <summary>The daemon is shutting down.</summary>
    public const string Stopping = "STOPPING=1";

    /// <summary>Sends a state; does nothing when no systemd asked for it.</summary>
    public static void Send(string state, string? address)
    {
        if (string.IsNullOrEmpty(address) || address[0] is not ('/' or '@'))
            return;
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        try
        {
            socket.SendTo(
                Encoding.ASCII.GetBytes(state),
                new UnixDomainSocketEndPoint(address[0] == '@' ? "\0" + address[1..] : address));
        }
        catch (SocketException)
        {
            // A supervisor that does not listen is no reason not to serve.
        }
    }
}
