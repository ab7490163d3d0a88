using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Berth.Linux.Sockets;

/// <summary>What the kernel knows of a connected unix socket.</summary>
public static partial class UnixSockets
{
    private const nuint SIOCOUTQ = 0x5411;

    /// <summary>True when the other side has read everything that was sent; also when the kernel does not say.</summary>
    /// <remarks>SIOCOUTQ, unix(7): memory of what was sent and is not read. For TCP it would tell what is not acknowledged.</remarks>
    public static unsafe bool IsAllRead(Socket socket)
    {
        int waiting = 0;
        return ioctl(socket.SafeHandle, SIOCOUTQ, &waiting) != 0 || waiting == 0;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int ioctl(SafeHandle descriptor, nuint request, int* value);
}
