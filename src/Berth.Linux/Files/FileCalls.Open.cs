using System.Runtime.InteropServices;

namespace Berth.Linux.Files;

// openat2(2), Linux 5.6. glibc has no wrapper before 2.42.
public static unsafe partial class FileCalls
{
    private const long OpenAt2Number = 437;

    /// <summary>Opens relative to a directory; always close-on-exec.</summary>
    /// <param name="directory">Where relative paths start; the root when <paramref name="resolve"/> has RESOLVE_IN_ROOT.</param>
    /// <param name="path">The path with its NUL.</param>
    /// <param name="flags">O_ flags.</param>
    /// <param name="mode">The mode of a file made by O_CREAT, before the umask.</param>
    /// <param name="resolve">RESOLVE_ flags.</param>
    /// <param name="descriptor">The open descriptor, the caller's to dispose; invalid when refused.</param>
    /// <returns>0 or the error number.</returns>
    public static int TryOpen(
        FileDescriptor directory, ReadOnlySpan<byte> path, int flags, int mode, ulong resolve, out FileDescriptor descriptor)
    {
        Check(path);
        OpenHow how = new() { Flags = (ulong)(uint)(flags | O_CLOEXEC), Mode = (ulong)mode, Resolve = resolve };
        fixed (byte* name = path)
        {
            // EAGAIN: a rename elsewhere raced with ".." or a link; the kernel asks to try again. EINTR: a slow file system.
            for (int attempt = 0; ; attempt++)
            {
                long result = syscall(OpenAt2Number, directory, name, &how, (nuint)sizeof(OpenHow));
                if (result >= 0)
                {
                    descriptor = new FileDescriptor((int)result);
                    return 0;
                }
                int error = Marshal.GetLastPInvokeError();
                if (error is Errno.EINTR || (error is Errno.EAGAIN && attempt < 1000))
                    continue;
                descriptor = new FileDescriptor(-1);
                return error;
            }
        }
    }

    /// <summary>Opens relative to a directory; see <see cref="TryOpen"/>.</summary>
    /// <exception cref="LinuxException">The kernel's refusal.</exception>
    public static FileDescriptor Open(
        FileDescriptor directory, ReadOnlySpan<byte> path, int flags, int mode = 0, ulong resolve = 0)
    {
        ThrowIf(TryOpen(directory, path, flags, mode, resolve, out FileDescriptor descriptor), "openat2", path);
        return descriptor;
    }

    /// <summary>Opens a regular file of a stranger's directory for reading, and nothing else: opening a device, which a container may make,
    /// does things on the host, and a FIFO waits. What it is, is looked at before it is opened.</summary>
    /// <param name="directory">Where relative paths start; the root when <paramref name="resolve"/> has RESOLVE_IN_ROOT.</param>
    /// <param name="path">The path with its NUL.</param>
    /// <param name="flags">O_NOFOLLOW or 0.</param>
    /// <param name="resolve">RESOLVE_ flags.</param>
    /// <param name="descriptor">The open descriptor, the caller's to dispose; invalid when refused.</param>
    /// <returns>0 or the error number; ELOOP: a link. ENXIO: something else that is no regular file.</returns>
    public static int TryOpenRegular(
        FileDescriptor directory, ReadOnlySpan<byte> path, int flags, ulong resolve, out FileDescriptor descriptor)
    {
        int error = TryOpen(directory, path, O_PATH | flags, 0, resolve, out FileDescriptor place);
        using (place)
        {
            if (error == 0 && Status(place) is { IsRegular: false } status)
                error = status.IsSymbolicLink ? Errno.ELOOP : Errno.ENXIO;
            if (error != 0)
            {
                descriptor = new FileDescriptor(-1);
                return error;
            }
            Span<byte> again = stackalloc byte[32];
            System.Text.Unicode.Utf8.TryWrite(again, $"/proc/self/fd/{place.Number}\0", out int length);
            return TryOpen(WorkingDirectory, again[..length], O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, 0, out descriptor);
        }
    }

    /// <summary>Opens a directory of the engine's own by its path.</summary>
    /// <exception cref="LinuxException">The kernel's refusal.</exception>
    public static FileDescriptor OpenDirectory(string path) => Open(WorkingDirectory, PathOf(path), O_RDONLY | O_DIRECTORY);

    [StructLayout(LayoutKind.Sequential)]
    private struct OpenHow
    {
        public ulong Flags;
        public ulong Mode;
        public ulong Resolve;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial long syscall(long number, FileDescriptor directory, byte* path, OpenHow* how, nuint size);
}
