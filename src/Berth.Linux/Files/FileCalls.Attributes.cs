using System.Runtime.InteropServices;

namespace Berth.Linux.Files;

// setxattr(2), getxattr(2), listxattr(2), removexattr(2).
public static unsafe partial class FileCalls
{
    // XATTR_SIZE_MAX and XATTR_LIST_MAX of linux/limits.h.
    private const int AttributeBytesMax = 65536;

    /// <summary>Sets an extended attribute of an open file or directory (not O_PATH).</summary>
    public static int TrySetAttribute(FileDescriptor file, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        Check(name);
        fixed (byte* key = name, content = value)
            return ErrorOf(fsetxattr(file, key, content, (nuint)value.Length, 0));
    }

    /// <summary>Sets an extended attribute by name in a directory; of a symbolic link itself.</summary>
    /// <param name="directory">The open directory.</param>
    /// <param name="entry">A single name in it, with NUL.</param>
    /// <param name="name">The attribute with its namespace, with NUL.</param>
    /// <param name="value">Its bytes.</param>
    public static int TrySetAttribute(
        FileDescriptor directory, ReadOnlySpan<byte> entry, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        Check(name);
        byte[] path = PathThrough(directory, entry);
        fixed (byte* file = path, key = name, content = value)
            return ErrorOf(lsetxattr(file, key, content, (nuint)value.Length, 0));
    }

    /// <summary>Removes an extended attribute by name in a directory; of a symbolic link itself.</summary>
    public static int TryRemoveAttribute(FileDescriptor directory, ReadOnlySpan<byte> entry, ReadOnlySpan<byte> name)
    {
        Check(name);
        byte[] path = PathThrough(directory, entry);
        fixed (byte* file = path, key = name)
            return ErrorOf(lremovexattr(file, key));
    }

    /// <summary>An extended attribute's value; null when there is none or the file system has no attributes.</summary>
    /// <param name="directory">The open directory.</param>
    /// <param name="entry">A single name in it, with NUL; <c>.</c> for the directory itself.</param>
    /// <param name="name">The attribute with its namespace, with NUL.</param>
    /// <exception cref="LinuxException">The kernel's other refusals.</exception>
    public static byte[]? GetAttribute(FileDescriptor directory, ReadOnlySpan<byte> entry, ReadOnlySpan<byte> name)
    {
        Check(name);
        byte[] path = PathThrough(directory, entry);
        Span<byte> buffer = stackalloc byte[256];
        fixed (byte* file = path, key = name)
        {
            nint length;
            fixed (byte* small = buffer)
                length = lgetxattr(file, key, small, (nuint)buffer.Length);
            if (length >= 0)
                return buffer[..(int)length].ToArray();
            if (Marshal.GetLastPInvokeError() == Errno.ERANGE)
            {
                buffer = new byte[AttributeBytesMax];
                fixed (byte* large = buffer)
                    length = lgetxattr(file, key, large, (nuint)buffer.Length);
                if (length >= 0)
                    return buffer[..(int)length].ToArray();
            }
        }
        return Marshal.GetLastPInvokeError() is Errno.ENODATA or Errno.EOPNOTSUPP or Errno.ENOENT
            ? null : throw LinuxException.FromLastError("lgetxattr", TextOf(entry));
    }

    /// <summary>The names of all extended attributes of a file in a directory, each with its NUL; of a link itself.</summary>
    /// <exception cref="LinuxException">The kernel's refusal, other than that there are no attributes.</exception>
    public static IReadOnlyList<byte[]> ListAttributes(FileDescriptor directory, ReadOnlySpan<byte> entry)
    {
        Span<byte> buffer = stackalloc byte[1024];
        byte[] path = PathThrough(directory, entry);
        fixed (byte* file = path)
        {
            nint length;
            fixed (byte* small = buffer)
                length = llistxattr(file, small, (nuint)buffer.Length);
            if (length < 0 && Marshal.GetLastPInvokeError() == Errno.ERANGE)
            {
                buffer = new byte[AttributeBytesMax];
                fixed (byte* large = buffer)
                    length = llistxattr(file, large, (nuint)buffer.Length);
            }
            if (length == 0)
                return [];
            if (length < 0)
            {
                return Marshal.GetLastPInvokeError() is Errno.EOPNOTSUPP or Errno.ENOENT
                    ? [] : throw LinuxException.FromLastError("llistxattr", TextOf(entry));
            }
            return Split(buffer[..(int)length]);
        }
    }

    private static List<byte[]> Split(ReadOnlySpan<byte> names)
    {
        List<byte[]> list = [];
        while (names.IndexOf((byte)0) is >= 0 and var end)
        {
            list.Add(names[..(end + 1)].ToArray());
            names = names[(end + 1)..];
        }
        return list;
    }

    // setxattrat(2) is of Linux 6.13. A descriptor under /proc/self/fd names its file whatever becomes of the path; the entry
    // is one component, so nothing is followed on the way.
    private static byte[] PathThrough(FileDescriptor directory, ReadOnlySpan<byte> entry)
    {
        Check(entry);
        if (entry.Contains((byte)'/'))
            throw new ArgumentException("an entry is a single name", nameof(entry));
        Span<byte> number = stackalloc byte[11];
        directory.Number.TryFormat(number, out int digits);
        byte[] path = new byte[14 + digits + 1 + entry.Length];
        "/proc/self/fd/"u8.CopyTo(path);
        number[..digits].CopyTo(path.AsSpan(14));
        path[14 + digits] = (byte)'/';
        entry.CopyTo(path.AsSpan(15 + digits));
        return path;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsetxattr(FileDescriptor file, byte* name, byte* value, nuint size, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int lsetxattr(byte* path, byte* name, byte* value, nuint size, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int lremovexattr(byte* path, byte* name);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint lgetxattr(byte* path, byte* name, byte* value, nuint size);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint llistxattr(byte* path, byte* list, nuint size);
}
