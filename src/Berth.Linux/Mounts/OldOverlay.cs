using System.Runtime.InteropServices;
using System.Text;
using Berth.Linux.Files;

namespace Berth.Linux.Mounts;

/// <summary>Overlays of kernels before 6.7, which take all lower directories in one option of mount(2).</summary>
/// <remarks>
/// mount(2), unshare(2) CLONE_NEWNS, open_tree(2). Mounted by a thread in a mount namespace of its own that ends with it: what remains is
/// the copy that hangs nowhere, and nothing of it was ever to be seen in the process's own namespace. Directories are named by descriptors,
/// which are short enough for two hundred layers in a page and have nothing to escape.
/// </remarks>
internal static unsafe partial class OldOverlay
{
    private const int CLONE_NEWNS = 0x20000;
    private const ulong MS_RDONLY = 1, MS_REC = 16384, MS_PRIVATE = 1 << 18;
    private const int PageBytes = 4096;

    /// <summary>Mounts one.</summary>
    /// <param name="lower">Lower directories, topmost first.</param>
    /// <param name="upper">The upper directory; null for a read-only view.</param>
    /// <param name="work">The work directory.</param>
    /// <param name="more">Further options, with a comma before each.</param>
    /// <exception cref="LinuxException">The kernel's refusal; E2BIG: too many layers for it.</exception>
    public static FileDescriptor Mount(IReadOnlyList<string> lower, string? upper, string? work, string more)
    {
        FileDescriptor? tree = null;
        LinuxException? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                tree = MountApart(lower, upper, work, more);
            }
            catch (LinuxException exception)
            {
                failure = exception;
            }
        });
        thread.Start();
        thread.Join();
        return tree ?? throw failure!;
    }

    private static FileDescriptor MountApart(IReadOnlyList<string> lower, string? upper, string? work, string more)
    {
        List<FileDescriptor> open = [];
        try
        {
            string Named(string directory)
            {
                open.Add(FileCalls.Open(FileCalls.WorkingDirectory, FileCalls.PathOf(directory), FileCalls.O_PATH | FileCalls.O_DIRECTORY));
                return $"/proc/self/fd/{open[^1].Number}";
            }
            // Before they are opened: overlayfs takes directories of the caller's namespace alone.
            if (unshare(CLONE_NEWNS) != 0)
                throw LinuxException.FromLastError("unshare", "mount namespace");
            Mount("none", "/", MS_REC | MS_PRIVATE, null);
            StringBuilder options = new("lowerdir=");
            options.AppendJoin(':', lower.Select(Named));
            if (upper is not null)
                options.Append(",upperdir=").Append(Named(upper)).Append(",workdir=").Append(Named(work!));
            options.Append(more);
            if (options.Length >= PageBytes)
                throw new LinuxException("mount", $"overlay of {lower.Count} layers: Linux 6.7 takes more", Errno.E2BIG);
            // Any directory will do: nobody else is in this namespace.
            Mount("overlay", lower[0], upper is null ? MS_RDONLY : 0, options.ToString());
            return DetachedMounts.Clone(lower[0], recursive: false);
        }
        finally
        {
            open.ForEach(static descriptor => descriptor.Dispose());
        }
    }

    private static void Mount(string type, string target, ulong flags, string? options)
    {
        fixed (byte* kind = FileCalls.PathOf(type), path = FileCalls.PathOf(target), data = FileCalls.PathOf(options ?? ""))
        {
            if (mount(kind, path, kind, flags, options is null ? null : data) != 0)
                throw LinuxException.FromLastError("mount", options ?? target);
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int unshare(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int mount(byte* source, byte* target, byte* type, ulong flags, byte* data);
}
