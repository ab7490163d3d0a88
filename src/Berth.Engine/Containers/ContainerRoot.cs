using Berth.Engine.Users;
using Berth.Faults;
using Berth.Layers;
using Berth.Layers.Trees;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Mounts;
using Berth.Runtime;

namespace Berth.Engine;

/// <summary>A container's tree, reached through one descriptor: everything below it is resolved by the kernel in that root, so that
/// no link in it leads out.</summary>
internal sealed class ContainerRoot : IDisposable
{
    // A layer without others below it is a plain directory; others are mounted.
    private readonly bool _isMount;

    private ContainerRoot(FileDescriptor directory, OwnerView? view = null, bool isLive = false, bool isMount = false) =>
        (Directory, View, IsLive, _isMount) = (directory, view, isLive, isMount);

    public FileDescriptor Directory { get; }

    /// <summary>Whether it is what the processes of a running container see.</summary>
    public bool IsLive { get; }

    /// <summary>Who is who when its files show the owners of outside, as those of a running container with a user namespace do; else null.
    /// </summary>
    public OwnerView? View { get; }

    /// <summary>The tree of a running container as its processes see it, mounts included.</summary>
    /// <exception cref="FaultException">Conflict: the process has just ended.</exception>
    public static ContainerRoot OfProcess(IContainer running, UserMaps? maps)
    {
        int error = FileCalls.TryOpen(FileCalls.WorkingDirectory, FileCalls.PathOf($"/proc/{running.Pid}/root"),
            FileCalls.O_PATH | FileCalls.O_DIRECTORY, 0, 0, out FileDescriptor directory);
        // The number is the container's only while its first process is there: another process that got it has another root, the host's.
        if (error == 0 && running.TrySignal(0))
            return new ContainerRoot(directory, maps?.View, isLive: true);
        directory.Dispose();
        throw FaultException.Conflict($"open container root: process {running.Pid} has ended");
    }

    /// <summary>The tree of a container that does not run, to be read, by a mount that nobody else sees. It has no upper layer, so that
    /// it is nothing to a start that mounts the same meanwhile.</summary>
    /// <exception cref="LinuxException">The kernel's refusal; ENOENT: it has been removed.</exception>
    public static ContainerRoot OfLayer(WritableLayer layer) => IsOneDirectory(layer)
        ? new ContainerRoot(FileCalls.OpenDirectory(layer.UpperDirectory))
        : new ContainerRoot(
            DetachedMounts.Overlay([layer.UpperDirectory, .. layer.LowerDirectories], upper: null, work: null), isMount: true);

    /// <summary>As <see cref="OfLayer"/>, to be written: whoever asks keeps everybody else from doing the same.</summary>
    /// <exception cref="LinuxException">As for <see cref="OfLayer"/>.</exception>
    public static ContainerRoot OfLayerToWrite(WritableLayer layer) => IsOneDirectory(layer)
        ? new ContainerRoot(FileCalls.OpenDirectory(layer.UpperDirectory))
        : new ContainerRoot(DetachedMounts.Overlay(layer.LowerDirectories, layer.UpperDirectory, layer.WorkDirectory), isMount: true);

    /// <summary>The same with mounts hung into it, which nobody else sees. Nothing else is to be done with this one afterwards.</summary>
    /// <param name="place">Any directory.</param>
    /// <param name="mounts">What hangs in it, parents first.</param>
    /// <exception cref="LinuxException">The kernel's refusal.</exception>
    public ContainerRoot With(string place, IReadOnlyList<HungMount> mounts)
    {
        if (_isMount)
            return new ContainerRoot(MountTrees.Combine(Directory, place, mounts), View);
        using FileDescriptor top = DetachedMounts.Clone($"/proc/self/fd/{Directory.Number}", recursive: false);
        return new ContainerRoot(MountTrees.Combine(top, place, mounts), View);
    }

    private static bool IsOneDirectory(WritableLayer layer) => layer.IsPlainDirectory || layer.LowerDirectories.Count == 0;

    /// <summary>Opens a path in the root; null when it is not there.</summary>
    public FileDescriptor? TryOpen(string path, int flags, bool followLast = true)
    {
        int error = FileCalls.TryOpen(Directory, FileCalls.PathOf(path), followLast ? flags : flags | FileCalls.O_NOFOLLOW, 0,
            FileCalls.RESOLVE_IN_ROOT | FileCalls.RESOLVE_NO_MAGICLINKS, out FileDescriptor file);
        if (error == 0)
            return file;
        return error is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP ? null : throw new LinuxException("openat2", path, error);
    }

    /// <summary>Reads the users and groups of the tree.</summary>
    public UserDatabase ReadUsers() => new(ReadSmall("/etc/passwd"), ReadSmall("/etc/group"));

    public void Dispose() => Directory.Dispose();

    private byte[] ReadSmall(string path)
    {
        // A device, a FIFO, a link that leads nowhere: as if there were none.
        int error = FileCalls.TryOpenRegular(Directory, FileCalls.PathOf(path), 0,
            FileCalls.RESOLVE_IN_ROOT | FileCalls.RESOLVE_NO_MAGICLINKS, out FileDescriptor file);
        using FileDescriptor opened = file;
        if (error != 0)
            return [];
        byte[] content = new byte[(int)Math.Min(FileCalls.Status(file).Size, UserDatabase.BytesMax)];
        int length = 0;
        while (length < content.Length && FileCalls.Read(file, content.AsSpan(length)) is > 0 and int count)
            length += count;
        return content[..length];
    }
}
