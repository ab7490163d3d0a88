using System.Formats.Tar;
using Berth.Cli.Parsing;

namespace Berth.Cli.Building;

/// <summary>Unpacks what <c>cp</c> brings out of a container. The archive is hostile: nothing lands outside the destination.</summary>
internal static class ArchiveReader
{
    /// <param name="archive">The engine's archive; its first name is the source's.</param>
    /// <param name="target">Where the user wants it: a directory to put it in, or its new name.</param>
    /// <param name="contentOnly">The source was <c>dir/.</c>: the directory's content, not itself.</param>
    /// <param name="keepOwner">Sets owners as in the container.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public static async Task ExtractAsync(
        Stream archive, string target, bool contentOnly, bool keepOwner, CancellationToken cancellationToken)
    {
        OutputPath.CheckCopy(target);
        bool isDirectory = Directory.Exists(target);
        string full = Path.GetFullPath(target);
        if (!isDirectory && !Directory.Exists(Path.GetDirectoryName(full)))
            throw new CommandException($"invalid output path: directory \"{Path.GetDirectoryName(full)}\" does not exist");
        await using TarReader reader = new(archive);
        string? first = null;
        List<(string Path, TarEntry Entry)> directories = [];
        while (await reader.GetNextEntryAsync(copyData: false, cancellationToken) is { } entry)
        {
            if (entry.EntryType is TarEntryType.GlobalExtendedAttributes)
                continue;
            string[] parts = entry.Name.Split('/').Where(static p => p.Length > 0 && p != ".").ToArray();
            if (parts.Contains("..") || entry.Name.StartsWith('/'))
                throw new CommandException($"refusing to copy \"{entry.Name}\": it would leave the destination");
            if (first is null)
            {
                first = parts.Length > 0 ? parts[0] : "";
                if (!isDirectory && target.EndsWith('/') && entry.EntryType != TarEntryType.Directory)
                    throw new CommandException("no such directory");
                if (!isDirectory && entry.EntryType == TarEntryType.Directory && File.Exists(full))
                    throw new CommandException("cannot copy directory");
            }
            // Into a directory: under its own name. Else the first part of the name becomes the target's.
            bool rename = (!isDirectory || contentOnly) && parts.Length > 0 && parts[0] == first;
            string[] below = rename ? parts[1..] : parts;
            string path = below.Aggregate(full, Path.Combine);
            RefuseLinks(full, below);
            await OneAsync(entry, path, full, keepOwner, cancellationToken);
            if (entry.EntryType == TarEntryType.Directory)
                directories.Add((path, entry));
        }
        // Modes and times of directories last, when nothing is written into them any more.
        foreach ((string path, TarEntry entry) in Enumerable.Reverse(directories))
        {
            File.SetUnixFileMode(path, entry.Mode);
            Directory.SetLastWriteTimeUtc(path, entry.ModificationTime.UtcDateTime);
        }
    }

    private static async Task OneAsync(TarEntry entry, string path, string root, bool keepOwner, CancellationToken cancellationToken)
    {
        switch (entry.EntryType)
        {
            case TarEntryType.Directory:
                Directory.CreateDirectory(path);
                break;
            case TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile:
                File.Delete(path);
                await using (FileStream file = new(path, FileMode.CreateNew, FileAccess.Write))
                {
                    if (entry.DataStream is not null)
                        await entry.DataStream.CopyToAsync(file, cancellationToken);
                }
                File.SetUnixFileMode(path, entry.Mode);
                File.SetLastWriteTimeUtc(path, entry.ModificationTime.UtcDateTime);
                break;
            case TarEntryType.SymbolicLink:
                File.Delete(path);
                File.CreateSymbolicLink(path, entry.LinkName);
                break;
            case TarEntryType.HardLink:
                HardLink(entry, path, root);
                break;
            default:
                // Devices and pipes of a container are no use here.
                return;
        }
        if (keepOwner)
            Owner.Set(path, (uint)entry.Uid, (uint)entry.Gid);
    }

    // Links in an archive name the other file by its path in the archive, whose first part may have been renamed.
    private static void HardLink(TarEntry entry, string path, string root)
    {
        string[] parts = entry.LinkName.Split('/').Where(static p => p.Length > 0 && p != ".").ToArray();
        if (parts.Contains(".."))
            throw new CommandException($"refusing to link \"{entry.Name}\" to \"{entry.LinkName}\": it would leave the destination");
        foreach (string[] candidate in (string[][])[parts, parts.Length > 0 ? parts[1..] : parts])
        {
            string source = candidate.Aggregate(root, Path.Combine);
            RefuseLinks(root, candidate);
            if (File.Exists(source))
            {
                File.Copy(source, path, overwrite: true);
                return;
            }
        }
    }

    // A link that the archive made must not carry later entries out of the destination.
    private static void RefuseLinks(string root, string[] below)
    {
        string path = root;
        for (int i = 0; i < below.Length - 1; i++)
        {
            path = Path.Combine(path, below[i]);
            if (new FileInfo(path).LinkTarget is not null)
                throw new CommandException($"refusing to copy through the link \"{path}\"");
        }
    }
}

/// <summary>Ownership of a path, without following links.</summary>
internal static class Owner
{
    public static void Set(string path, uint uid, uint gid)
    {
        using Linux.FileDescriptor root = Linux.Files.FileCalls.OpenDirectory("/");
        _ = Linux.Files.FileCalls.TrySetOwner(root, Linux.Files.FileCalls.PathOf(path.TrimStart('/')), uid, gid);
    }
}
