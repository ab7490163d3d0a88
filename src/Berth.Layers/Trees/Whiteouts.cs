using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Layers.Trees;

/// <summary>Turns a layer tar's whiteouts into what the tree needs. They hide what is below this layer, never what is in it.</summary>
internal sealed class Whiteouts(WhiteoutMode mode, DirectoryCache directories)
{
    // Only for Delete: there the tree also holds what is below.
    private readonly HashSet<string>? _unpacked = mode == WhiteoutMode.Delete ? [] : null;

    /// <summary>Notes a path that this layer has.</summary>
    public void Unpacked(EntryPath path)
    {
        while (_unpacked is not null && !path.IsRoot && _unpacked.Add(path.Key))
            path = path.Directory();
    }

    /// <summary>Handles a whiteout; false when the path is none.</summary>
    /// <exception cref="InvalidDataException">The whiteout names nothing in its directory.</exception>
    public bool TryTake(EntryPath path)
    {
        if (mode == WhiteoutMode.Literal)
            return false;
        if (!path.Name.StartsWith(OverlayNames.WhiteoutPrefix))
        {
            // A whiteout is a name, not a directory to put things below.
            if (HasWhiteoutComponent(path.Parent))
                throw new InvalidDataException("the path goes through a whiteout");
            return false;
        }
        if (HasWhiteoutComponent(path.Parent))
            throw new InvalidDataException("the path goes through a whiteout");
        if (path.Name.SequenceEqual(OverlayNames.OpaqueMarker))
        {
            TakeOpaque(path);
            return true;
        }
        ReadOnlySpan<byte> name = path.Name[OverlayNames.WhiteoutPrefix.Length..];
        if (name.Length <= 1 || name.SequenceEqual(".\0"u8) || name.SequenceEqual("..\0"u8)
            || name.StartsWith(OverlayNames.WhiteoutPrefix))
            throw new InvalidDataException("the whiteout names nothing that it could hide");
        TakeWhiteout(path.Sibling(name));
        return true;
    }

    /// <summary>Makes a directory hide what is below it in lower layers.</summary>
    public static void MakeOpaque(FileDescriptor parent, ReadOnlySpan<byte> name)
    {
        int error = FileCalls.TrySetAttribute(parent, name, OverlayNames.Opaque, "y"u8);
        if (error != 0)
            throw new LinuxException($"setxattr {FileCalls.TextOf(OverlayNames.Opaque)}", FileCalls.TextOf(name), error);
    }

    private void TakeOpaque(EntryPath path)
    {
        FileDescriptor directory = directories.Open(path.Parent).Directory;
        if (mode == WhiteoutMode.Overlay)
            MakeOpaque(directory, ".\0"u8);
        else
            Prune(directory, ".\0"u8, path.Directory().Key);
    }

    private void TakeWhiteout(EntryPath hidden)
    {
        FileDescriptor parent = directories.Open(hidden.Parent).Directory;
        if (mode == WhiteoutMode.Delete)
        {
            if (_unpacked!.Contains(hidden.Key))
                PruneIfDirectory(parent, hidden.Name, hidden.Key);
            else
                TreeRemover.Remove(parent, hidden.Name);
            directories.Clear();
            return;
        }
        int error = FileCalls.TryMakeNode(parent, hidden.Name, FileCalls.S_IFCHR, 0, 0);
        if (error == Errno.EEXIST)
        {
            // This layer has the name itself and wins; a directory must still not merge with what the whiteout hides.
            if (FileCalls.Status(parent, hidden.Name).IsDirectory)
                MakeOpaque(parent, hidden.Name);
        }
        else if (error != 0)
        {
            throw new LinuxException("mknodat", hidden.ToString(), error);
        }
    }

    private void PruneIfDirectory(FileDescriptor parent, ReadOnlySpan<byte> name, string key)
    {
        if (FileCalls.Status(parent, name).IsDirectory)
            Prune(parent, name, key);
    }

    private void Prune(FileDescriptor parent, ReadOnlySpan<byte> name, string key)
    {
        using FileDescriptor directory = FileCalls.Open(
            parent, name, FileCalls.O_RDONLY | FileCalls.O_DIRECTORY | FileCalls.O_NOFOLLOW);
        foreach (byte[] child in FileCalls.ListNames(directory))
        {
            string childKey = (key.Length == 0 ? "" : key + "/") + System.Text.Encoding.Latin1.GetString(child.AsSpan(0, child.Length - 1));
            if (_unpacked!.Contains(childKey))
                PruneIfDirectory(directory, child, childKey);
            else
                TreeRemover.Remove(directory, child);
        }
        directories.Clear();
    }

    private static bool HasWhiteoutComponent(ReadOnlySpan<byte> parent) =>
        parent.StartsWith(OverlayNames.WhiteoutPrefix) || parent.IndexOf("/.wh."u8) >= 0;
}
