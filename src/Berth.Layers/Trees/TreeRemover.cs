using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Layers.Trees;

/// <summary>Removes trees by descriptors: no link is followed and nothing outside is reached, whatever others rename meanwhile.</summary>
public static class TreeRemover
{
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

    // Recursion is bounded by a stack of names, not of frames: trees may be deeper than a thread's stack.
    private static void Empty(FileDescriptor parent, ReadOnlySpan<byte> name)
    {
        Stack<Level> levels = [];
        levels.Push(Open(parent, name));
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
                if (error is Errno.EISDIR or Errno.EPERM)
                    levels.Push(Open(level.Directory, next));
                else
                    Check(error, next);
            }
        }
        finally
        {
            foreach (Level level in levels)
                level.Directory.Dispose();
        }
    }

    private static Level Open(FileDescriptor parent, ReadOnlySpan<byte> name)
    {
        int flags = FileCalls.O_RDONLY | FileCalls.O_DIRECTORY | FileCalls.O_NOFOLLOW;
        FileDescriptor directory = FileCalls.Open(parent, name, flags);
        return new Level(name.ToArray(), directory, FileCalls.ListNames(directory));
    }

    private static void Check(int error, ReadOnlySpan<byte> name)
    {
        if (error is not (0 or Errno.ENOENT))
            throw new LinuxException("unlinkat", FileCalls.TextOf(name), error);
    }

    private sealed record Level(byte[] Name, FileDescriptor Directory, List<byte[]> Names);
}
