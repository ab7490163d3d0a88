using Berth.Layers.Trees;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Layers.Stores;

/// <summary>Looks paths up in a stack of overlayfs layers without mounting it.</summary>
internal sealed class LowerView : IDisposable
{
    private readonly List<FileDescriptor> _layers = [];

    /// <param name="directories">Topmost first.</param>
    public LowerView(IReadOnlyList<string> directories)
    {
        foreach (string directory in directories)
            _layers.Add(FileCalls.OpenDirectory(directory));
    }

    /// <summary>What the stack has at a path; null for nothing.</summary>
    /// <param name="path">Relative, without links to follow, with its NUL.</param>
    public FileStatus? Find(ReadOnlySpan<byte> path)
    {
        foreach (FileDescriptor layer in _layers)
        {
            if (TryStatus(layer, path, out FileStatus status))
                return status.IsOverlayWhiteout ? null : status;
            if (HidesBelow(layer, path))
                return null;
        }
        return null;
    }

    /// <summary>The names of a directory of the stack, each with its NUL.</summary>
    public IEnumerable<byte[]> List(byte[] path)
    {
        HashSet<string> names = [];
        foreach (FileDescriptor layer in _layers)
        {
            int error = FileCalls.TryOpen(
                layer, path, FileCalls.O_RDONLY | FileCalls.O_DIRECTORY | FileCalls.O_NOFOLLOW, 0,
                FileCalls.RESOLVE_BENEATH | FileCalls.RESOLVE_NO_SYMLINKS, out FileDescriptor directory);
            using (directory)
            {
                if (error == 0)
                    names.UnionWith(FileCalls.ListNames(directory).Select(System.Text.Encoding.Latin1.GetString));
            }
        }
        return names.Order(StringComparer.Ordinal).Select(System.Text.Encoding.Latin1.GetBytes);
    }

    public void Dispose() => _layers.ForEach(static layer => layer.Dispose());

    private static bool TryStatus(FileDescriptor layer, ReadOnlySpan<byte> path, out FileStatus status)
    {
        int error = FileCalls.TryOpen(
            layer, path, FileCalls.O_PATH | FileCalls.O_NOFOLLOW, 0,
            FileCalls.RESOLVE_BENEATH | FileCalls.RESOLVE_NO_MAGICLINKS, out FileDescriptor file);
        using (file)
        {
            status = error == 0 ? FileCalls.Status(file) : default;
            return error == 0;
        }
    }

    // A whiteout, another non-directory or an opaque directory on the way ends the search.
    private static bool HidesBelow(FileDescriptor layer, ReadOnlySpan<byte> path)
    {
        for (int slash = path.IndexOf((byte)'/'); slash >= 0;)
        {
            byte[] above = [.. path[..slash], 0];
            if (!TryStatus(layer, above, out FileStatus status))
                return false;
            if (!status.IsDirectory || IsOpaque(layer, above))
                return true;
            int next = path[(slash + 1)..].IndexOf((byte)'/');
            slash = next < 0 ? -1 : slash + 1 + next;
        }
        return false;
    }

    private static bool IsOpaque(FileDescriptor layer, byte[] path)
    {
        using FileDescriptor directory = FileCalls.Open(
            layer, path, FileCalls.O_RDONLY | FileCalls.O_DIRECTORY, 0, FileCalls.RESOLVE_BENEATH);
        return FileCalls.GetAttribute(directory, ".\0"u8, OverlayNames.Opaque) is [(byte)'y'];
    }
}
