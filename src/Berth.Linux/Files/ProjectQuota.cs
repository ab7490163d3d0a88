using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Berth.Linux.Files;

/// <summary>Limits what directories, and all that is made below them, take of a file system: one of its projects.</summary>
/// <remarks>quotactl(2), quotactl_fd (Linux 5.14), ioctl_fs(2) FS_IOC_FSSETXATTR; xfs with the mount option <c>pquota</c>, and ext4 with
/// the feature <c>project</c> and <c>prjquota</c>.</remarks>
public static unsafe partial class ProjectQuota
{
    private const nuint FS_IOC_FSGETXATTR = 0x801C581F, FS_IOC_FSSETXATTR = 0x401C5820;
    private const uint FS_XFLAG_PROJINHERIT = 0x200;
    private const int Q_XGETQUOTA = 0x5803, Q_XSETQLIM = 0x5804;
    private const int PRJQUOTA = 2;
    private const sbyte FS_DQUOT_VERSION = 1, FS_PROJ_QUOTA = 2;
    private const ushort FS_DQ_BHARD = 8;
    private const long QuotaNumber = 443;

    // Limits are in blocks of this many bytes, whatever the file system's own are.
    private const int BlockBytes = 512;

    // Numbers below are left to administrators, who count from one in /etc/projid.
    private const int LeastProject = 1 << 20;
    private const int TriesMax = 100;

    /// <summary>Begins a project.</summary>
    /// <param name="directories">Empty directories of one file system.</param>
    /// <param name="bytesMax">What they may take together.</param>
    /// <returns>The project's number, which no other on that file system has.</returns>
    /// <exception cref="LinuxException">ESRCH, EOPNOTSUPP, ENOSYS, …: the file system or the kernel has no such quotas, or they are not
    /// switched on. EPERM: not root of the machine.</exception>
    public static uint Begin(IReadOnlyList<string> directories, long bytesMax)
    {
        using FileDescriptor first = FileCalls.OpenDirectory(directories[0]);
        uint project = FreeProject(first, directories[0]);
        SetLimit(first, directories[0], project, (ulong)bytesMax / BlockBytes);
        try
        {
            foreach (string path in directories)
                Join(path, project);
        }
        catch (LinuxException)
        {
            SetLimit(first, directories[0], project, 0);
            throw;
        }
        return project;
    }

    /// <summary>Ends a project whose files are gone.</summary>
    /// <param name="directory">Any of the file system.</param>
    /// <param name="project">Its number.</param>
    public static void End(string directory, uint project)
    {
        using FileDescriptor file = FileCalls.OpenDirectory(directory);
        SetLimit(file, directory, project, 0);
    }

    // By chance and looked at: several engines may have their data on one file system.
    private static uint FreeProject(FileDescriptor file, string path)
    {
        for (int tries = 0; ; tries++)
        {
            uint project = (uint)RandomNumberGenerator.GetInt32(LeastProject, int.MaxValue);
            Quota quota = default;
            int error = Call(file, Q_XGETQUOTA, project, &quota);
            if (error == Errno.ENOENT || (error == 0 && quota is { BlocksMax: 0, Blocks: 0, Inodes: 0 }))
                return project;
            if (error != 0 || tries == TriesMax)
                throw new LinuxException("quotactl_fd", path, error);
        }
    }

    private static void SetLimit(FileDescriptor file, string path, uint project, ulong blocks)
    {
        Quota quota = new()
        {
            Version = FS_DQUOT_VERSION, Flags = FS_PROJ_QUOTA, Fields = FS_DQ_BHARD, Id = project, BlocksMax = blocks,
        };
        int error = Call(file, Q_XSETQLIM, project, &quota);
        if (error != 0)
            throw new LinuxException("quotactl_fd", path, error);
    }

    private static void Join(string path, uint project)
    {
        using FileDescriptor directory = FileCalls.OpenDirectory(path);
        Attributes attributes = default;
        if (ioctl(directory, FS_IOC_FSGETXATTR, &attributes) != 0)
            throw LinuxException.FromLastError("FS_IOC_FSGETXATTR", path);
        attributes.Project = project;
        attributes.Flags |= FS_XFLAG_PROJINHERIT;
        if (ioctl(directory, FS_IOC_FSSETXATTR, &attributes) != 0)
            throw LinuxException.FromLastError("FS_IOC_FSSETXATTR", path);
    }

    private static int Call(FileDescriptor file, int command, uint project, Quota* quota) =>
        syscall(QuotaNumber, file, ((uint)command << 8) | PRJQUOTA, project, quota) == 0 ? 0 : Marshal.GetLastPInvokeError();

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(FileDescriptor file, nuint request, Attributes* attributes);

    [LibraryImport("libc", SetLastError = true)]
    private static partial long syscall(long number, FileDescriptor file, ulong command, ulong id, Quota* quota);

    // struct fsxattr
    [StructLayout(LayoutKind.Sequential, Pack = 4)]
    private struct Attributes
    {
        public uint Flags;
        public uint ExtentSize;
        public uint Extents;
        public uint Project;
        public uint CopyExtentSize;
        public ulong Padding;
    }

    // struct fs_disk_quota
    [StructLayout(LayoutKind.Sequential)]
    private struct Quota
    {
        public sbyte Version;
        public sbyte Flags;
        public ushort Fields;
        public uint Id;
        public ulong BlocksMax;
        public ulong BlocksSoft;
        public ulong InodesMax;
        public ulong InodesSoft;
        public ulong Blocks;
        public ulong Inodes;
        public int InodeTimer;
        public int BlockTimer;
        public ushort InodeWarnings;
        public ushort BlockWarnings;
        public uint Timers;
        public ulong RealtimeBlocksMax;
        public ulong RealtimeBlocksSoft;
        public ulong RealtimeBlocks;
        public int RealtimeTimer;
        public ushort RealtimeWarnings;
        public short Padding3;
        public ulong Padding4;
    }
}
