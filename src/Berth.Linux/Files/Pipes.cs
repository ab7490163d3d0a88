using System.Runtime.InteropServices;

namespace Berth.Linux.Files;

/// <summary>Pipes between this process and one it starts. pipe2(2).</summary>
public static unsafe partial class Pipes
{
    /// <summary>Makes one; both ends are close-on-exec.</summary>
    /// <exception cref="LinuxException">EMFILE: out of descriptors.</exception>
    public static (FileDescriptor Read, FileDescriptor Write) Create()
    {
        int* pair = stackalloc int[2];
        return pipe2(pair, FileCalls.O_CLOEXEC) == 0
            ? (new FileDescriptor(pair[0]), new FileDescriptor(pair[1]))
            : throw LinuxException.FromLastError("pipe2", "");
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int pipe2(int* pair, int flags);
}
