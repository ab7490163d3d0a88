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
            bool isContent = item.Relative.Length == 0 && name.Length == 0;
            FileStatus status = Status(item.Path, follow: isContent);
            Choice choice = item.Relative.Length == 0 || wants is null ? Choice.Take : wants(item.Relative, status.IsDirectory);
            if (choice == Choice.Skip)
                continue;
            if (choice == Choice.Take && !isContent)
            {
                string entryName = name.Length == 0 ? item.Relative : item.Relative.Length == 0 ? name : $"{name}/{item.Relative}";
                await OneAsync(writer, item.Path, status, entryName, keepOwner, cancellationToken);
            }
            if (status.IsDirectory)
                Push(pending, item);
        }
    }

    private static void Push(Stack<(string Path, string Relative)> pending, (string Path, string Relative) directory)
    {
        using FileDescriptor opened = Open(directory.Path, FileCalls.O_RDONLY | FileCalls.O_DIRECTORY);
        List<string> names = FileCalls.ListNames(opened).ConvertAll(static n => FileCalls.TextOf(n));
        for (int i = names.Count - 1; i >= 0; i--)
            pending.Push(($"{directory.Path}/{names[i]}", directory.Relative.Length == 0 ? names[i] : $"{directory.Relative}/{names[i]}"));
    }

    private static async Task OneAsync(
        ArchiveWriter writer, string path, FileStatus status, string name, bool keepOwner, CancellationToken cancellationToken)
    {
        ArchiveEntry entry = new(name, ArchiveEntry.File, status.Permissions, DateTimeOffset.FromUnixTimeSeconds(status.Modified.Seconds))
        {
            Uid = keepOwner ? (int)status.Uid : 0,
            Gid = keepOwner ? (int)status.Gid : 0,
        };
        if (status.IsSymbolicLink)
        {
            string target = FileCalls.TextOf(FileCalls.ReadLink(FileCalls.WorkingDirectory, FileCalls.PathOf(path)));
            ArchiveEntry link = entry with { Type = ArchiveEntry.Link, LinkTarget = target, Mode = 0x1FF };
            await writer.WriteAsync(link, default(ReadOnlyMemory<byte>), cancellationToken);
        }
        else if (status.IsDirectory)
        {
            ArchiveEntry directory = entry with { Name = name + "/", Type = ArchiveEntry.Directory };
            await writer.WriteAsync(directory, default(ReadOnlyMemory<byte>), cancellationToken);
        }
        else if (status.IsRegular)
        {
            // Sockets, pipes and devices have no content to send; opening them would hang or do harm.
            using FileDescriptor content = Open(path, FileCalls.O_RDONLY | FileCalls.O_NOFOLLOW);
            await writer.WriteAsync(entry with { Size = status.Size }, content, cancellationToken);
        }
    }

    private static FileStatus Status(string path, bool follow) =>
        FileCalls.Status(FileCalls.WorkingDirectory, FileCalls.PathOf(follow ? path + "/." : path));

    private static FileDescriptor Open(string path, int flags)
    {
        try
        {
            return FileCalls.Open(FileCalls.WorkingDirectory, FileCalls.PathOf(path), flags);
        }
        catch (LinuxException refused) when (refused.Error is Errno.EACCES or Errno.EPERM)
        {
            throw new Parsing.CommandException($"error checking context: no permission to read from '{path}'");
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
