using System.Runtime.InteropServices;

namespace Berth.Linux.Processes;

/// <summary>Who a thread is when it works on files.</summary>
/// <remarks>setfsuid(2), setfsgid(2), capabilities(7) "Effect of user ID changes on capabilities".</remarks>
public static unsafe partial class FileIdentity
{
    private const long CapGetNumber = 125, CapSetNumber = 126, SetFsUidNumber = 122, SetFsGidNumber = 123;
    private const uint _LINUX_CAPABILITY_VERSION_3 = 0x20080522;

    /// <summary>Makes what this thread creates from now on another's, and keeps its right to work on everybody's files. Only for a thread
    /// that ends with its work.</summary>
    /// <remarks>An idmapped mount takes files of users alone that it maps: the machine's root is none of them (EOVERFLOW).</remarks>
    /// <param name="user">The user.</param>
    /// <param name="group">The group.</param>
    /// <exception cref="LinuxException">The kernel's refusal.</exception>
    public static void TakeForThread(uint user, uint group)
    {
        _ = syscall(SetFsGidNumber, (nint)group, 0);
        _ = syscall(SetFsUidNumber, (nint)user, 0);
        uint* header = stackalloc uint[2];
        header[0] = _LINUX_CAPABILITY_VERSION_3;
        header[1] = 0;
        // Effective, permitted and inheritable of the lower half, then of the upper one.
        uint* sets = stackalloc uint[6];
        if (syscall(CapGetNumber, (nint)header, (nint)sets) < 0)
            throw LinuxException.FromLastError("capget", "");
        sets[0] = sets[1];
        sets[3] = sets[4];
        if (syscall(CapSetNumber, (nint)header, (nint)sets) < 0)
            throw LinuxException.FromLastError("capset", "");
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial long syscall(long number, nint a, nint b);
}
