using Berth.Layers.Tar;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Layers.Trees;

/// <summary>Writes single files of a tree into a tar: metadata, attributes, data, hard links among what was written.</summary>
internal sealed class EntryArchiver(TarWriter writer, ArchiveOptions options)
{
    private readonly Dictionary<(ulong Device, ulong Inode), byte[]> _firstNames = [];

    /// <summary>Writes one entry; sockets are left out, as they mean nothing without their process.</summary>
    /// <param name="parent">The directory it is in.</param>
    /// <param name="name">Its name there, with NUL.</param>
    /// <param name="path">Its path in the archive, without a slash at the end.</param>
    /// <param name="status">What it is.</param>
    public void Write(FileDescriptor parent, ReadOnlySpan<byte> name, byte[] path, FileStatus status)
    {
        if (status.Type == FileCalls.S_IFSOCK)
            return;
        TarEntry entry = Describe(path, status) with { Attributes = ReadAttributes(parent, name) };
        if (!status.IsDirectory && status.Links > 1 && !_firstNames.TryAdd((status.Device, status.Inode), path))
        {
            byte[] first = _firstNames[(status.Device, status.Inode)];
            writer.Write(entry with { Type = TarEntryType.HardLink, LinkTarget = first, Attributes = [], Size = 0 });
            return;
        }
        if (status.IsSymbolicLink)
            writer.Write(entry with { LinkTarget = FileCalls.ReadLink(parent, name) });
        else if (status.IsRegular)
            WriteFile(parent, name, entry);
        else
            writer.Write(entry);
    }

    /// <summary>Writes an empty file that means something by its name.</summary>
    public void WriteMarker(byte[] path) =>
        writer.Write(new TarEntry { Type = TarEntryType.RegularFile, Path = path, Mode = 0x180 });

    private TarEntry Describe(byte[] path, FileStatus status) => new()
    {
        Type = status.Type switch
        {
            FileCalls.S_IFDIR => TarEntryType.Directory,
            FileCalls.S_IFLNK => TarEntryType.SymbolicLink,
            FileCalls.S_IFCHR => TarEntryType.CharacterDevice,
            FileCalls.S_IFBLK => TarEntryType.BlockDevice,
            FileCalls.S_IFIFO => TarEntryType.Fifo,
            _ => TarEntryType.RegularFile,
        },
        Path = status.IsDirectory ? [.. path, (byte)'/'] : path,
        Mode = status.Permissions, Uid = OwnerOf(status).Uid, Gid = OwnerOf(status).Gid,
        Size = status.IsRegular ? status.Size : 0,
        Modified = options.KeepFractions ? status.Modified : status.Modified with { Nanoseconds = 0 },
        DeviceMajor = status.RealMajor, DeviceMinor = status.RealMinor,
    };

    private (uint Uid, uint Gid) OwnerOf(FileStatus status) =>
        options.View is { } view ? view.Inside(status.Uid, status.Gid) : (status.Uid, status.Gid);

    private byte[] ValueOf(byte[] name, byte[] value) => options.View is { } view && name.AsSpan().SequenceEqual(FileCapabilities.Name)
        ? FileCapabilities.Of(value, view.RootUser) : value;

    private List<TarAttribute> ReadAttributes(FileDescriptor parent, ReadOnlySpan<byte> name)
    {
        List<TarAttribute> attributes = [];
        foreach (byte[] key in FileCalls.ListAttributes(parent, name))
        {
            byte[] bare = key[..^1];
            if (OverlayNames.IsImageAttribute(bare) && FileCalls.GetAttribute(parent, name, key) is { } value)
                attributes.Add(new TarAttribute(bare, ValueOf(bare, value)));
        }
        attributes.Sort(static (left, right) => left.Name.AsSpan().SequenceCompareTo(right.Name));
        return attributes;
    }

    private void WriteFile(FileDescriptor parent, ReadOnlySpan<byte> name, TarEntry entry)
    {
        int error = FileCalls.TryOpenRegular(parent, name, FileCalls.O_NOFOLLOW, 0, out FileDescriptor file);
        using (file)
        {
            if (error is Errno.ENOENT or Errno.ELOOP or Errno.ENXIO)
                return; // Gone or replaced since it was described.
            if (error != 0)
                throw new LinuxException("openat2", FileCalls.TextOf(name), error);
            long size = FileCalls.Status(file).Size;
            writer.Write(entry with { Size = size });
            for (long left = size; left > 0;)
            {
                Span<byte> space = writer.DataSpace();
                int count = FileCalls.Read(file, space);
                if (count == 0)
                {
                    // It shrank while it was read; its size is written already, and zeros keep the archive whole.
                    count = space.Length;
                    space.Clear();
                }
                writer.DataWritten(count);
                left -= count;
            }
        }
    }
}
