using System.Text;
using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Builder.Files;

/// <summary>Copies what was read from a source tree into a target tree, relative to descriptors on both sides.</summary>
/// <param name="source">Where from; null when only content in memory is written.</param>
/// <param name="owner">Who owns the copies.</param>
/// <param name="mode">Changes their permissions; null keeps the source's.</param>
/// <param name="cancellationToken">Stops between files.</param>
internal sealed class SourceCopier(SourceTree? source, Owner owner, ModeChange? mode, CancellationToken cancellationToken)
{
    private const int ChunkBytes = 1 << 30;

    /// <summary>Copies a directory's contents into an open directory.</summary>
    /// <param name="node">The directory read.</param>
    /// <param name="target">The directory to fill.</param>
    /// <param name="takeMetadata">The target gets the source's permissions and times too: it was made for it.</param>
    public void CopyContents(SourceNode node, FileDescriptor target, bool takeMetadata)
    {
        foreach (SourceNode child in node.Children)
            Copy(child, target, child.Name);
        if (takeMetadata)
            FinishDirectory(node, target);
    }

    /// <summary>Copies one node under a name.</summary>
    public void Copy(SourceNode node, FileDescriptor target, byte[] name)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (node.Status.IsDirectory)
        {
            using FileDescriptor directory = EnterDirectory(target, name, node.Path);
            CopyContents(node, directory, takeMetadata: true);
            return;
        }
        ClearName(target, name, node.Path);
        if (node.Status.IsRegular)
            CopyFile(node, target, name);
        else
            MakeSpecial(node, target, name);
    }

    /// <summary>Makes a file of bytes in memory.</summary>
    public void WriteFile(byte[] content, int permissions, FileTime? modified, FileDescriptor target, byte[] name)
    {
        ClearName(target, name, FileCalls.TextOf(name));
        using FileDescriptor file = Create(target, name);
        TargetTree.Check(FileCalls.TryWrite(file, content), "write", FileCalls.TextOf(name));
        Finish(file, name, permissions, modified);
    }

    private static FileDescriptor Create(FileDescriptor target, byte[] name) => FileCalls.Open(
        target, name, FileCalls.O_WRONLY | FileCalls.O_CREAT | FileCalls.O_EXCL | FileCalls.O_NOFOLLOW, 0x180);

    private static FileDescriptor EnterDirectory(FileDescriptor target, byte[] name, string path)
    {
        int error = FileCalls.TryMakeDirectory(target, name, 0x1C0);
        if (error is not (0 or Errno.EEXIST))
            TargetTree.Check(error, "mkdir", path);
        int opened = FileCalls.TryOpen(target, name, FileCalls.O_RDONLY | FileCalls.O_DIRECTORY | FileCalls.O_NOFOLLOW, 0, 0,
            out FileDescriptor directory);
        if (opened == 0)
            return directory;
        directory.Dispose();
        throw FaultException.Invalid($"cannot copy to non-directory: {FileCalls.TextOf(name)} (from {path})");
    }

    private static void ClearName(FileDescriptor target, byte[] name, string path)
    {
        int error = FileCalls.TryUnlink(target, name);
        if (error is Errno.EISDIR or Errno.EPERM && FileCalls.Status(target, name).IsDirectory)
            throw FaultException.Invalid($"cannot replace to directory {FileCalls.TextOf(name)} with file {path}");
        if (error is not (0 or Errno.ENOENT))
            TargetTree.Check(error, "unlink", path);
    }

    private void CopyFile(SourceNode node, FileDescriptor target, byte[] name)
    {
        using FileDescriptor from = source?.TryOpen(node.Path, FileCalls.O_RDONLY | FileCalls.O_NONBLOCK)
            ?? throw FaultException.Invalid($"copy {node.Path}: it went away while the build was reading");
        using FileDescriptor to = Create(target, name);
        CopyBytes(from, to, node);
        foreach ((byte[] key, byte[] value) in node.Attributes)
            SetAttribute(FileCalls.TrySetAttribute(to, key, value), node.Path);
        Finish(to, name, PermissionsOf(node), node.Status.Modified);
        // chown drops file capabilities: they are set again after it.
        foreach ((byte[] key, byte[] value) in node.Attributes.Where(item => item.Name.AsSpan().StartsWith("security."u8)))
            SetAttribute(FileCalls.TrySetAttribute(to, key, value), node.Path);
    }

    private void CopyBytes(FileDescriptor from, FileDescriptor to, SourceNode node)
    {
        bool ranges = true;
        long left = node.Status.Size;
        while (left > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long count = ranges ? FileCalls.CopyRange(from, to, Math.Min(left, ChunkBytes))
                : FileCalls.SendFile(from, to, Math.Min(left, ChunkBytes));
            if (count < 0 && ranges && -count is Errno.EXDEV or Errno.EOPNOTSUPP or Errno.EINVAL or Errno.ENOSYS)
                ranges = false;
            else if (count < 0)
                TargetTree.Check((int)-count, "copy", node.Path);
            else if (count == 0)
                break;
            else
                left -= count;
        }
    }

    private void Finish(FileDescriptor file, byte[] name, int permissions, FileTime? modified)
    {
        string text = FileCalls.TextOf(name);
        TargetTree.Check(FileCalls.TrySetOwner(file, owner.Uid, owner.Gid), "chown", text);
        TargetTree.Check(FileCalls.TrySetMode(file, permissions), "chmod", text);
        if (modified is { } time)
            TargetTree.Check(FileCalls.TrySetTimes(file, time, time), "utimensat", text);
    }

    private void FinishDirectory(SourceNode node, FileDescriptor directory)
    {
        foreach ((byte[] key, byte[] value) in node.Attributes)
            SetAttribute(FileCalls.TrySetAttribute(directory, key, value), node.Path);
        Finish(directory, FileCalls.PathOf(node.Path), PermissionsOf(node), node.Status.Modified);
    }

    private void MakeSpecial(SourceNode node, FileDescriptor target, byte[] name)
    {
        FileStatus status = node.Status;
        int error = status.IsSymbolicLink
            ? FileCalls.TrySymbolicLink(node.LinkTarget!, target, name)
            : FileCalls.TryMakeNode(target, name, status.Type | PermissionsOf(node), status.RealMajor, status.RealMinor);
        TargetTree.Check(error, "create", node.Path);
        TargetTree.Check(FileCalls.TrySetOwner(target, name, owner.Uid, owner.Gid), "chown", node.Path);
        if (!status.IsSymbolicLink)
            TargetTree.Check(FileCalls.TrySetMode(target, name, PermissionsOf(node)), "chmod", node.Path);
        TargetTree.Check(FileCalls.TrySetTimes(target, name, status.Modified, status.Modified), "utimensat", node.Path);
    }

    private int PermissionsOf(SourceNode node) =>
        mode?.Apply(node.Status.Permissions, node.Status.IsDirectory) ?? node.Status.Permissions;

    // File systems without attributes lose users' own; nothing else depends on them.
    private static void SetAttribute(int error, string path)
    {
        if (error is not (0 or Errno.EOPNOTSUPP))
            TargetTree.Check(error, "setxattr", path);
    }
}
