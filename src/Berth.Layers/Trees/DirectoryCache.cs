using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Layers.Trees;

/// <summary>Open directories below a root by path, so that most entries of an archive need no lookup.</summary>
/// <remarks>
/// Every directory is opened by one openat2 with RESOLVE_IN_ROOT: symbolic links, absolute ones and swapped ones included, end
/// inside the root. Whoever removes or replaces names calls <see cref="Clear"/>.
/// </remarks>
internal sealed class DirectoryCache(FileDescriptor root) : IDisposable
{
    private const int EntriesMax = 16;
    private const int OpenFlags = FileCalls.O_PATH;
    private readonly List<Entry> _entries = [];

    /// <summary>An open directory; <see cref="SetsGroup"/> means that new files get its group.</summary>
    internal sealed record Entry(byte[] Path, FileDescriptor Directory, bool SetsGroup);

    /// <summary>The directory at a clean path, made with its parents (0755) where it is missing.</summary>
    /// <exception cref="LinuxException">The kernel's refusal, such as ENOTDIR.</exception>
    public Entry Open(ReadOnlySpan<byte> path)
    {
        for (int i = _entries.Count - 1; i >= 0; i--)
        {
            Entry entry = _entries[i];
            if (!path.SequenceEqual(entry.Path))
                continue;
            if (i < _entries.Count - 1)
            {
                _entries.RemoveAt(i);
                _entries.Add(entry);
            }
            return entry;
        }
        FileDescriptor directory = OpenOrMake(path);
        Entry opened = new(path.ToArray(), directory, (FileCalls.Status(directory).Mode & 0x400) != 0);
        if (_entries.Count == EntriesMax)
        {
            _entries[0].Directory.Dispose();
            _entries.RemoveAt(0);
        }
        _entries.Add(opened);
        return opened;
    }

    /// <summary>Opens the directory of a path that must be there.</summary>
    public int TryOpenExisting(ReadOnlySpan<byte> path, out FileDescriptor directory) => FileCalls.TryOpen(
        root, path.IsEmpty ? ".\0"u8 : [.. path, 0], OpenFlags | FileCalls.O_DIRECTORY, 0,
        FileCalls.RESOLVE_IN_ROOT | FileCalls.RESOLVE_NO_MAGICLINKS, out directory);

    /// <summary>Closes all: names have changed their meaning.</summary>
    public void Clear()
    {
        foreach (Entry entry in _entries)
            entry.Directory.Dispose();
        _entries.Clear();
    }

    public void Dispose() => Clear();

    private FileDescriptor OpenOrMake(ReadOnlySpan<byte> path)
    {
        int error = TryOpenExisting(path, out FileDescriptor directory);
        if (error == 0)
            return directory;
        if (error != Errno.ENOENT || path.IsEmpty)
            throw new LinuxException("openat2", FileCalls.TextOf(path), error);
        int slash = path.LastIndexOf((byte)'/');
        using FileDescriptor parent = OpenOrMake(slash < 0 ? default : path[..slash]);
        // EEXIST after ENOENT: a symbolic link that leads nowhere. Nothing is made through it.
        error = FileCalls.TryMakeDirectory(parent, [.. path[(slash + 1)..], 0], 0x1ED);
        if (error != 0)
            throw new LinuxException("mkdirat", FileCalls.TextOf(path), error == Errno.EEXIST ? Errno.ENOTDIR : error);
        error = TryOpenExisting(path, out directory);
        return error == 0 ? directory : throw new LinuxException("openat2", FileCalls.TextOf(path), error);
    }
}
