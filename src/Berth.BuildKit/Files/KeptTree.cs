using Berth.Layers.Trees;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.BuildKit.Files;

/// <summary>What an earlier build left in a directory: says which files are still as they are told, makes room for those that are
/// not, and at the end removes what was not told any more.</summary>
/// <remarks>As BuildKit decides it: type, permissions, size, time of change and a link's text. Contents are not read.</remarks>
internal sealed class KeptTree(FileTarget target)
{
    private readonly HashSet<string> _told = new(StringComparer.Ordinal);

    /// <summary>True when a file is there as it is told. Otherwise nothing is there any more.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="mode">S_IF type and permissions.</param>
    /// <param name="size">Bytes of a regular file.</param>
    /// <param name="modified">When it was changed.</param>
    /// <param name="link">The text of a symbolic link.</param>
    public bool Keeps(byte[] path, int mode, long size, FileTime modified, ReadOnlySpan<byte> link)
    {
        _told.Add(FileTarget.Key(path));
        if (target.Status(path) is not { } there)
            return false;
        bool isSame = there.Type == (mode & FileCalls.S_IFMT) && there.Type switch
        {
            FileCalls.S_IFDIR => true, // Its mode and time are set at the end in any case.
            // A file with several names may have changed under another one.
            FileCalls.S_IFREG => there.Mode == mode && there.Size == size && there.Modified == modified && there.Links == 1,
            FileCalls.S_IFLNK => there.Modified == modified && target.ReadLink(path).AsSpan().SequenceEqual(link),
            _ => false,
        };
        if (!isSame)
            target.Remove(path);
        return isSame;
    }

    /// <summary>Makes room for a file that is made anew in any case.</summary>
    public void Clear(byte[] path)
    {
        _told.Add(FileTarget.Key(path));
        if (target.Status(path) is not null)
            target.Remove(path);
    }

    /// <summary>Removes what was not told.</summary>
    public void RemoveRest(FileDescriptor directory, byte[] path)
    {
        foreach (byte[] name in FileCalls.ListNames(directory))
        {
            byte[] child = [.. path, .. path.Length > 0 ? "/"u8 : [], .. name.AsSpan(0, name.Length - 1)];
            if (!_told.Contains(FileTarget.Key(child)))
            {
                TreeRemover.Remove(directory, name);
            }
            else if (FileCalls.Status(directory, name).IsDirectory)
            {
                using FileDescriptor entered = FileCalls.Open(
                    directory, name, FileCalls.O_RDONLY | FileCalls.O_DIRECTORY | FileCalls.O_NOFOLLOW);
                RemoveRest(entered, child);
            }
        }
    }
}
