using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Layers.Trees;

/// <summary>Removes trees by descriptors: no link is followed and nothing outside is reached, whatever others rename meanwhile.</summary>
public static class TreeRemover
{
    // Enough for nearly every tree; many removals at once must not use up the process' descriptors.
    private const int DescriptorsMax = 64;

    /// <summary>Removes a name and, for a directory, all below it; nothing happens when it is not there.</summary>
    /// <exception cref="LinuxException">The kernel's refusal, such as EBUSY for a mount point.</exception>
    public static void Remove(string path)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        int error = FileCalls.TryOpen(
            FileCalls.WorkingDirectory, FileCalls.PathOf(Path.GetDirectoryName(full)!), FileCalls.O_PATH | FileCalls.O_DIRECTORY,
            0, 0, out FileDescriptor parent);
        using (parent)
        {
            if (error == 0)
                Remove(parent, FileCalls.PathOf(Path.GetFileName(full)));
            else if (error != Errno.ENOENT)
                throw new LinuxException("openat2", full, error);
        }
    }

    /// <summary>Removes a name in a directory and, for a directory, all below it.</summary>
    /// <param name="parent">The open directory.</param>
    /// <param name="name">A single name, with NUL.</param>
    /// <exception cref="LinuxException">The kernel's refusal.</exception>
    public static void Remove(FileDescriptor parent, ReadOnlySpan<byte> name)
    {
        int error = FileCalls.TryUnlink(parent, name);
        if (error is 0 or Errno.ENOENT)
            return;
        if (error is not (Errno.EISDIR or Errno.EPERM))
            throw new LinuxException("unlinkat", FileCalls.TextOf(name), error);
        Empty(parent, name);
        error = FileCalls.TryUnlink(parent, name, FileCalls.AT_REMOVEDIR);
        if (error is not (0 or Errno.ENOENT))
            throw new LinuxException("unlinkat", FileCalls.TextOf(name), error);
    }

    // The stack is one of names, not of frames, and never higher than DescriptorsMax: what lies deeper is renamed up into the
    // top directory first, since a tree may be deeper than a process has descriptors.
    private static void Empty(FileDescriptor parent, ReadOnlySpan<byte> name)
    {
        Stack<Level> levels = [];
        levels.Push(Open(parent, name));
        Level top = levels.Peek();
        try
        {
            while (levels.TryPeek(out Level? level))
            {
                if (level.Names.Count == 0)
                {
                    levels.Pop().Directory.Dispose();
                    if (levels.TryPeek(out Level? above))
                        Check(FileCalls.TryUnlink(above.Directory, level.Name, FileCalls.AT_REMOVEDIR), level.Name);
                    continue;
                }
                byte[] next = level.Names[^1];
                level.Names.RemoveAt(level.Names.Count - 1);
                int error = FileCalls.TryUnlink(level.Directory, next);
                if (error is not (Errno.EISDIR or Errno.EPERM))
                    Check(error, next);
                else if (levels.Count < DescriptorsMax || !TryMoveUp(level, next, top))
                    levels.Push(Open(level.Directory, next));
            }
        }
        finally
        {
            foreach (Level level in levels)
                level.Directory.Dispose();
        }
    }

    // Refused (EXDEV) for directories of lower layers in a mounted overlay, which are no deeper than a path is long.
    private static bool TryMoveUp(Level level, byte[] name, Level top)
    {
        byte[] aside = FileCalls.PathOf($".removed-{Guid.NewGuid():n}");
        if (FileCalls.TryRename(level.Directory, name, top.Directory, aside, FileCalls.RENAME_NOREPLACE) != 0)
            return false;
        top.Names.Add(aside);
        return true;
    }

    private static Level Open(FileDescriptor parent, ReadOnlySpan<byte> name)
    {
        int flags = FileCalls.O_RDONLY | FileCalls.O_DIRECTORY | FileCalls.O_NOFOLLOW;
        int error = FileCalls.TryOpen(parent, name, flags, 0, 0, out FileDescriptor directory);
        // It is no directory: unlink's EPERM meant an immutable or append-only file.
        if (error is Errno.ENOTDIR or Errno.ELOOP)
            throw new LinuxException("unlinkat", FileCalls.TextOf(name), Errno.EPERM);
        return error == 0
            ? new Level(name.ToArray(), directory, FileCalls.ListNames(directory))
            : throw new LinuxException("openat2", FileCalls.TextOf(name), error);
    }

    private static void Check(int error, ReadOnlySpan<byte> name)
    {
        if (error is not (0 or Errno.ENOENT))
            throw new LinuxException("unlinkat", FileCalls.TextOf(name), error);
    }

    private sealed record Level(byte[] Name, FileDescriptor Directory, List<byte[]> Names);
}
