using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Berth.Linux.Files;

// getdents64(2).
public static unsafe partial class FileCalls
{
    /// <summary>All names in a directory but <c>.</c> and <c>..</c>, each with its NUL, sorted by their bytes.</summary>
    /// <param name="directory">Opened for reading, at its start.</param>
    /// <exception cref="LinuxException">The kernel's refusal.</exception>
    public static List<byte[]> ListNames(FileDescriptor directory)
    {
        List<byte[]> names = [];
        byte[] buffer = new byte[32768];
        fixed (byte* bytes = buffer)
        {
            nint length;
            while ((length = getdents64(directory, bytes, (nuint)buffer.Length)) > 0)
                AddNames(buffer.AsSpan(0, (int)length), names);
            if (length < 0)
                throw LinuxException.FromLastError("getdents64", "directory");
        }
        names.Sort(static (left, right) => left.AsSpan().SequenceCompareTo(right));
        return names;
    }

    // struct linux_dirent64: inode 8, offset 8, record length 2, type 1, name with NUL.
    private static void AddNames(ReadOnlySpan<byte> records, List<byte[]> names)
    {
        while (!records.IsEmpty)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(records[16..]);
            ReadOnlySpan<byte> name = records[19..length];
            name = name[..(name.IndexOf((byte)0) + 1)];
            if (!name.SequenceEqual(".\0"u8) && !name.SequenceEqual("..\0"u8))
                names.Add(name.ToArray());
            records = records[length..];
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint getdents64(FileDescriptor directory, byte* buffer, nuint count);
}
