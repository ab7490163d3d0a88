using System.Text;
using Berth.Engine.State;
using Berth.Faults;
using Berth.Layers;
using Berth.Layers.Trees;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Engine;

internal sealed partial class ContainerService
{
    public Task<IReadOnlyList<TreeChange>> ChangesAsync(string id, CancellationToken cancellationToken)
    {
        Container container = Find(id);
        return WithFilesAsync(
            container, () => Task.Run(() => MountStubs.Without(parts.Layers.Changes(container.Id)), cancellationToken));
    }

    public Task<IArchive> ExportAsync(string id, CancellationToken cancellationToken)
    {
        Container container = Find(id);
        return WithFilesAsync(container, () => ExportAsync(container));
    }

    private Task<IArchive> ExportAsync(Container container)
    {
        ContainerRoot root = OpenRoot(container);
        Publish(container.Record, "export");
        return Task.FromResult<IArchive>(new OwnedArchive(null, (destination, stop) => WithFiles(container, () =>
        {
            using FileDescriptor top = FileCalls.Open(root.Directory, ".\0"u8, FileCalls.O_RDONLY | FileCalls.O_DIRECTORY);
            TreeArchiver.WriteTree(top, destination, new Layers.Trees.ArchiveOptions { OneFileSystem = true, View = root.View }, stop);
        }), root));
    }

    public Task<PathStat> StatPathAsync(string id, string path, CancellationToken cancellationToken)
    {
        Container container = Find(id);
        return WithFilesAsync(container, async () =>
        {
            using ContainerRoot root = await OpenTreeAsync(container, cancellationToken);
            return Stat(container, root, path);
        });
    }

    public Task<IArchive> ReadArchiveAsync(string id, string path, CancellationToken cancellationToken)
    {
        Container container = Find(id);
        return WithFilesAsync(container, () => ReadArchiveAsync(container, path, cancellationToken));
    }

    private async Task<IArchive> ReadArchiveAsync(Container container, string path, CancellationToken cancellationToken)
    {
        ContainerRoot root = await OpenTreeAsync(container, cancellationToken);
        try
        {
            PathStat stat = Stat(container, root, path);
            Publish(container.Record, "archive-path");
            string inside = Absolute(path);
            // "dir/." asks for what is in the directory: Docker's clients rename its entry "." themselves.
            string name = path.EndsWith("/.", StringComparison.Ordinal) || ContainerPath.Clean(inside) == "/" ? "." : stat.Name;
            return new OwnedArchive(stat, (destination, stop) => WithFiles(container, () =>
            {
                using FileDescriptor top = FileCalls.Open(root.Directory, ".\0"u8, FileCalls.O_RDONLY | FileCalls.O_DIRECTORY);
                WritePath(top, inside, name, destination, root.View, stop);
            }), root);
        }
        catch
        {
            root.Dispose();
            throw;
        }
    }

    public async Task WriteArchiveAsync(
        string id, string path, Stream tar, ArchiveOptions options, CancellationToken cancellationToken)
    {
        Container container = Find(id);
        await container.Tree.WaitAsync(cancellationToken);
        try
        {
            _ = await WithFilesAsync(container, () => WriteArchiveAsync(container, path, tar, options, cancellationToken));
        }
        finally
        {
            container.Tree.Release();
        }
        Publish(container.Record, "extract-to-dir");
    }

    private async Task<ExtractSummary> WriteArchiveAsync(
        Container container, string path, Stream tar, ArchiveOptions options, CancellationToken cancellationToken)
    {
        using ContainerRoot root = TryOpenTree(container, toWrite: true)!;
        using FileDescriptor target = OpenTarget(container, root, path);
        CheckWritable(container.Record, Absolute(path), root.IsLive);
        await using Stream plain = await Decompression.OpenAsync(tar, cancellationToken);
        return await TreeExtractor.ExtractAsync(plain, target, new ExtractOptions
        {
            Whiteouts = WhiteoutMode.Literal,
            KeepOwners = true,
            View = root.View,
            MapOwner = options.CopyUidGid && !string.IsNullOrEmpty(container.Record.Config.User) ? OwnerOf(container.Record, root) : null,
            NoOverwriteDirNonDir = options.NoOverwriteDirectoryNonDirectory,
        }, cancellationToken);
    }

    private static Func<uint, uint, (uint Uid, uint Gid)> OwnerOf(ContainerRecord record, ContainerRoot root)
    {
        (Oci.Runtime.UserSpec user, string _) = root.ReadUsers().Resolve(record.Config.User!, []);
        return (_, _) => (user.Uid, user.Gid);
    }

    private static FileDescriptor OpenTarget(Container container, ContainerRoot root, string path)
    {
        string inside = Absolute(path);
        if (root.TryOpen(inside, FileCalls.O_RDONLY | FileCalls.O_DIRECTORY) is { } directory)
            return directory;
        using FileDescriptor? other = root.TryOpen(inside, FileCalls.O_PATH);
        throw other is null
            ? FaultException.NotFound($"Could not find the file {path} in container {container.Name}")
            : FaultException.Invalid("extraction point is not a directory");
    }

    // A read-only root, or a read-only volume below the path, is Docker's 403 before anything is written.
    private static void CheckWritable(ContainerRecord record, string path, bool isLive)
    {
        MountRecord? covering = record.Mounts.Where(mount => path == mount.Point.Destination
            || path.StartsWith(mount.Point.Destination + "/", StringComparison.Ordinal)).MaxBy(mount => mount.Point.Destination.Length);
        if (covering is { Point.ReadWrite: false })
            throw new FaultException(FaultKind.Forbidden, "mounted volume is marked read-only");
        if (covering is not null && !isLive && IsOfHost(record, covering))
        {
            throw FaultException.Conflict($"container {record.Name} has a user namespace and does not run: start it to write into "
                + $"{covering.Point.Destination}, whose owners are the host's");
        }
        if (covering is null && record.Host.ReadonlyRootfs)
            throw new FaultException(FaultKind.Forbidden, "container rootfs is marked read-only");
    }

    private static PathStat Stat(Container container, ContainerRoot root, string path)
    {
        string inside = Absolute(path);
        bool wantsDirectory = inside.Length > 1 && (inside.EndsWith('/') || inside.EndsWith("/.", StringComparison.Ordinal));
        using FileDescriptor? file = root.TryOpen(inside, FileCalls.O_PATH, followLast: wantsDirectory);
        if (file is null)
            throw FaultException.NotFound($"Could not find the file {path} in container {container.Name}");
        FileStatus status = FileCalls.Status(file);
        string link = status.IsSymbolicLink ? Encoding.UTF8.GetString(FileCalls.ReadLink(file, "\0"u8).AsSpan().TrimEnd((byte)0)) : "";
        string name = Path.GetFileName(ContainerPath.Clean(inside));
        if (link.Length > 0 && !link.StartsWith('/'))
            link = ContainerPath.Clean(Path.GetDirectoryName(ContainerPath.Clean(inside)) + "/" + link);
        return new PathStat(name.Length == 0 ? "/" : name, status.Size, (uint)status.Mode,
            DateTimeOffset.FromUnixTimeSeconds(status.Modified.Seconds).AddTicks(status.Modified.Nanoseconds / 100), link);
    }

    private static void WritePath(
        FileDescriptor root, string path, string name, Stream destination, OwnerView? view, CancellationToken stop)
    {
        if (ContainerPath.Clean(path) == "/")
            TreeArchiver.WriteTree(root, destination, new Layers.Trees.ArchiveOptions { Prefix = [], View = view }, stop);
        else
            TreeArchiver.WritePath(root, path, name, destination, new Layers.Trees.ArchiveOptions { View = view }, stop);
    }

    private static string Absolute(string path)
    {
        if (path.Contains('\0'))
            throw FaultException.Invalid("invalid path: it contains a NUL byte");
        return path.StartsWith('/') ? path : "/" + path;
    }
}
