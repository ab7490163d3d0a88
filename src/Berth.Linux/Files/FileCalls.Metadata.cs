using System.Runtime.InteropServices;

namespace Berth.Linux.Files;

// statx(2), fchown(2), fchownat(2), fchmod(2), fchmodat(2), utimensat(2), umask(2).
public static unsafe partial class FileCalls
{
    private const uint STATX_BASIC_STATS = 0x7ff;
    private const uint STATX_MNT_ID = 0x1000;
    private const int CLONE_FS = 0x200;

    /// <summary>Describes a file by name; a symbolic link at the end is not followed.</summary>
    public static int TryStatus(FileDescriptor directory, ReadOnlySpan<byte> path, out FileStatus status) =>
        TryStatus(directory, path, AT_SYMLINK_NOFOLLOW, out status);

    /// <summary>Describes a file by name.</summary>
    /// <exception cref="LinuxException">The kernel's refusal.</exception>
    public static FileStatus Status(FileDescriptor directory, ReadOnlySpan<byte> path)
    {
        ThrowIf(TryStatus(directory, path, AT_SYMLINK_NOFOLLOW, out FileStatus status), "statx", path);
        return status;
    }

    /// <summary>Describes an open file.</summary>
    /// <exception cref="LinuxException">The kernel's refusal.</exception>
    public static FileStatus Status(FileDescriptor file)
    {
        ThrowIf(TryStatus(file, "\0"u8, AT_EMPTY_PATH, out FileStatus status), "statx", "descriptor"u8);
        return status;
    }

    private static int TryStatus(FileDescriptor directory, ReadOnlySpan<byte> path, int flags, out FileStatus status)
    {
        Check(path);
        Statx raw;
        int error;
        fixed (byte* name = path)
            error = ErrorOf(statx(directory, name, flags, STATX_BASIC_STATS | STATX_MNT_ID, &raw));
        status = error != 0 ? default : new FileStatus(
            raw.Mode, raw.Uid, raw.Gid, raw.Links, (long)raw.Size, (long)raw.Blocks, raw.Inode,
            ((ulong)raw.DeviceMajor << 32) | raw.DeviceMinor, raw.RealMajor, raw.RealMinor,
            raw.Modified.Time, raw.Accessed.Time, raw.Changed.Time, raw.MountId);
        return error;
    }

    /// <summary>Sets an open file's owner; clears set-id bits.</summary>
    public static int TrySetOwner(FileDescriptor file, uint uid, uint gid) => ErrorOf(fchown(file, uid, gid));

    /// <summary>Sets an owner by name; a symbolic link at the end is changed itself.</summary>
    public static int TrySetOwner(FileDescriptor directory, ReadOnlySpan<byte> path, uint uid, uint gid)
    {
        Check(path);
        fixed (byte* name = path)
            return ErrorOf(fchownat(directory, name, uid, gid, AT_SYMLINK_NOFOLLOW));
    }

    /// <summary>Sets an open file's permission bits.</summary>
    public static int TrySetMode(FileDescriptor file, int mode) => ErrorOf(fchmod(file, (uint)mode));

    /// <summary>Sets permission bits by name; never through a symbolic link (EOPNOTSUPP).</summary>
    public static int TrySetMode(FileDescriptor directory, ReadOnlySpan<byte> path, int mode)
    {
        Check(path);
        fixed (byte* name = path)
            return ErrorOf(fchmodat(directory, name, (uint)mode, AT_SYMLINK_NOFOLLOW));
    }

    /// <summary>Sets an open file's times.</summary>
    public static int TrySetTimes(FileDescriptor file, FileTime accessed, FileTime modified)
    {
        FileTime* times = stackalloc FileTime[] { accessed, modified };
        return ErrorOf(futimens(file, times));
    }

    /// <summary>Sets times by name; a symbolic link at the end is changed itself.</summary>
    public static int TrySetTimes(FileDescriptor directory, ReadOnlySpan<byte> path, FileTime accessed, FileTime modified)
    {
        Check(path);
        FileTime* times = stackalloc FileTime[] { accessed, modified };
        fixed (byte* name = path)
            return ErrorOf(utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW));
    }

    /// <summary>
    /// Gives the calling thread a umask of its own, which is 0 from now on: modes given to open, mkdir and mknod arrive as they
    /// are, and no other thread notices. Only for a thread that ends with its work: it also leaves the process' shared working
    /// directory.
    /// </summary>
    /// <exception cref="LinuxException">The kernel's refusal of unshare(CLONE_FS), which needs no privilege.</exception>
    public static void ClearThreadUmask()
    {
        if (unshare(CLONE_FS) < 0)
            throw LinuxException.FromLastError("unshare", "CLONE_FS");
        _ = umask(0);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct StatxTime
    {
        public long Seconds;
        public uint Nanoseconds;
        public int Reserved;

        public readonly FileTime Time => new(Seconds, Nanoseconds);
    }

    // struct statx of linux/stat.h, 256 bytes.
    [StructLayout(LayoutKind.Sequential, Size = 256)]
    private struct Statx
    {
        public uint Mask;
        public uint BlockSize;
        public ulong Attributes;
        public uint Links;
        public uint Uid;
        public uint Gid;
        public ushort Mode;
        public ushort Spare;
        public ulong Inode;
        public ulong Size;
        public ulong Blocks;
        public ulong AttributesMask;
        public StatxTime Accessed;
        public StatxTime Born;
        public StatxTime Changed;
        public StatxTime Modified;
        public uint RealMajor;
        public uint RealMinor;
        public uint DeviceMajor;
        public uint DeviceMinor;
        public ulong MountId;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int statx(FileDescriptor directory, byte* path, int flags, uint mask, Statx* status);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fchown(FileDescriptor file, uint uid, uint gid);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fchownat(FileDescriptor directory, byte* path, uint uid, uint gid, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fchmod(FileDescriptor file, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fchmodat(FileDescriptor directory, byte* path, uint mode, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int futimens(FileDescriptor file, FileTime* times);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int utimensat(FileDescriptor directory, byte* path, FileTime* times, int flags);

    [LibraryImport("libc")]
    private static partial uint umask(uint mask);

    /// <summary>The user that this process acts as. geteuid(2).</summary>
    public static uint EffectiveUser => geteuid();

    /// <summary>True when this process may write to a file, or make files in a directory; false also when there is none. faccessat2(2) with
    /// AT_EACCESS.</summary>
    public static bool MayWrite(string path)
    {
        const int writable = 2, asEffective = 0x200;
        fixed (byte* name = PathOf(path))
            return faccessat(WorkingDirectory, name, writable, asEffective) == 0;
    }

    /// <summary>The group that this process acts as. getegid(2).</summary>
    public static uint EffectiveGroup => getegid();

    [LibraryImport("libc")]
    private static partial uint geteuid();

    [LibraryImport("libc")]
    private static partial int faccessat(FileDescriptor directory, byte* path, int mode, int flags);

    [LibraryImport("libc")]
    private static partial uint getegid();

    [LibraryImport("libc", SetLastError = true)]
    private static partial int unshare(int flags);
}
