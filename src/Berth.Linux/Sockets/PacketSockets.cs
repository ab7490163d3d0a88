using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Berth.Linux.Sockets;

/// <summary>Connected unix sockets that keep packets apart. socketpair(2), unix(7), SOCK_SEQPACKET.</summary>
public static unsafe partial class PacketSockets
{
    private const int AF_UNIX = 1, SOCK_SEQPACKET = 5, SOCK_CLOEXEC = 0x80000;

    /// <summary>Makes a pair: one end for this process, one to hand to another.</summary>
    /// <exception cref="LinuxException">EMFILE: out of descriptors.</exception>
    public static (Socket Own, FileDescriptor Other) CreatePair()
    {
        int* pair = stackalloc int[2];
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
            throw LinuxException.FromLastError("socketpair", "AF_UNIX");
        return (new Socket(new SafeSocketHandle(pair[0], ownsHandle: true)), new FileDescriptor(pair[1]));
    }

    /// <summary>Makes a socket to connect to a path.</summary>
    public static Socket Create() => new(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socketpair(int family, int type, int protocol, int* pair);
}
