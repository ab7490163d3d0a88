using System.Text;
using Berth.Linux.Files;

namespace Berth.Layers.Tar;

/// <summary>What a tar entry is; the values are those of the header's typeflag.</summary>
public enum TarEntryType
{
    /// <summary>A regular file, sparse ones included.</summary>
    RegularFile = '0',

    /// <summary>Another name of an entry before it.</summary>
    HardLink = '1',

    /// <summary>A symbolic link.</summary>
    SymbolicLink = '2',

    /// <summary>A character device.</summary>
    CharacterDevice = '3',

    /// <summary>A block device.</summary>
    BlockDevice = '4',

    /// <summary>A directory.</summary>
    Directory = '5',

    /// <summary>A named pipe.</summary>
    Fifo = '6',
}

/// <summary>A stretch of a sparse file that has data; between them it reads as zeros.</summary>
/// <param name="Offset">Where it begins in the file.</param>
/// <param name="Length">Its bytes.</param>
public readonly record struct TarRegion(long Offset, long Length);

/// <summary>An extended attribute.</summary>
/// <param name="Name">With its namespace, such as <c>security.capability</c>.</param>
/// <param name="Value">Its bytes.</param>
public readonly record struct TarAttribute(byte[] Name, byte[] Value);

/// <summary>One entry of a tar, without its data. Names are bytes: nothing promises that they are UTF-8.</summary>
public sealed record TarEntry
{
    /// <summary>What it is.</summary>
    public required TarEntryType Type { get; init; }

    /// <summary>Its path as written in the archive: may be absolute, may climb. Never holds a NUL.</summary>
    public required byte[] Path { get; init; }

    /// <summary>Where a link points; empty for others. Never holds a NUL.</summary>
    public byte[] LinkTarget { get; init; } = [];

    /// <summary>Permission and set-id bits, 0 to 07777.</summary>
    public int Mode { get; init; }

    /// <summary>Owner.</summary>
    public uint Uid { get; init; }

    /// <summary>Group.</summary>
    public uint Gid { get; init; }

    /// <summary>The owner's name; often empty and never needed.</summary>
    public string UserName { get; init; } = "";

    /// <summary>The group's name; often empty and never needed.</summary>
    public string GroupName { get; init; } = "";

    /// <summary>Bytes of a regular file with its holes; 0 for others.</summary>
    public long Size { get; init; }

    /// <summary>Last change of the content.</summary>
    public FileTime Modified { get; init; }

    /// <summary>Major number of a device.</summary>
    public uint DeviceMajor { get; init; }

    /// <summary>Minor number of a device.</summary>
    public uint DeviceMinor { get; init; }

    /// <summary>Extended attributes.</summary>
    public IReadOnlyList<TarAttribute> Attributes { get; init; } = [];

    /// <summary>Where a sparse file has data; null for a dense file.</summary>
    public IReadOnlyList<TarRegion>? Regions { get; init; }

    /// <summary><see cref="Path"/> as text; bytes that are not UTF-8 become replacement characters.</summary>
    public string PathText => Encoding.UTF8.GetString(Path);

    /// <summary><see cref="LinkTarget"/> as text; bytes that are not UTF-8 become replacement characters.</summary>
    public string LinkTargetText => Encoding.UTF8.GetString(LinkTarget);
}
