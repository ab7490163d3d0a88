using System.Runtime.InteropServices;

namespace Berth.Linux.Bpf;

/// <summary>Opens a cgroup's directory, for calls that take its descriptor. open(2).</summary>
public static partial class CgroupDirectory
{
    private const int O_RDONLY = 0;
    private const int O_DIRECTORY = 0x10000;
    private const int O_CLOEXEC = 0x80000;

    /// <exception cref="LinuxException">ENOENT: there is no such cgroup.</exception>
    public static FileDescriptor Open(string path)
    {
        FileDescriptor descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return descriptor.IsInvalid ? throw LinuxException.FromLastError("open", path) : descriptor;
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial FileDescriptor open(string path, int flags);
}
