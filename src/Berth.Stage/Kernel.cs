using System.Runtime.InteropServices;

namespace Berth.Stage;

/// <summary>Constants of the kernel that the stage uses (linux/mount.h, fcntl.h, sched.h, …), some names shortened.</summary>
internal static class K
{
    public const int AtCwd = -100;
    public const int EPERM = 1, ENOENT = 2, EINTR = 4, EIO = 5, E2BIG = 7, EBADF = 9, EAGAIN = 11, EACCES = 13, EEXIST = 17, ENOTDIR = 20;
    public const int EISDIR = 21, EINVAL = 22, ETIMEDOUT = 110, ENOSYS = 38, ELOOP = 40, EPIPE = 32, ENOEXEC = 8, EPROTO = 71;
    public const int ENAMETOOLONG = 36;

    public const int O_WRONLY = 1, O_RDWR = 2, O_CREAT = 0x40, O_EXCL = 0x80, O_NOCTTY = 0x100, O_TRUNC = 0x200, O_APPEND = 0x400;
    public const int O_NONBLOCK = 0x800, O_DIRECTORY = 0x10000, O_NOFOLLOW = 0x20000, O_CLOEXEC = 0x80000, O_PATH = 0x200000;

    public const ulong RESOLVE_NO_XDEV = 1, RESOLVE_NO_MAGICLINKS = 2, RESOLVE_NO_SYMLINKS = 4, RESOLVE_BENEATH = 8;
    public const ulong RESOLVE_IN_ROOT = 16;

    public const uint AT_EMPTY_PATH = 0x1000, AT_RECURSIVE = 0x8000, OPEN_TREE_CLONE = 1, OPEN_TREE_CLOEXEC = 0x80000;
    public const uint MOVE_MOUNT_EMPTY = 0x4 | 0x40;
    public const uint FSCONFIG_SET_FLAG = 0, FSCONFIG_SET_STRING = 1, FSCONFIG_CMD_CREATE = 6;

    public const ulong MS_BIND = 4096, MS_REC = 16384, MS_PRIVATE = 1 << 18, MS_SLAVE = 1 << 19, MS_SHARED = 1 << 20;
    public const ulong MS_REMOUNT = 32, MS_RDONLY = 1;
    public const uint MOUNT_ATTR_RDONLY = 1, MOUNT_ATTR_NOSUID = 2, MOUNT_ATTR_NODEV = 4, MOUNT_ATTR_NOEXEC = 8;
    public const uint MOUNT_ATTR_IDMAP = 0x100000;

    public const ulong CLONE_NEWNS = 0x20000, CLONE_NEWCGROUP = 0x02000000, CLONE_NEWUTS = 0x04000000, CLONE_NEWIPC = 0x08000000;
    public const ulong CLONE_NEWUSER = 0x10000000, CLONE_NEWPID = 0x20000000, CLONE_NEWNET = 0x40000000;
    public const ulong CLONE_INTO_CGROUP = 0x200000000, CLONE_NEWTIME = 0x80, CLONE_PARENT = 0x8000;

    public const int S_IFMT = 0xF000, S_IFDIR = 0x4000, S_IFCHR = 0x2000, S_IFREG = 0x8000, S_IFLNK = 0xA000;

    public const int SIGCHLD = 17, SIGKILL = 9;
    public const int MFD_CLOEXEC = 1;
    public const int PR_SET_DUMPABLE = 4, PR_SET_KEEPCAPS = 8, PR_SET_NAME = 15, PR_CAPBSET_DROP = 24;
    public const int PR_SET_CHILD_SUBREAPER = 36, PR_SET_NO_NEW_PRIVS = 38, PR_CAP_AMBIENT = 47;

    public const ulong TIOCSCTTY = 0x540E, TIOCSPGRP = 0x5410, TIOCSWINSZ = 0x5414, TIOCSPTLCK = 0x40045431;
    public const ulong TIOCGPTPEER = 0x5441, TIOCGPTN = 0x80045430;
    public const int POLLIN = 1, POLLPRI = 2, POLLOUT = 4, POLLERR = 8, POLLHUP = 16;
}

#pragma warning disable CS0649, CS0169, IDE0044, IDE0051 // Filled by the kernel, padded for it.
[StructLayout(LayoutKind.Sequential)]
internal struct Stat
{
    public ulong Device, Inode, Links;
    public uint Mode, User, Group, Padding;
    public ulong SpecialDevice;
    public long Size, BlockSize, Blocks;
    public ulong A, B, C, D, E, F, G, H, I;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KernelSignalAction
{
    public void* Handler;
    public ulong Flags;
    public void* Restorer;
    public ulong Mask;
}

[StructLayout(LayoutKind.Sequential)]
internal struct CloneArguments
{
    public ulong Flags, PidFd, ChildTid, ParentTid, ExitSignal, Stack, StackSize, Tls, SetTid, SetTidSize, Cgroup;
}

[StructLayout(LayoutKind.Sequential)]
internal struct OpenHow
{
    public ulong Flags, Mode, Resolve;
}

[StructLayout(LayoutKind.Sequential)]
internal struct MountAttributes
{
    public ulong Set, Clear, Propagation, UserNamespace;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Vector
{
    public void* Base;
    public long Length;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct MessageHeader
{
    public void* Name;
    public uint NameLength;
    public Vector* Vectors;
    public long VectorCount;
    public void* Control;
    public long ControlLength;
    public int Flags;
}

[StructLayout(LayoutKind.Sequential)]
internal struct ControlRights
{
    public long Length;
    public int Level, Type;
    public int Descriptor, Padding;
}

[StructLayout(LayoutKind.Sequential)]
internal struct PollEntry
{
    public int Descriptor;
    public short Events, Returned;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct FilterProgram
{
    public ushort Length;
    public byte* Filter;
}

[StructLayout(LayoutKind.Sequential)]
internal struct SignalInfo
{
    public uint Number;
    public int Errno, Code;
    public uint Pid, User;
    public int Descriptor;
    public uint A, B, C, D;
    public int Status;
}

[StructLayout(LayoutKind.Sequential, Size = 128)]
internal struct SignalInfoKernel
{
    public int Number, Errno, Code;
}
#pragma warning restore CS0649, CS0169, IDE0044, IDE0051
