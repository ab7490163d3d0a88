using Berth.Faults;
using Berth.Layers;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Mounts;

namespace Berth.Builder.Files;

/// <summary>
/// A writable layer seen as the whole tree it stands for, through a mount that hangs nowhere: the kernel merges, copies up and
/// makes whiteouts, and nothing is left behind, whatever happens to this process.
/// </summary>
internal sealed class TargetTree(FileDescriptor root) : IDisposable
{
    private const ulong InRoot = FileCalls.RESOLVE_IN_ROOT | FileCalls.RESOLVE_NO_MAGICLINKS;

    public FileDescriptor Root => root;

    /// <summary>Opens a layer's tree for writing.</summary>
    /// <param name="layer">The layer, not mounted elsewhere.</param>
    /// <param name="alone">Only what the layer itself holds: for COPY --link, which must not depend on what is below.</param>
    public static TargetTree Open(WritableLayer layer, bool alone)
    {
        if (alone || layer.IsPlainDirectory || layer.LowerDirectories.Count == 0)
            return new TargetTree(FileCalls.OpenDirectory(layer.UpperDirectory));
        return new TargetTree(DetachedMounts.Overlay(layer.LowerDirectories, layer.UpperDirectory, layer.WorkDirectory));
    }

    /// <summary>Opens a chain's tree for reading.</summary>
    public static FileDescriptor OpenForReading(IReadOnlyList<string> directories, string emptyDirectory) => directories.Count switch
    {
        0 => FileCalls.OpenDirectory(emptyDirectory),
        1 => FileCalls.OpenDirectory(directories[0]),
        _ => DetachedMounts.Overlay(directories, upper: null, work: null),
    };

    public void Dispose() => root.Dispose();

    /// <summary>What a path names, links followed inside the root; null when there is nothing.</summary>
    public FileStatus? Status(string path)
    {
        using FileDescriptor? opened = TryOpen(path, FileCalls.O_PATH);
        return opened is null ? null : FileCalls.Status(opened);
    }

    /// <summary>Opens a path inside the root; null when it is not there.</summary>
    public FileDescriptor? TryOpen(string path, int flags)
    {
        int error = FileCalls.TryOpen(root, FileCalls.PathOf(Relative(path)), flags, 0, InRoot, out FileDescriptor opened);
        if (error == 0)
            return opened;
        opened.Dispose();
        return error is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP ? null : throw new LinuxException("openat2", path, error);
    }

    /// <summary>Opens a directory, making it and those above it where missing.</summary>
    /// <param name="path">Absolute in the tree.</param>
    /// <param name="mode">Of those made.</param>
    /// <param name="owner">Of those made.</param>
    /// <param name="made">True when the last one was not there.</param>
    /// <exception cref="FaultException">InvalidArgument: something on the way is not a directory.</exception>
    public FileDescriptor MakeDirectories(string path, int mode, Owner owner, out bool made)
    {
        made = false;
        string done = "";
        foreach (string part in Relative(path).Split('/', StringSplitOptions.RemoveEmptyEntries).Where(part => part != "."))
        {
            string next = done.Length == 0 ? part : $"{done}/{part}";
            FileStatus? status = Status(next);
            made = status is null;
            if (status is null)
                MakeDirectory(done, part, mode, owner);
            else if (!status.Value.IsDirectory)
                throw FaultException.Invalid($"mkdir /{next}: not a directory");
            done = next;
        }
        return TryOpen(done, FileCalls.O_RDONLY | FileCalls.O_DIRECTORY)
            ?? throw FaultException.Invalid($"mkdir {path}: too many levels of symbolic links");
    }

    private void MakeDirectory(string parent, string name, int mode, Owner owner)
    {
        using FileDescriptor directory = TryOpen(parent, FileCalls.O_PATH | FileCalls.O_DIRECTORY)
            ?? throw FaultException.Invalid($"mkdir /{parent}: not a directory");
        byte[] entry = FileCalls.PathOf(name);
        int error = FileCalls.TryMakeDirectory(directory, entry, mode);
        if (error == Errno.EEXIST) // A link that leads nowhere.
            throw FaultException.Invalid($"mkdir /{parent}/{name}: a dangling symbolic link is in the way");
        Check(error, "mkdir", name);
        Check(FileCalls.TrySetOwner(directory, entry, owner.Uid, owner.Gid), "chown", name);
        using FileDescriptor made = FileCalls.Open(directory, entry, FileCalls.O_RDONLY | FileCalls.O_DIRECTORY | FileCalls.O_NOFOLLOW);
        Check(FileCalls.TrySetMode(made, mode), "chmod", name);
    }

    /// <summary>Throws for a refusal, with the disk being full as its own kind.</summary>
    public static void Check(int error, string call, string what)
    {
        if (error is Errno.ENOSPC or Errno.EDQUOT)
            throw FaultException.Unavailable($"{call} {what}: no space left on device: free some space and try again");
        if (error != 0)
            throw new LinuxException(call, what, error);
    }

    private static string Relative(string path)
    {
        string relative = path.TrimStart('/');
        return relative.Length == 0 ? "." : relative;
    }
}

/// <summary>Owner of files, as numbers.</summary>
internal readonly record struct Owner(uint Uid, uint Gid);
