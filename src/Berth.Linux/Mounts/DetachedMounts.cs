using System.Runtime.InteropServices;
using Berth.Linux.Files;
using Berth.Linux.Processes;

namespace Berth.Linux.Mounts;

/// <summary>Mounts that hang nowhere: reached through their descriptor alone, and gone with it, also after a crash.</summary>
/// <remarks>fsopen(2), fsconfig(2), fsmount(2), move_mount(2), Linux 5.2; umount2(2). Needs CAP_SYS_ADMIN.</remarks>
public static unsafe partial class DetachedMounts
{
    /// <summary>umount2(2) MNT_DETACH: gone from the tree at once, for good when nobody uses it any more.</summary>
    public const int MNT_DETACH = 2;

    private const int FSCONFIG_SET_FLAG = 0;
    private const int FSCONFIG_SET_STRING = 1;
    private const int FSCONFIG_CMD_CREATE = 6;
    private const uint FSOPEN_CLOEXEC = 1;
    private const uint FSMOUNT_CLOEXEC = 1;
    private const uint MOUNT_ATTR_RDONLY = 1;
    private const uint MOUNT_ATTR_NOSUID = 2;
    private const uint MOUNT_ATTR_NODEV = 4;
    private const uint MOVE_MOUNT_F_EMPTY_PATH = 4;
    private const uint MOVE_MOUNT_T_EMPTY_PATH = 0x40;
    private const uint MOUNT_ATTR_NOEXEC = 8;
    private const ulong MOUNT_ATTR_IDMAP = 0x100000;
    private const nuint AT_EMPTY_PATH = 0x1000, AT_RECURSIVE = 0x8000;
    private const long MountSetAttrNumber = 442;
    private const long OpenTreeNumber = 428;
    private const long MoveMountNumber = 429;
    private const long FsOpenNumber = 430;
    private const long FsConfigNumber = 431;
    private const long FsMountNumber = 432;

    /// <summary>Mounts overlayfs.</summary>
    /// <param name="lower">Lower directories, topmost first.</param>
    /// <param name="upper">The upper directory; null makes a read-only view, which needs two lower directories at least.</param>
    /// <param name="work">The work directory, on the upper's file system.</param>
    /// <returns>The mount's root, an O_PATH descriptor.</returns>
    /// <exception cref="LinuxException">The kernel's refusal, with the option it refused; E2BIG before Linux 6.7: too many
    /// layers.</exception>
    public static FileDescriptor Overlay(IReadOnlyList<string> lower, string? upper, string? work)
    {
        // Layers hold whole files and no references to other layers: what is written here must be complete by itself. With attributes of
        // users the kernel follows none, and refuses "off".
        (string Name, string Value)[] rules =
            [("metacopy", "off"), ("redirect_dir", UserNamespace.IsInitial ? "off" : "nofollow"), ("index", "off")];
        using FileDescriptor context = OpenContext("overlay");
        bool isOld = TakesAnything(context);
        foreach (string directory in lower)
        {
            int error = isOld ? Errno.EINVAL : TrySetString(context, "lowerdir+", directory);
            if (error == Errno.EINVAL && ReferenceEquals(directory, lower[0]))
            {
                string more = string.Concat(rules.Select(static rule => $",{rule.Name}={rule.Value}"));
                return OldOverlay.Mount(lower, upper, work, UserNamespace.IsInitial ? more : more + ",userxattr");
            }
            if (error != 0)
                throw new LinuxException("fsconfig", $"lowerdir+={directory}", error);
        }
        if (upper is not null)
        {
            SetString(context, "upperdir", upper);
            SetString(context, "workdir", work!);
        }
        foreach ((string name, string value) in rules)
            SetString(context, name, value);
        KeepMarksAsUser(context);
        return Mount(context, upper is null ? MOUNT_ATTR_RDONLY : 0);
    }

    /// <summary>What a directory holds, without any way to write to it, for whoever has the descriptor.</summary>
    /// <remarks>An overlay without an upper layer is read-only as a file system and stays so: unlike a read-only bind mount, nobody can
    /// take that back. It takes two layers; the second is empty.</remarks>
    /// <exception cref="LinuxException">The kernel's refusal: EINVAL before Linux 6.7, or too many overlays on each other.</exception>
    public static FileDescriptor ReadOnlyView(string directory)
    {
        using FileDescriptor empty = Tmpfs(4096);
        using FileDescriptor context = OpenContext("overlay");
        if (TakesAnything(context))
            throw new LinuxException("fsconfig", $"lowerdir+={directory}", Errno.EINVAL);
        SetString(context, "lowerdir+", directory);
        SetString(context, "lowerdir+", $"/proc/self/fd/{empty.Number}");
        KeepMarksAsUser(context);
        return Mount(context, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID);
    }

    /// <summary>A copy of what is mounted at a path.</summary>
    /// <param name="path">The path.</param>
    /// <param name="recursive">With what is mounted below.</param>
    /// <exception cref="LinuxException">The kernel's refusal.</exception>
    public static FileDescriptor Clone(string path, bool recursive)
    {
        const nuint clone = 1, closeOnExec = 0x80000;
        fixed (byte* name = FileCalls.PathOf(path))
        {
            long result = syscall3(OpenTreeNumber, FileCalls.WorkingDirectory, name, clone | closeOnExec | (recursive ? AT_RECURSIVE : 0));
            return result < 0 ? throw LinuxException.FromLastError("open_tree", path) : new FileDescriptor((int)result);
        }
    }

    /// <summary>Shows a mount's owners through a user namespace's maps.</summary>
    /// <exception cref="LinuxException">EINVAL: its file system cannot be mapped.</exception>
    /// <remarks>mount_setattr(2) MOUNT_ATTR_IDMAP, Linux 5.12.</remarks>
    public static void MapOwners(FileDescriptor mount, FileDescriptor userNamespace, bool recursive)
    {
        ulong* attributes = stackalloc ulong[4];
        (attributes[0], attributes[1], attributes[2]) = (MOUNT_ATTR_IDMAP, 0, 0);
        attributes[3] = (ulong)userNamespace.Number;
        fixed (byte* empty = "\0"u8)
        {
            nuint flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
            if (syscall5(MountSetAttrNumber, mount, empty, flags, attributes, 4 * sizeof(ulong)) < 0)
                throw LinuxException.FromLastError("mount_setattr", "MOUNT_ATTR_IDMAP");
        }
    }

    /// <summary>Makes a detached mount read-only.</summary>
    /// <param name="mount">The mount.</param>
    /// <param name="recursive">With what is mounted below.</param>
    /// <exception cref="LinuxException">The kernel's refusal.</exception>
    /// <remarks>mount_setattr(2) MOUNT_ATTR_RDONLY, Linux 5.12.</remarks>
    public static void MakeReadOnly(FileDescriptor mount, bool recursive)
    {
        ulong* attributes = stackalloc ulong[4];
        (attributes[0], attributes[1], attributes[2], attributes[3]) = (MOUNT_ATTR_RDONLY, 0, 0, 0);
        fixed (byte* empty = "\0"u8)
        {
            nuint flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
            if (syscall5(MountSetAttrNumber, mount, empty, flags, attributes, 4 * sizeof(ulong)) < 0)
                throw LinuxException.FromLastError("mount_setattr", "MOUNT_ATTR_RDONLY");
        }
    }

    /// <summary>Mounts an empty tmpfs of root's own (mode 0700).</summary>
    /// <param name="sizeBytes">How much it may hold.</param>
    /// <exception cref="LinuxException">The kernel's refusal.</exception>
    public static FileDescriptor Tmpfs(long sizeBytes)
    {
        using FileDescriptor context = OpenContext("tmpfs");
        SetString(context, "size", sizeBytes.ToString());
        SetString(context, "mode", "0700");
        return Mount(context, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    }

    /// <summary>Mounts an empty tmpfs for everybody (mode 1777), as a <c>/dev/shm</c> is.</summary>
    /// <param name="sizeBytes">How much it may hold.</param>
    /// <exception cref="LinuxException">The kernel's refusal.</exception>
    public static FileDescriptor SharedMemory(long sizeBytes)
    {
        using FileDescriptor context = OpenContext("tmpfs");
        SetString(context, "source", "shm");
        SetString(context, "size", sizeBytes.ToString());
        SetString(context, "mode", "1777");
        return Mount(context, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    }

    /// <summary>Hangs a detached mount onto an existing directory of this mount namespace.</summary>
    /// <exception cref="LinuxException">The kernel's refusal.</exception>
    public static void Attach(FileDescriptor mount, string directory)
    {
        fixed (byte* empty = "\0"u8, target = FileCalls.PathOf(directory))
        {
            if (syscall5(MoveMountNumber, mount, empty, FileCalls.WorkingDirectory, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
                throw LinuxException.FromLastError("move_mount", directory);
        }
    }

    /// <summary>Hangs a detached mount onto an open directory or file of this mount namespace.</summary>
    /// <exception cref="LinuxException">The kernel's refusal; EINVAL: one is a directory and the other is not.</exception>
    public static void Attach(FileDescriptor mount, FileDescriptor target)
    {
        fixed (byte* empty = "\0"u8)
        {
            if (syscall5(MoveMountNumber, mount, empty, target, empty, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
                throw LinuxException.FromLastError("move_mount", "an open directory");
        }
    }

    /// <summary>Takes a mount off a directory; false when none was there.</summary>
    /// <exception cref="LinuxException">The kernel's refusal.</exception>
    public static bool Unmount(string directory, int flags)
    {
        fixed (byte* target = FileCalls.PathOf(directory))
        {
            if (umount2(target, flags) == 0)
                return true;
        }
        return Marshal.GetLastPInvokeError() is Errno.EINVAL or Errno.ENOENT
            ? false : throw LinuxException.FromLastError("umount2", directory);
    }

    private static FileDescriptor OpenContext(string type)
    {
        fixed (byte* name = FileCalls.PathOf(type))
        {
            long result = syscall2(FsOpenNumber, name, FSOPEN_CLOEXEC);
            return result < 0 ? throw LinuxException.FromLastError("fsopen", type) : new FileDescriptor((int)result);
        }
    }

    // Before Linux 6.5 overlayfs is configured by one text, which is looked at only when it is mounted: until then any option is taken,
    // also one without its value.
    private static bool TakesAnything(FileDescriptor overlay)
    {
        fixed (byte* name = FileCalls.PathOf("lowerdir+"))
            return syscall5(FsConfigNumber, overlay, FSCONFIG_SET_FLAG, name, null, 0) == 0;
    }

    // Trusted attributes, where overlayfs keeps its marks, are for the machine's root alone.
    private static void KeepMarksAsUser(FileDescriptor context)
    {
        if (UserNamespace.IsInitial)
            return;
        fixed (byte* name = FileCalls.PathOf("userxattr"))
        {
            if (syscall5(FsConfigNumber, context, FSCONFIG_SET_FLAG, name, null, 0) < 0)
                throw LinuxException.FromLastError("fsconfig", "userxattr");
        }
    }

    private static void SetString(FileDescriptor context, string key, string value)
    {
        int error = TrySetString(context, key, value);
        if (error != 0)
            throw new LinuxException("fsconfig", $"{key}={value}", error);
    }

    private static int TrySetString(FileDescriptor context, string key, string value)
    {
        fixed (byte* name = FileCalls.PathOf(key), text = FileCalls.PathOf(value))
            return syscall5(FsConfigNumber, context, FSCONFIG_SET_STRING, name, text, 0) < 0 ? Marshal.GetLastPInvokeError() : 0;
    }

    private static FileDescriptor Mount(FileDescriptor context, uint attributes)
    {
        if (syscall5(FsConfigNumber, context, FSCONFIG_CMD_CREATE, null, null, 0) < 0)
            throw LinuxException.FromLastError("fsconfig", "FSCONFIG_CMD_CREATE");
        long result = syscall3(FsMountNumber, context, FSMOUNT_CLOEXEC, attributes);
        return result < 0 ? throw LinuxException.FromLastError("fsmount", "") : new FileDescriptor((int)result);
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long syscall2(long number, byte* name, nuint flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long syscall3(long number, FileDescriptor descriptor, nuint flags, nuint attributes);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long syscall3(long number, FileDescriptor directory, byte* path, nuint flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long syscall5(
        long number, FileDescriptor directory, byte* path, nuint flags, ulong* attributes, nuint size);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long syscall5(
        long number, FileDescriptor descriptor, nuint command, byte* key, byte* value, nuint extra);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long syscall5(
        long number, FileDescriptor from, byte* fromPath, FileDescriptor to, byte* toPath, nuint flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int umount2(byte* target, int flags);
}
