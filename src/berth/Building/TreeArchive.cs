using System.Text;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Cli.Building;

/// <summary>Sends a file or a directory as an archive, in the order of names.</summary>
internal static class TreeArchive
{
    /// <param name="writer">Where to.</param>
    /// <param name="root">The file or directory.</param>
    /// <param name="name">Its name in the archive; empty for the content of a directory.</param>
    /// <param name="keepOwner">False writes root as owner of everything.</param>
    /// <param name="wants">Decides by the path beneath the root; a directory of which nothing is wanted may say so.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public static async Task WriteAsync(
        ArchiveWriter writer, string root, string name, bool keepOwner, Func<string, bool, Choice>? wants,
        CancellationToken cancellationToken)
    {
        Stack<(string Path, string Relative)> pending = new([(root, "")]);
        while (pending.TryPop(out (string Path, string Relative) item))
        {
            FileSystemInfo info = Directory.Exists(item.Path) && new FileInfo(item.Path).LinkTarget is null
                ? new DirectoryInfo(item.Path) : new FileInfo(item.Path);
            bool isDirectory = info is DirectoryInfo;
            Choice choice = item.Relative.Length == 0 || wants is null ? Choice.Take : wants(item.Relative, isDirectory);
            if (choice == Choice.Skip)
                continue;
            string entryName = string.Join('/', new[] { name, item.Relative }.Where(static p => p.Length > 0));
            if (choice == Choice.Take && entryName.Length > 0)
                await OneAsync(writer, info, entryName, keepOwner, cancellationToken);
            if (isDirectory)
            {
                foreach (string child in Directory.EnumerateFileSystemEntries(item.Path).OrderDescending(StringComparer.Ordinal))
                    pending.Push((child, item.Relative.Length == 0 ? Path.GetFileName(child)
                        : $"{item.Relative}/{Path.GetFileName(child)}"));
            }
        }
    }

    private static async Task OneAsync(
        ArchiveWriter writer, FileSystemInfo info, string name, bool keepOwner, CancellationToken cancellationToken)
    {
        (int uid, int gid, int type) = Status(info.FullName);
        if (!keepOwner)
            (uid, gid) = (0, 0);
        ArchiveEntry entry = new(name, ArchiveEntry.File, (int)info.UnixFileMode, info.LastWriteTimeUtc) { Uid = uid, Gid = gid };
        if (info.LinkTarget is { } target)
            await writer.WriteAsync(entry with { Type = ArchiveEntry.Link, LinkTarget = target, Mode = 0x1FF }, null, cancellationToken);
        else if (info is DirectoryInfo)
            await writer.WriteAsync(entry with { Name = name + "/", Type = ArchiveEntry.Directory }, null, cancellationToken);
        else if (type == FileCalls.S_IFREG)
        {
            await using FileStream content = Open(info.FullName);
            await writer.WriteAsync(entry with { Size = content.Length }, content, cancellationToken);
        }
    }

    // Sockets, pipes and devices have no content to send; opening them would hang or do harm.
    private static (int Uid, int Gid, int Type) Status(string path)
    {
        using FileDescriptor root = FileCalls.OpenDirectory("/");
        FileStatus status = FileCalls.Status(root, FileCalls.PathOf(path.TrimStart('/') is { Length: > 0 } rest ? rest : "."));
        return ((int)status.Uid, (int)status.Gid, status.Type);
    }

    private static FileStream Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1, useAsync: false);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new Parsing.CommandException($"error checking context: no permission to read from '{path}': {e.Message}");
        }
    }
}

/// <summary>What happens to a path of a tree.</summary>
internal enum Choice
{
    /// <summary>It is sent.</summary>
    Take,

    /// <summary>It is not sent, but what is beneath may be.</summary>
    Pass,

    /// <summary>Neither it nor anything beneath is sent.</summary>
    Skip,
}
