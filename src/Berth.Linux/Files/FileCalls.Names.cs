using System.Runtime.InteropServices;

namespace Berth.Linux.Files;

// mkdirat(2), mknodat(2), linkat(2), symlinkat(2), renameat2(2), unlinkat(2), readlinkat(2).
public static unsafe partial class FileCalls
{
    /// <summary>renameat2(2) RENAME_NOREPLACE: EEXIST instead of replacing.</summary>
    public const uint RENAME_NOREPLACE = 1;

    /// <summary>renameat2(2) RENAME_EXCHANGE: both names swap.</summary>
    public const uint RENAME_EXCHANGE = 2;

    /// <summary>Makes a directory. The umask applies; the set-id bits are not set.</summary>
    public static int TryMakeDirectory(FileDescriptor directory, ReadOnlySpan<byte> path, int mode)
    {
        Check(path);
        fixed (byte* name = path)
            return ErrorOf(mkdirat(directory, name, (uint)mode));
    }

    /// <summary>Makes a device node, FIFO, socket or empty file; <paramref name="mode"/> holds the S_IF type.</summary>
    public static int TryMakeNode(FileDescriptor directory, ReadOnlySpan<byte> path, int mode, uint major, uint minor)
    {
        Check(path);
        fixed (byte* name = path)
            return ErrorOf(mknodat(directory, name, (uint)mode, DeviceNumber(major, minor)));
    }

    /// <summary>Makes a hard link. A symbolic link at the end of <paramref name="from"/> is linked itself.</summary>
    public static int TryLink(
        FileDescriptor fromDirectory, ReadOnlySpan<byte> from, FileDescriptor toDirectory, ReadOnlySpan<byte> to)
    {
        Check(from);
        Check(to);
        fixed (byte* source = from, target = to)
            return ErrorOf(linkat(fromDirectory, source, toDirectory, target, 0));
    }

    /// <summary>Makes a symbolic link whose text is <paramref name="target"/>, as it is.</summary>
    public static int TrySymbolicLink(ReadOnlySpan<byte> target, FileDescriptor directory, ReadOnlySpan<byte> path)
    {
        Check(target);
        Check(path);
        fixed (byte* text = target, name = path)
            return ErrorOf(symlinkat(text, directory, name));
    }

    /// <summary>Renames, atomically.</summary>
    public static int TryRename(
        FileDescriptor fromDirectory, ReadOnlySpan<byte> from, FileDescriptor toDirectory, ReadOnlySpan<byte> to, uint flags)
    {
        Check(from);
        Check(to);
        fixed (byte* source = from, target = to)
            return ErrorOf(renameat2(fromDirectory, source, toDirectory, target, flags));
    }

    /// <summary>Renames, atomically.</summary>
    /// <exception cref="LinuxException">The kernel's refusal.</exception>
    public static void Rename(string from, string to, uint flags = 0) =>
        ThrowIf(TryRename(WorkingDirectory, PathOf(from), WorkingDirectory, PathOf(to), flags), "renameat2", PathOf(to));

    /// <summary>Removes a name: a file's, or with AT_REMOVEDIR an empty directory's.</summary>
    public static int TryUnlink(FileDescriptor directory, ReadOnlySpan<byte> path, int flags = 0)
    {
        Check(path);
        fixed (byte* name = path)
            return ErrorOf(unlinkat(directory, name, flags));
    }

    /// <summary>The text of a symbolic link, without NUL.</summary>
    /// <exception cref="LinuxException">EINVAL: not a link. The kernel's other refusals.</exception>
    public static byte[] ReadLink(FileDescriptor directory, ReadOnlySpan<byte> path)
    {
        Check(path);
        Span<byte> buffer = stackalloc byte[4097];
        fixed (byte* name = path, text = buffer)
        {
            nint length = readlinkat(directory, name, text, (nuint)buffer.Length);
            return length < 0 ? throw LinuxException.FromLastError("readlinkat", TextOf(path)) : buffer[..(int)length].ToArray();
        }
    }

    // makedev(3) of glibc: the kernel's 64-bit form.
    private static ulong DeviceNumber(uint major, uint minor) =>
        (minor & 0xffUL) | ((major & 0xfffUL) << 8) | ((minor & ~0xffUL) << 12) | ((major & ~0xfffUL) << 32);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int mkdirat(FileDescriptor directory, byte* path, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int mknodat(FileDescriptor directory, byte* path, uint mode, ulong device);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int linkat(
        FileDescriptor fromDirectory, byte* from, FileDescriptor toDirectory, byte* to, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int symlinkat(byte* target, FileDescriptor directory, byte* path);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int renameat2(
        FileDescriptor fromDirectory, byte* from, FileDescriptor toDirectory, byte* to, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int unlinkat(FileDescriptor directory, byte* path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint readlinkat(FileDescriptor directory, byte* path, byte* buffer, nuint size);
}
