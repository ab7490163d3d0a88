using Berth.Layers;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Mounts;

namespace Berth.Engine.Mounts;

/// <summary>The few mounts of containers that the host sees, because more than one container looks at them: shared memory that others
/// join, and images mounted as directories. They end with the container, and what a crash left is swept when an engine opens.</summary>
internal sealed class HostMounts(EngineParts parts)
{
    /// <summary>Where the shared memory of a container is while it runs.</summary>
    public string SharedMemoryOf(string id) => Path.Combine(DirectoryOf(id), "shm");

    /// <summary>Mounts shared memory that other containers may join.</summary>
    public string MakeSharedMemory(string id, long sizeBytes)
    {
        using FileDescriptor mount = DetachedMounts.SharedMemory(sizeBytes);
        return Hang(mount, SharedMemoryOf(id));
    }

    /// <summary>A directory with the files of an image, read-only.</summary>
    public string MakeView(string id, int number, Layer top)
    {
        IReadOnlyList<string> directories = top.Directories;
        if (directories.Count == 1)
            return directories[0];
        using FileDescriptor mount = DetachedMounts.Overlay(directories, upper: null, work: null);
        return Hang(mount, Path.Combine(DirectoryOf(id), $"image{number}"));
    }

    /// <summary>Takes a container's mounts away. Containers that joined them keep what they have.</summary>
    public void Remove(string id)
    {
        string directory = DirectoryOf(id);
        if (!Directory.Exists(directory))
            return;
        foreach (string mount in Directory.EnumerateDirectories(directory))
        {
            while (DetachedMounts.Unmount(mount, DetachedMounts.MNT_DETACH))
            {
                // One may lie on another after a crash between two starts.
            }
            Directory.Delete(mount);
        }
        Directory.Delete(directory);
    }

    /// <summary>Removes those of containers that do not run.</summary>
    public void Sweep(IReadOnlySet<string> running)
    {
        if (!Directory.Exists(Root))
            return;
        foreach (string id in Directory.EnumerateDirectories(Root).Select(path => Path.GetFileName(path)!).ToArray())
            if (!running.Contains(id))
                Remove(id);
    }

    private string Root => Path.Combine(parts.Options.ExecRoot, "mounts");

    private string DirectoryOf(string id) => Path.Combine(Root, id);

    private static string Hang(FileDescriptor mount, string directory)
    {
        Directory.CreateDirectory(directory);
        DetachedMounts.Attach(mount, directory);
        return directory;
    }
}
