using Berth.Layers.Trees;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Layers.Stores;

/// <summary>Reads what an overlayfs upper directory changes: its files, its whiteouts, its opaque directories.</summary>
internal sealed class OverlayDelta(LowerView lower, IDeltaVisitor visitor, CancellationToken cancellationToken)
{
    private static readonly int s_openFlags = FileCalls.O_RDONLY | FileCalls.O_DIRECTORY | FileCalls.O_NOFOLLOW;

    public void Visit(FileDescriptor upper) => Below(upper, [], depth: 0);

    private void Below(FileDescriptor directory, byte[] prefix, int depth)
    {
        foreach (byte[] name in FileCalls.ListNames(directory))
        {
            cancellationToken.ThrowIfCancellationRequested();
            byte[] path = [.. prefix, .. name.AsSpan(0, name.Length - 1)];
            if (FileCalls.TryStatus(directory, name, out FileStatus status) != 0)
                continue;
            FileStatus? below = lower.Find([.. path, 0]);
            if (status.IsOverlayWhiteout)
            {
                // One over nothing (made and deleted again by the kernel or the archive) says nothing.
                if (below is not null)
                    visitor.Deleted(path);
                continue;
            }
            visitor.Present(directory, name, path, status, below);
            if (status.IsDirectory)
                Descend(directory, name, path, below, depth + 1);
        }
    }

    private void Descend(FileDescriptor parent, byte[] name, byte[] path, FileStatus? below, int depth)
    {
        TreeLimits.Check(depth, path);
        int error = FileCalls.TryOpen(parent, name, s_openFlags, 0, 0, out FileDescriptor directory);
        using (directory)
        {
            if (error is Errno.ENOENT or Errno.ENOTDIR)
                return;
            if (error != 0)
                throw new LinuxException("openat2", FileCalls.TextOf(path), error);
            // The kernel also marks directories that are new, where there is nothing to hide.
            if (below is { IsDirectory: true } && FileCalls.GetAttribute(directory, ".\0"u8, OverlayNames.Opaque) is [(byte)'y'])
                visitor.Opaque(path);
            Below(directory, [.. path, (byte)'/'], depth);
        }
    }
}
