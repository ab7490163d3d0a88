using System.Reflection;
using System.Runtime.InteropServices;
using Berth.Linux.Files;
using Berth.Linux.Processes;

namespace Berth.Linux.Tests;

internal static class FileHeaders
{
    public static HeaderTable Constants => new HeaderTable(
            "fcntl.h", "linux/openat2.h", "sys/stat.h", "unistd.h", "sys/file.h", "sys/mman.h", "sched.h", "linux/falloc.h",
            "linux/limits.h", "sys/syscall.h")
        .Add(typeof(FileCalls))
        .Add("O_DIRECTORY", FileCalls.O_DIRECTORY)
        .Add("O_NOFOLLOW", FileCalls.O_NOFOLLOW)
        .Add("O_TMPFILE", FileCalls.O_TMPFILE)
        .Add("AT_FDCWD", FileCalls.WorkingDirectory.DangerousGetHandle())
        .Add("UTIME_OMIT", FileTime.Omit.Nanoseconds)
        .Add("SYS_openat2", Hidden(typeof(FileCalls), "OpenAt2Number"))
        .Add("STATX_BASIC_STATS", Hidden(typeof(FileCalls), "STATX_BASIC_STATS"))
        .Add("STATX_MNT_ID", Hidden(typeof(FileCalls), "STATX_MNT_ID"))
        .Add("CLONE_FS", Hidden(typeof(FileCalls), "CLONE_FS"))
        .Add("XATTR_SIZE_MAX", Hidden(typeof(FileCalls), "AttributeBytesMax"))
        .Add("XATTR_LIST_MAX", Hidden(typeof(FileCalls), "AttributeBytesMax"))
        .Add("MFD_CLOEXEC", Hidden(typeof(MemoryFile), "MFD_CLOEXEC"))
        .Add("MFD_ALLOW_SEALING", Hidden(typeof(MemoryFile), "MFD_ALLOW_SEALING"))
        .Add("MADV_DONTNEED", Hidden(typeof(ProgramPages), "MADV_DONTNEED"))
        .Add("F_ADD_SEALS", Hidden(typeof(MemoryFile), "F_ADD_SEALS"))
        .Add("F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE", Hidden(typeof(MemoryFile), "SealAll"));

    public static HeaderTable Structures => new HeaderTable(
            "fcntl.h", "linux/openat2.h", "sys/stat.h", "dirent.h", "time.h")
        .With("struct open_how", typeof(FileCalls), "OpenHow", ("Flags", "flags"), ("Mode", "mode"), ("Resolve", "resolve"))
        .With("struct statx_timestamp", typeof(FileCalls), "StatxTime", ("Seconds", "tv_sec"), ("Nanoseconds", "tv_nsec"))
        .With("struct statx", typeof(FileCalls), "Statx",
            ("Mask", "stx_mask"), ("BlockSize", "stx_blksize"), ("Attributes", "stx_attributes"), ("Links", "stx_nlink"),
            ("Uid", "stx_uid"), ("Gid", "stx_gid"), ("Mode", "stx_mode"), ("Inode", "stx_ino"), ("Size", "stx_size"),
            ("Blocks", "stx_blocks"), ("AttributesMask", "stx_attributes_mask"), ("Accessed", "stx_atime"), ("Born", "stx_btime"),
            ("Changed", "stx_ctime"), ("Modified", "stx_mtime"), ("RealMajor", "stx_rdev_major"), ("RealMinor", "stx_rdev_minor"),
            ("DeviceMajor", "stx_dev_major"), ("DeviceMinor", "stx_dev_minor"), ("MountId", "stx_mnt_id"))
        .Add("sizeof(struct timespec)", Marshal.SizeOf<FileTime>())
        .Add("offsetof(struct timespec, tv_nsec)", 8)
        // getdents64's records are read by these numbers.
        .Add("offsetof(struct dirent64, d_reclen)", 16)
        .Add("offsetof(struct dirent64, d_name)", 19);

    private static HeaderTable With(
        this HeaderTable table, string theirs, Type owner, string ours, params (string Field, string Member)[] members)
    {
        Type type = owner.GetNestedType(ours, BindingFlags.NonPublic)!;
        table.Add($"sizeof({theirs})", Marshal.SizeOf(type));
        foreach ((string field, string member) in members)
            table.Add($"offsetof({theirs}, {member})", Marshal.OffsetOf(type, field));
        return table;
    }

    private static long Hidden(Type owner, string name) => Convert.ToInt64(
        owner.GetField(name, BindingFlags.NonPublic | BindingFlags.Static)!.GetRawConstantValue(), null);
}
