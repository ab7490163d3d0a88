using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Layers.Trees;

/// <summary>Copies trees with owners, modes, times, attributes, hard links and holes, sharing extents where the disk can.</summary>
/// <remarks>Attributes are copied except overlayfs' notes to itself; <c>opaque</c> is a layer's content and is kept.</remarks>
public sealed class TreeCopier
{
    private static readonly int s_readFlags = FileCalls.O_RDONLY | FileCalls.O_NOFOLLOW | FileCalls.O_NONBLOCK | FileCalls.O_NOCTTY;
    private readonly Dictionary<(ulong, ulong), byte[]> _links = []; // Where in the target the first name of an inode went.
    private readonly FileDescriptor _target;

    private TreeCopier(FileDescriptor target) => _target = target;

    /// <summary>Copies everything in a directory into an existing empty one, which gets its metadata too.</summary>
    /// <param name="source">A directory of the engine's own: links in this path are followed.</param>
    /// <param name="target">A directory that no container reaches yet.</param>
    /// <param name="cancellationToken">Stops between files.</param>
    /// <exception cref="LinuxException">The kernel's refusal, such as ENOSPC. Files that vanish meanwhile are left out.</exception>
    /// <exception cref="Berth.Faults.FaultException">InvalidArgument: directories are nested too deep.</exception>
    public static void CopyInto(string source, string target, CancellationToken cancellationToken)
    {
        using FileDescriptor from = FileCalls.OpenDirectory(source);
        CopyInto(from, target, cancellationToken);
    }

    /// <summary>
    /// Copies what a hostile tree has at a path, as for a new volume: links on the way and at the path's end, absolute ones too,
    /// lead to places in the tree and nowhere else.
    /// </summary>
    /// <param name="root">The tree's root.</param>
    /// <param name="path">A path in it.</param>
    /// <param name="target">An existing empty directory that no container reaches yet.</param>
    /// <param name="cancellationToken">Stops between files.</param>
    /// <returns>False when there is no directory at the path: nothing is copied.</returns>
    /// <exception cref="LinuxException">The kernel's refusal, such as ENOSPC.</exception>
    /// <exception cref="Berth.Faults.FaultException">InvalidArgument: directories are nested too deep.</exception>
    public static bool TryCopyInto(FileDescriptor root, string path, string target, CancellationToken cancellationToken)
    {
        int error = FileCalls.TryOpen(
            root, FileCalls.PathOf(path.Length == 0 ? "." : path), FileCalls.O_RDONLY | FileCalls.O_DIRECTORY, 0,
            FileCalls.RESOLVE_IN_ROOT | FileCalls.RESOLVE_NO_MAGICLINKS, out FileDescriptor from);
        using (from)
        {
            if (error is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP)
                return false;
            if (error != 0)
                throw new LinuxException("openat2", path, error);
            CopyInto(from, target, cancellationToken);
            return true;
        }
    }

    private static void CopyInto(FileDescriptor from, string target, CancellationToken cancellationToken)
    {
        using FileDescriptor to = FileCalls.OpenDirectory(target);
        new TreeCopier(to).CopyChildren(from, to, [], depth: 0, cancellationToken);
        CopyMetadata(from, ".\0"u8, to, ".\0"u8, FileCalls.Status(from));
    }

    /// <summary>Gives a directory another's owner, mode and times.</summary>
    /// <exception cref="LinuxException">The kernel's refusal.</exception>
    public static void CopyDirectoryMetadata(string source, string target)
    {
        using FileDescriptor from = FileCalls.OpenDirectory(source);
        using FileDescriptor to = FileCalls.OpenDirectory(target);
        FileStatus status = FileCalls.Status(from);
        Check(FileCalls.TrySetOwner(to, status.Uid, status.Gid), ".\0"u8);
        Check(FileCalls.TrySetMode(to, status.Permissions), ".\0"u8);
        Check(FileCalls.TrySetTimes(to, status.Modified, status.Modified), ".\0"u8);
    }

    private void CopyChildren(
        FileDescriptor from, FileDescriptor to, byte[] prefix, int depth, CancellationToken cancellationToken)
    {
        foreach (byte[] name in FileCalls.ListNames(from))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (FileCalls.TryStatus(from, name, out FileStatus status) != 0 || status.Type == FileCalls.S_IFSOCK)
                continue;
            try
            {
                byte[] path = [.. prefix, .. name.AsSpan(0, name.Length - 1)];
                Copy(from, to, name, path, status, depth + 1, cancellationToken);
            }
            catch (LinuxException gone) when (gone.Error == Errno.ENOENT && FileCalls.TryStatus(from, name, out _) == Errno.ENOENT)
            {
                TreeRemover.Remove(to, name);
            }
        }
    }

    private void Copy(
        FileDescriptor from, FileDescriptor to, byte[] name, byte[] path, FileStatus status, int depth,
        CancellationToken cancellationToken)
    {
        TreeLimits.Check(status.IsDirectory ? depth : 0, path);
        if (status is { IsDirectory: false, Links: > 1 } && TryLinkToCopy(to, name, path, status))
            return;
        switch (status.Type)
        {
            case FileCalls.S_IFDIR:
                Check(FileCalls.TryMakeDirectory(to, name, 0x1C0), name);
                using (FileDescriptor source = FileCalls.Open(from, name, s_readFlags | FileCalls.O_DIRECTORY))
                using (FileDescriptor target = FileCalls.Open(to, name, s_readFlags | FileCalls.O_DIRECTORY))
                    CopyChildren(source, target, [.. path, (byte)'/'], depth, cancellationToken);
                break;
            case FileCalls.S_IFREG:
                CopyFile(from, to, name, status.Size);
                break;
            case FileCalls.S_IFLNK:
                Check(FileCalls.TrySymbolicLink([.. FileCalls.ReadLink(from, name), 0], to, name), name);
                break;
            default:
                Check(FileCalls.TryMakeNode(to, name, status.Mode, status.RealMajor, status.RealMinor), name);
                break;
        }
        CopyMetadata(from, name, to, name, status);
    }

    private bool TryLinkToCopy(FileDescriptor to, byte[] name, byte[] path, FileStatus status)
    {
        if (_links.TryAdd((status.Device, status.Inode), [.. path, 0]))
            return false;
        Check(FileCalls.TryLink(_target, _links[(status.Device, status.Inode)], to, name), name);
        return true;
    }

    private static void CopyFile(FileDescriptor from, FileDescriptor to, byte[] name, long size)
    {
        Check(FileCalls.TryOpenRegular(from, name, FileCalls.O_NOFOLLOW, 0, out FileDescriptor opened), name);
        using FileDescriptor source = opened;
        using FileDescriptor target = FileCalls.Open(
            to, name, FileCalls.O_WRONLY | FileCalls.O_CREAT | FileCalls.O_EXCL | FileCalls.O_NOFOLLOW, 0x180);
        long position = 0;
        while (position < size && FileCalls.Seek(source, position, FileCalls.SEEK_DATA) is >= 0 and var data)
        {
            long hole = FileCalls.Seek(source, data, FileCalls.SEEK_HOLE);
            long end = hole < 0 ? size : Math.Min(hole, size);
            FileCalls.Seek(source, data, FileCalls.SEEK_SET);
            FileCalls.Seek(target, data, FileCalls.SEEK_SET);
            CopyData(source, target, name, end - data);
            position = Math.Max(end, data + 1);
        }
        Check(FileCalls.TrySetLength(target, size), name);
    }

    private static void CopyData(FileDescriptor source, FileDescriptor target, byte[] name, long left)
    {
        while (left > 0)
        {
            long count = FileCalls.CopyRange(source, target, left);
            if (count is -Errno.EXDEV or -Errno.EINVAL or -Errno.EOPNOTSUPP or -Errno.ENOSYS)
                count = FileCalls.SendFile(source, target, left);
            if (count == 0)
                return; // It shrank meanwhile.
            if (count < 0)
                throw new LinuxException("copy_file_range", FileCalls.TextOf(name), (int)-count);
            left -= count;
        }
    }

    private static void CopyMetadata(
        FileDescriptor from, ReadOnlySpan<byte> source, FileDescriptor to, ReadOnlySpan<byte> target, FileStatus status)
    {
        Check(FileCalls.TrySetOwner(to, target, status.Uid, status.Gid), target);
        if (!status.IsSymbolicLink)
            Check(FileCalls.TrySetMode(to, target, status.Permissions), target);
        foreach (byte[] key in FileCalls.ListAttributes(from, source))
        {
            ReadOnlySpan<byte> bare = key.AsSpan(0, key.Length - 1);
            if ((OverlayNames.IsImageAttribute(bare) || key.AsSpan().SequenceEqual(OverlayNames.Opaque))
                && FileCalls.GetAttribute(from, source, key) is { } value)
                Check(FileCalls.TrySetAttribute(to, target, key, value), target);
        }
        Check(FileCalls.TrySetTimes(to, target, status.Modified, status.Modified), target);
    }

    private static void Check(int error, ReadOnlySpan<byte> name)
    {
        if (error != 0)
            throw new LinuxException("copy", FileCalls.TextOf(name), error);
    }
}
