using Berth.Layers.Tar;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Layers.Trees;

/// <summary>How a tree is archived.</summary>
public sealed record ArchiveOptions
{
    /// <summary>Goes before every path, as <c>name</c> in <c>name/sub/file</c>; empty for the tree's own paths.</summary>
    public byte[] Prefix { get; init; } = [];

    /// <summary>Times keep their fractions of a second, at the price of an extended header per file.</summary>
    public bool KeepFractions { get; init; }

    /// <summary>Stays on the root's file system: what is mounted below is an empty directory.</summary>
    public bool OneFileSystem { get; init; }

    /// <summary>The tree shows its owners so; the archive gets those of inside. Null: both are the same.</summary>
    public OwnerView? View { get; init; }
}

/// <summary>Archives a file or directory of a hostile tree: docker cp out, export.</summary>
public static class TreeArchiver
{
    /// <summary>Writes a whole tree, sorted, without an entry for its root.</summary>
    /// <param name="root">The directory, open for reading.</param>
    /// <param name="destination">Stays the caller's; is flushed, not closed.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Stops between files.</param>
    /// <exception cref="LinuxException">The kernel's refusal; files that vanish meanwhile are left out.</exception>
    /// <exception cref="Berth.Faults.FaultException">InvalidArgument: directories are nested too deep or a path is too
    /// long.</exception>
    public static void WriteTree(
        FileDescriptor root, Stream destination, ArchiveOptions options, CancellationToken cancellationToken)
    {
        TarWriter writer = new(destination);
        TreeWalker walker = new(new EntryArchiver(writer, options), options, cancellationToken);
        walker.WalkBelow(root, options.Prefix);
        writer.Finish();
    }

    /// <summary>Writes one path of a root with all below it. The last component is not followed when it is a link.</summary>
    /// <param name="root">The directory that all paths and links are resolved in.</param>
    /// <param name="path">The path in the root; its parents may lead through links.</param>
    /// <param name="name">Its name in the archive, as docker cp renames it.</param>
    /// <param name="destination">Stays the caller's; is flushed, not closed.</param>
    /// <param name="options">How; the prefix goes before <paramref name="name"/>.</param>
    /// <param name="cancellationToken">Stops between files.</param>
    /// <exception cref="LinuxException">ENOENT: nothing is there. The kernel's other refusals.</exception>
    public static void WritePath(
        FileDescriptor root, string path, string name, Stream destination, ArchiveOptions options,
        CancellationToken cancellationToken)
    {
        EntryPath clean = EntryPath.CleanInRoot(System.Text.Encoding.UTF8.GetBytes(path));
        using FileDescriptor parent = FileCalls.Open(
            root, clean.Parent.IsEmpty ? ".\0"u8 : [.. clean.Parent, 0], FileCalls.O_RDONLY | FileCalls.O_DIRECTORY, 0,
            FileCalls.RESOLVE_IN_ROOT | FileCalls.RESOLVE_NO_MAGICLINKS);
        byte[] entry = clean.IsRoot ? [(byte)'.', 0] : clean.Name.ToArray();
        _ = FileCalls.Status(parent, entry);
        TarWriter writer = new(destination);
        TreeWalker walker = new(new EntryArchiver(writer, options), options, cancellationToken);
        walker.WalkEntry(parent, entry, [.. options.Prefix, .. System.Text.Encoding.UTF8.GetBytes(name)]);
        writer.Finish();
    }
}

/// <summary>Goes through a tree in the order of its names' bytes, each directory before what is in it.</summary>
internal sealed class TreeWalker(EntryArchiver archiver, ArchiveOptions options, CancellationToken cancellationToken)
{
    private static readonly int s_openFlags = FileCalls.O_RDONLY | FileCalls.O_NOFOLLOW | FileCalls.O_NONBLOCK | FileCalls.O_NOCTTY;

    /// <summary>Everything in a directory.</summary>
    public void WalkBelow(FileDescriptor directory, byte[] prefix)
    {
        ulong mount = FileCalls.Status(directory).MountId;
        using FileDescriptor own = FileCalls.Open(directory, ".\0"u8, s_openFlags | FileCalls.O_DIRECTORY);
        foreach (byte[] name in FileCalls.ListNames(own))
            Walk(own, name, [.. prefix, .. name.AsSpan(0, name.Length - 1)], mount, depth: 1);
    }

    /// <summary>One entry and everything below it.</summary>
    public void WalkEntry(FileDescriptor parent, byte[] name, byte[] path) =>
        Walk(parent, name, path, FileCalls.Status(parent, name).MountId, depth: 1);

    private void Walk(FileDescriptor parent, byte[] name, byte[] path, ulong mount, int depth)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (FileCalls.TryStatus(parent, name, out FileStatus status) != 0)
            return; // Gone meanwhile.
        TreeLimits.Check(status.IsDirectory ? depth : 0, path);
        archiver.Write(parent, name, path, status);
        if (!status.IsDirectory || (options.OneFileSystem && status.MountId != mount))
            return;
        int error = FileCalls.TryOpen(parent, name, s_openFlags | FileCalls.O_DIRECTORY, 0, 0, out FileDescriptor directory);
        using (directory)
        {
            if (error is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP)
                return;
            if (error != 0)
                throw new LinuxException("openat2", FileCalls.TextOf(name), error);
            foreach (byte[] child in FileCalls.ListNames(directory))
                Walk(directory, child, [.. path, (byte)'/', .. child.AsSpan(0, child.Length - 1)], mount, depth + 1);
        }
    }
}
