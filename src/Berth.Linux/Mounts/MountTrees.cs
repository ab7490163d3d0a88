using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Berth.Linux.Files;

namespace Berth.Linux.Mounts;

/// <summary>A mount that is to hang in a tree of mounts.</summary>
/// <param name="Mount">The detached mount.</param>
/// <param name="OpenTarget">Opens what it hangs on, when all before it hang.</param>
public sealed record HungMount(FileDescriptor Mount, Func<FileDescriptor> OpenTarget);

/// <summary>Trees of detached mounts: one mount with others hung into it, that nobody sees who has not the descriptor.</summary>
/// <remarks>unshare(2) CLONE_NEWNS, mount(2) MS_PRIVATE, move_mount(2), open_tree(2). Before Linux 6.15 nothing can be hung into a
/// mount that hangs nowhere. So it is done by a thread in a mount namespace of its own that ends with the work; what is left is a copy
/// of the tree.</remarks>
public static unsafe partial class MountTrees
{
    private const int CLONE_NEWNS = 0x20000;
    private const ulong MS_REC = 16384, MS_PRIVATE = 1 << 18;

    /// <summary>Hangs mounts into a detached one.</summary>
    /// <param name="root">The mount that the others hang in.</param>
    /// <param name="place">Any directory; in the process's own namespace nothing happens to it.</param>
    /// <param name="mounts">What hangs in it, parents first.</param>
    /// <returns>The root of the tree, gone with its descriptor.</returns>
    /// <exception cref="LinuxException">The kernel's refusal; EINVAL: a directory and a file cannot hang on each other.</exception>
    public static FileDescriptor Combine(FileDescriptor root, string place, IReadOnlyList<HungMount> mounts)
    {
        FileDescriptor? tree = null;
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                tree = CombineApart(root, place, mounts);
            }
#pragma warning disable CA1031 // This is the top of a thread: the caller gets the exception.
            catch (Exception exception)
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }
#pragma warning restore CA1031
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
        return tree!;
    }

    private static FileDescriptor CombineApart(FileDescriptor root, string place, IReadOnlyList<HungMount> mounts)
    {
        if (unshare(CLONE_NEWNS) != 0)
            throw LinuxException.FromLastError("unshare", "mount namespace");
        fixed (byte* none = "none\0"u8, top = "/\0"u8)
        {
            if (mount(none, top, null, MS_REC | MS_PRIVATE, null) != 0)
                throw LinuxException.FromLastError("mount", "/");
        }
        DetachedMounts.Attach(root, place);
        foreach (HungMount hung in mounts)
        {
            using FileDescriptor target = hung.OpenTarget();
            DetachedMounts.Attach(hung.Mount, target);
        }
        return DetachedMounts.Clone($"/proc/self/fd/{root.Number}", recursive: true);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int unshare(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int mount(byte* source, byte* target, byte* type, ulong flags, void* data);
}
