using Berth.Layers;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Engine;

/// <summary>The empty files and directories that stand in a container's layer only so that something can be mounted on them, and the
/// mark by which programs see that they run in a container. They are no change of the container's and go into no image.</summary>
internal static class MountStubs
{
    /// <summary>The file whose presence tells programs that they are in a container.</summary>
    public const string Mark = "/.dockerenv";

    private static readonly string[] s_removable = [Mark, "/proc", "/dev", "/sys", "/etc/resolv.conf", "/etc/hostname", "/etc/hosts"];

    /// <summary>What every container has mounted, parents first.</summary>
    public static ReadOnlySpan<string> Own => s_removable.AsSpan(1);

    /// <summary>Leaves the mark in a new layer.</summary>
    public static void MakeMark(WritableLayer layer)
    {
        using FileStream mark = new(layer.UpperDirectory + Mark, new FileStreamOptions
        {
            Mode = FileMode.Create, Access = FileAccess.Write, BufferSize = 0,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead
                | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute,
        });
    }

    /// <summary>Changes without the stubs, and without the directory of which nothing else changed.</summary>
    public static IReadOnlyList<TreeChange> Without(IReadOnlyList<TreeChange> changes)
    {
        List<TreeChange> left = [.. changes.Where(change => change.Kind != TreeChangeKind.Added || !s_removable.Contains(change.Path))];
        if (left.Count < changes.Count && !left.Any(change => change.Path.StartsWith("/etc/", StringComparison.Ordinal)))
            left.RemoveAll(change => change.Path == "/etc");
        return left;
    }

    /// <summary>Removes the stubs from the files of a layer.</summary>
    public static void Remove(string tree) => Remove(tree, s_removable);

    /// <summary>Removes those of some paths, parents first, that are still empty.</summary>
    /// <remarks>By descriptors beneath the layer: what ran in it may have put a link there.</remarks>
    public static void Remove(string tree, IReadOnlyList<string> paths)
    {
        using FileDescriptor top = FileCalls.OpenDirectory(tree);
        foreach (string path in paths.Reverse())
        {
            string parent = Path.GetDirectoryName(path)!;
            int error = FileCalls.TryOpen(
                top, FileCalls.PathOf(parent.Length == 1 ? "." : parent[1..]), FileCalls.O_RDONLY | FileCalls.O_DIRECTORY, 0,
                FileCalls.RESOLVE_BENEATH | FileCalls.RESOLVE_NO_SYMLINKS, out FileDescriptor directory);
            using (directory)
            {
                byte[] name = FileCalls.PathOf(Path.GetFileName(path));
                if (error != 0 || FileCalls.TryStatus(directory, name, out FileStatus status) != 0)
                    continue;
                if (status.IsDirectory)
                    FileCalls.TryUnlink(directory, name, FileCalls.AT_REMOVEDIR);
                else if (status is { IsRegular: true, Size: 0 })
                    FileCalls.TryUnlink(directory, name);
            }
        }
    }
}
