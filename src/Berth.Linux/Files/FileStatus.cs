namespace Berth.Linux.Files;

/// <summary>What statx(2) says about one file.</summary>
/// <param name="Mode">S_IF type and permission bits.</param>
/// <param name="Uid">Owner.</param>
/// <param name="Gid">Group.</param>
/// <param name="Links">Number of names.</param>
/// <param name="Size">Bytes of a regular file, length of a link's text.</param>
/// <param name="Blocks">Units of 512 bytes on disk.</param>
/// <param name="Inode">Unique on its device.</param>
/// <param name="Device">Device the file is on, packed major and minor.</param>
/// <param name="RealMajor">Major number of a device node.</param>
/// <param name="RealMinor">Minor number of a device node.</param>
/// <param name="Modified">Last change of the content.</param>
/// <param name="Accessed">Last read.</param>
/// <param name="Changed">Last change of content or attributes.</param>
/// <param name="MountId">The mount it was reached through.</param>
public readonly record struct FileStatus(
    int Mode, uint Uid, uint Gid, uint Links, long Size, long Blocks, ulong Inode, ulong Device, uint RealMajor, uint RealMinor,
    FileTime Modified, FileTime Accessed, FileTime Changed, ulong MountId)
{
    /// <summary>The S_IF part of the mode.</summary>
    public int Type => Mode & FileCalls.S_IFMT;

    /// <summary>The permission and set-id bits.</summary>
    public int Permissions => Mode & 0xFFF;

    /// <summary>True for a directory.</summary>
    public bool IsDirectory => Type == FileCalls.S_IFDIR;

    /// <summary>True for a regular file.</summary>
    public bool IsRegular => Type == FileCalls.S_IFREG;

    /// <summary>True for a symbolic link.</summary>
    public bool IsSymbolicLink => Type == FileCalls.S_IFLNK;

    /// <summary>True for the character device 0:0, which is a whiteout in an overlayfs layer.</summary>
    public bool IsOverlayWhiteout => Type == FileCalls.S_IFCHR && RealMajor == 0 && RealMinor == 0;
}
