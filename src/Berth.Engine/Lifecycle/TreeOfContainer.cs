using Berth.Engine.State;
using Berth.Faults;
using Berth.Layers;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Mounts;

namespace Berth.Engine;

internal sealed partial class ContainerService
{
    /// <summary>The tree as of now with its volumes and bind mounts, to be read.</summary>
    private async Task<ContainerRoot> OpenTreeAsync(Container container, CancellationToken cancellationToken)
    {
        if (TryOpenTree(container, toWrite: false) is { } root)
            return root;
        // One that never ran has nothing yet that its mounts could hang on.
        await container.Tree.WaitAsync(cancellationToken);
        try
        {
            TryOpenTree(container, toWrite: true)!.Dispose();
        }
        finally
        {
            container.Tree.Release();
        }
        return TryOpenTree(container, toWrite: false)
            ?? throw FaultException.Conflict($"container {container.Name}: what its volumes are mounted on has just been removed");
    }

    /// <summary>The same; null where it is to be read and there is nothing that a mount could hang on.</summary>
    /// <param name="container">The container.</param>
    /// <param name="toWrite">Files are to be written, by one who holds <see cref="Container.Tree"/>. Then mount points are made.</param>
    private ContainerRoot? TryOpenTree(Container container, bool toWrite)
    {
        ContainerRoot root = OpenRoot(container, toWrite);
        List<HungMount> hung = [];
        bool isMissing = false;
        try
        {
            if (root.IsLive)
                return root;
            foreach (MountRecord mount in container.Record.Mounts.OrderBy(static mount => mount.Point.Destination.Count('/')))
            {
                if (CloneOf(container.Record, mount) is not { } clone)
                    continue;
                string destination = mount.Point.Destination;
                hung.Add(new HungMount(clone, () => Fitting(
                    container, destination, clone, root.TryOpen(destination, FileCalls.O_PATH) ?? MakePoint(clone, destination))));
            }
            if (hung.Count == 0)
                return root;
            ContainerRoot bare = root;
            root = bare.With(parts.ContainerDirectory(container.Id), hung);
            bare.Dispose();
            return root;
        }
        catch
        {
            root.Dispose();
            if (isMissing)
                return null;
            throw;
        }
        finally
        {
            hung.ForEach(static mount => mount.Mount.Dispose());
        }

        FileDescriptor MakePoint(FileDescriptor clone, string destination)
        {
            isMissing = !toWrite;
            return isMissing ? throw new LinuxException("openat2", destination, Errno.ENOENT)
                : MakeMountPoint(root, destination, FileCalls.Status(clone).IsDirectory);
        }
    }

    private static FileDescriptor Fitting(Container container, string destination, FileDescriptor mount, FileDescriptor target)
    {
        if (FileCalls.Status(mount).IsDirectory == FileCalls.Status(target).IsDirectory)
            return target;
        target.Dispose();
        throw FaultException.Invalid($"container {container.Name}: what is to be mounted on {destination} is a directory and that is a "
            + "file, or the reverse: check the source of the mount");
    }

    /// <summary>What a start would mount, as a detached mount; null for what is nothing without a container that runs.</summary>
    private FileDescriptor? CloneOf(ContainerRecord record, MountRecord mount)
    {
        MountPoint point = mount.Point;
        if (point.Type == "image")
        {
            IReadOnlyList<string> layers = LayersOf(mount).Directories;
            // Of a view nothing smaller can be cloned.
            return layers.Count == 1 ? Clone(layers[0], mount, isReadOnly: true)
                : mount.Subpath.Length == 0 ? DetachedMounts.Overlay(layers, upper: null, work: null) : null;
        }
        if (point.Type == "tmpfs")
            return null;
        string source = point.Source;
        if (point.Type == "volume" && volumes.TryGet(point.Name) is { } volume)
        {
            if (LocalVolumeOptions.TmpfsOptions(volume) is not null)
                return null;
            source = LocalVolumeOptions.BoundDirectory(volume) ?? volume.Mountpoint;
        }
        else if (mount.Options.Contains("create") && !Path.Exists(source))
            Directory.CreateDirectory(source);
        if (!Path.Exists(source))
            throw FaultException.Invalid($"invalid mount config for type \"bind\": bind source path does not exist: {source}");
        return Clone(source, mount, !point.ReadWrite || IsOfHost(record, mount));
    }

    private static FileDescriptor Clone(string source, MountRecord mount, bool isReadOnly)
    {
        FileDescriptor? part = null;
        if (mount.Subpath.Length > 0)
        {
            VolumePaths.CheckSubpath(source, mount.Subpath);
            using FileDescriptor whole = FileCalls.OpenDirectory(source);
            part = FileCalls.Open(whole, FileCalls.PathOf(mount.Subpath), FileCalls.O_PATH,
                resolve: FileCalls.RESOLVE_BENEATH | FileCalls.RESOLVE_NO_SYMLINKS);
        }
        using (part)
        {
            FileDescriptor clone = DetachedMounts.Clone(part is null ? source : $"/proc/self/fd/{part.Number}", !mount.NonRecursive);
            if (isReadOnly)
                DetachedMounts.MakeReadOnly(clone, !mount.NonRecursive);
            return clone;
        }
    }

    // Its owners are the host's, which a container with a user namespace has nothing to do with: what would be written would be root's.
    private static bool IsOfHost(ContainerRecord record, MountRecord mount) => record.UserMaps is not null && mount.Point.Type == "bind"
        && !mount.Options.Contains(UserNamespaceRules.BindOption);

    // Component by component, each resolved in the root: a link in it leads nowhere else.
    private static FileDescriptor MakeMountPoint(ContainerRoot root, string path, bool isDirectory)
    {
        string parent = "/";
        string[] names = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        for (int i = 0; i < names.Length; i++)
        {
            string whole = parent.TrimEnd('/') + "/" + names[i];
            using FileDescriptor? there = root.TryOpen(whole, FileCalls.O_PATH);
            if (there is null)
            {
                using FileDescriptor directory = root.TryOpen(parent, FileCalls.O_PATH | FileCalls.O_DIRECTORY)
                    ?? throw new LinuxException("openat2", parent, Errno.ENOTDIR);
                const int directoryMode = 0x1ED, regularFile = 0x8000 | 0x1A4;
                int error = isDirectory || i < names.Length - 1
                    ? FileCalls.TryMakeDirectory(directory, FileCalls.PathOf(names[i]), directoryMode)
                    : FileCalls.TryMakeNode(directory, FileCalls.PathOf(names[i]), regularFile, 0, 0);
                if (error != 0)
                    throw new LinuxException("mkdirat", whole, error);
            }
            parent = whole;
        }
        return root.TryOpen(path, FileCalls.O_PATH) ?? throw new LinuxException("openat2", path, Errno.ENOTDIR);
    }
}
