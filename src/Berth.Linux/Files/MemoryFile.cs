using System.Runtime.InteropServices;

namespace Berth.Linux.Files;

/// <summary>Files that live in memory alone. memfd_create(2), Linux 3.17.</summary>
public static unsafe partial class MemoryFile
{
    private const uint MFD_CLOEXEC = 1, MFD_ALLOW_SEALING = 2, MFD_EXEC = 0x10;
    private const int F_ADD_SEALS = 1033;
    private const int SealAll = 1 | 2 | 4 | 8;

    /// <summary>Makes a file with this content that nobody can change any more, not even through <c>/proc/pid/exe</c>.</summary>
    /// <param name="name">What <c>/proc</c> shows.</param>
    /// <param name="content">The bytes.</param>
    /// <param name="executable">It will be executed.</param>
    /// <exception cref="LinuxException">ENOMEM, EMFILE.</exception>
    public static FileDescriptor CreateSealed(string name, ReadOnlySpan<byte> content, bool executable = false)
    {
        FileDescriptor file = Create(name, executable);
        try
        {
            int error = FileCalls.TryWrite(file, content);
            if (error != 0)
                throw new LinuxException("write", name, error);
            if (fcntl(file.Number, F_ADD_SEALS, SealAll) != 0)
                throw LinuxException.FromLastError("fcntl", name);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static FileDescriptor Create(string name, bool executable)
    {
        uint flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
        int descriptor = memfd_create(name, flags | (executable ? MFD_EXEC : 0));
        // Kernels before 6.3 do not know MFD_EXEC: there all are executable.
        if (descriptor < 0 && executable && Marshal.GetLastPInvokeError() == Errno.EINVAL)
            descriptor = memfd_create(name, flags);
        return descriptor >= 0 ? new FileDescriptor(descriptor) : throw LinuxException.FromLastError("memfd_create", name);
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int memfd_create(string name, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int descriptor, int command, nint argument);
}
