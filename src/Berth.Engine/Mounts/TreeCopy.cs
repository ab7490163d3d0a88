using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Engine.Mounts;

/// <summary>Copies a directory's contents with owners, modes, times and attributes, by descriptors: no link is ever followed.</summary>
internal static class TreeCopy
{
    private const int DepthMax = 512;

    /// <summary>Copies what is in one directory into another, which also gets its owner and mode.</summary>
    /// <exception cref="LinuxException">The kernel's refusal, such as a full disk.</exception>
    public static void Contents(FileDescriptor from, FileDescriptor to) => Directory(from, to, 0);

    private static void Directory(FileDescriptor from, FileDescriptor to, int depth)
    {
        if (depth > DepthMax)
            throw new LinuxException("openat2", "directory", Errno.ELOOP);
        foreach (byte[] name in FileCalls.ListNames(from))
        {
            if (!name.AsSpan().TrimEnd((byte)0).SequenceEqual("."u8) && !name.AsSpan().TrimEnd((byte)0).SequenceEqual(".."u8))
                Entry(from, to, name[^1] == 0 ? name : [.. name, 0], depth);
        }
        Attributes(from, ".\0"u8, to, ".\0"u8);
        Metadata(to, FileCalls.Status(from));
    }

    private static void Entry(FileDescriptor from, FileDescriptor to, byte[] name, int depth)
    {
        FileStatus status = FileCalls.Status(from, name);
        if (status.IsDirectory)
        {
            Throw(FileCalls.TryMakeDirectory(to, name, 0x1C0), "mkdirat");
            using FileDescriptor source = FileCalls.Open(from, name, FileCalls.O_RDONLY | FileCalls.O_DIRECTORY | FileCalls.O_NOFOLLOW);
            using FileDescriptor target = FileCalls.Open(to, name, FileCalls.O_RDONLY | FileCalls.O_DIRECTORY | FileCalls.O_NOFOLLOW);
            Directory(source, target, depth + 1);
        }
        else if (status.IsRegular)
            Regular(from, to, name);
        else
        {
            if (status.IsSymbolicLink)
                Throw(FileCalls.TrySymbolicLink([.. FileCalls.ReadLink(from, name).AsSpan().TrimEnd((byte)0), 0], to, name), "symlinkat");
            else
                Throw(FileCalls.TryMakeNode(to, name, status.Mode, status.RealMajor, status.RealMinor), "mknodat");
            Throw(FileCalls.TrySetOwner(to, name, status.Uid, status.Gid), "fchownat");
            Throw(FileCalls.TrySetTimes(to, name, status.Accessed, status.Modified), "utimensat");
        }
    }

    private static void Regular(FileDescriptor from, FileDescriptor to, byte[] name)
    {
        using FileDescriptor source = FileCalls.Open(from, name, FileCalls.O_RDONLY | FileCalls.O_NOFOLLOW | FileCalls.O_NONBLOCK);
        FileStatus status = FileCalls.Status(source);
        using FileDescriptor target = FileCalls.Open(to, name, FileCalls.O_WRONLY | FileCalls.O_CREAT | FileCalls.O_EXCL | FileCalls.O_NOFOLLOW, 0x180);
        byte[] buffer = new byte[128 * 1024];
        while (FileCalls.Read(source, buffer) is > 0 and int count)
            Throw(FileCalls.TryWrite(target, buffer.AsSpan(0, count)), "write");
        Attributes(from, name, to, name);
        Metadata(target, status);
    }

    // Owner before mode: changing the owner clears the set-id bits. Times last.
    private static void Metadata(FileDescriptor target, FileStatus status)
    {
        Throw(FileCalls.TrySetOwner(target, status.Uid, status.Gid), "fchown");
        Throw(FileCalls.TrySetMode(target, status.Permissions), "fchmod");
        Throw(FileCalls.TrySetTimes(target, status.Accessed, status.Modified), "futimens");
    }

    private static void Attributes(FileDescriptor from, ReadOnlySpan<byte> fromName, FileDescriptor to, ReadOnlySpan<byte> toName)
    {
        foreach (byte[] attribute in FileCalls.ListAttributes(from, fromName))
        {
            byte[] key = attribute[^1] == 0 ? attribute : [.. attribute, 0];
            if (key.AsSpan().StartsWith("trusted.overlay."u8) || key.AsSpan().StartsWith("user.overlay."u8))
                continue;
            if (FileCalls.GetAttribute(from, fromName, key) is { } value
                && FileCalls.TrySetAttribute(to, toName, key, value) is var error and not (0 or Errno.EOPNOTSUPP or Errno.EPERM))
                throw new LinuxException("setxattr", "copy", error);
        }
    }

    private static void Throw(int error, string call)
    {
        if (error != 0)
            throw new LinuxException(call, "copy", error);
    }
}
