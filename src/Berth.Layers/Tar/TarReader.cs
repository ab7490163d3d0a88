using System.Text;
using Berth.Faults;
using Berth.Linux.Files;

namespace Berth.Layers.Tar;

/// <summary>Reads an uncompressed tar entry by entry: v7, ustar, PAX and GNU, with all their sparse forms. Names stay bytes.</summary>
/// <remarks>
/// Synchronous: it runs where the stream's bytes are worked on. For one thread at a time. Call <see cref="Next"/>, then take the
/// entry's data by <see cref="TryReadData"/> (no copy) or <see cref="OpenData"/>, or not at all. The stream stays the caller's.
/// Data may end behind two zero blocks or, as many archives in the wild do, with the stream; what follows the end is left
/// unread. Failures to read the archive are faults of kind InvalidArgument.
/// </remarks>
public sealed class TarReader
{
    private readonly ByteSource _source;
    private readonly TarLimits _limits;
    private PaxValues? _global;
    private int _entries;
    private bool _ended;
    private string _where = "first header";
    private IReadOnlyList<TarRegion>? _regions;
    private int _region;
    private long _regionDone;
    private long _unread;
    private long _padding;

    /// <summary>Reads from a stream, which is not disposed.</summary>
    public TarReader(Stream stream, TarLimits? limits = null) : this(new StreamSource(stream), limits) { }

    /// <summary>Reads an archive that is in memory: a dense file's data is one piece of it, never copied.</summary>
    public TarReader(ReadOnlyMemory<byte> archive, TarLimits? limits = null) : this(new MemorySource(archive), limits) { }

    internal TarReader(ByteSource source, TarLimits? limits = null) =>
        (_source, _limits) = (source, limits ?? TarLimits.Default);

    /// <summary>The next entry, or null at the end. What was not read of the entry before is skipped.</summary>
    /// <exception cref="FaultException">InvalidArgument: the archive is malformed, cut short or beyond a limit.</exception>
    public TarEntry? Next()
    {
        if (_ended)
            return null;
        return Guard(static reader =>
        {
            reader.SkipRest();
            TarEntry? entry = reader.ReadEntry();
            reader._ended = entry is null;
            if (entry is not null && ++reader._entries > reader._limits.EntriesMax)
                throw new InvalidDataException($"there are more than {reader._limits.EntriesMax} entries");
            return entry;
        });
    }

    /// <summary>The next piece of the current entry's data, valid until the next call; false when there is no more.</summary>
    /// <param name="offset">Where in the file the piece belongs: pieces of a sparse file leave holes.</param>
    /// <param name="data">The piece, never empty.</param>
    /// <exception cref="FaultException">InvalidArgument: the archive is cut short.</exception>
    public bool TryReadData(out long offset, out ReadOnlySpan<byte> data)
    {
        offset = 0;
        data = default;
        while (_regions is not null && _region < _regions.Count && _regions[_region].Length == _regionDone)
            (_region, _regionDone) = (_region + 1, 0);
        if (_unread == 0)
            return false;
        ReadOnlySpan<byte> piece = Peek();
        TarRegion region = _regions is null ? new TarRegion(0, _regionDone + _unread) : _regions[_region];
        int count = (int)Math.Min(piece.Length, region.Length - _regionDone);
        data = piece[..count];
        offset = region.Offset + _regionDone;
        _regionDone += count;
        _unread -= count;
        _source.Skip(count);
        return true;
    }

    /// <summary>The current entry's data with its holes as zeros; ends with the next call of <see cref="Next"/>.</summary>
    public Stream OpenData(TarEntry entry) => new TarDataStream(this, entry.Size);

    /// <summary>All that is left of the current dense entry's data, without a copy when the archive is in memory.</summary>
    /// <exception cref="FaultException">InvalidArgument: the archive is cut short.</exception>
    public ReadOnlyMemory<byte> ReadWhole()
    {
        ReadOnlyMemory<byte> piece = _source.PeekMemory();
        if (piece.Length >= _unread && _regions is null)
        {
            int count = (int)_unread;
            (_regionDone, _unread) = (_regionDone + _unread, 0);
            _source.Skip(count);
            return piece[..count];
        }
        byte[] bytes = new byte[_unread];
        for (int length = 0; TryReadData(out _, out ReadOnlySpan<byte> data); length += data.Length)
            data.CopyTo(bytes.AsSpan(length));
        return bytes;
    }

    private ReadOnlySpan<byte> Peek()
    {
        ReadOnlySpan<byte> piece = _source.Peek();
        return piece.IsEmpty ? throw CutShort(null) : piece;
    }

    private void SkipRest()
    {
        for (long left = _unread + _padding; left > 0;)
        {
            ReadOnlySpan<byte> piece = _source.Peek();
            // The padding of the very last entry is missing in some archives.
            if (piece.IsEmpty && left <= _padding)
                break;
            if (piece.IsEmpty)
                throw new EndOfStreamException();
            int count = (int)Math.Min(left, piece.Length);
            _source.Skip(count);
            left -= count;
        }
        (_unread, _padding, _regions, _region, _regionDone) = (0, 0, null, 0, 0);
    }

    private TarEntry? ReadEntry()
    {
        PaxValues? values = null;
        Span<byte> block = stackalloc byte[TarHeader.BlockBytes];
        // One entry has a handful of extended headers; without a bound an archive of nothing else would never yield.
        for (int headers = 0; headers < 64; headers++)
        {
            if (!_source.TryRead(block))
                return values is null ? null : throw new EndOfStreamException();
            if (!block.ContainsAnyExcept((byte)0))
                return values is null ? null : throw new InvalidDataException("the archive ends behind an extended header");
            TarHeader header = new(block);
            if (!header.HasRightChecksum())
                throw new InvalidDataException("the header's checksum is wrong: this is not a tar or it is damaged");
            if (!TryReadExtended(header, ref values))
                return MakeEntry(header, values ?? new PaxValues(_global));
        }
        throw new InvalidDataException("too many extended headers in a row");
    }

    private bool TryReadExtended(TarHeader header, ref PaxValues? values)
    {
        switch (header.Type)
        {
            case (byte)'x' or (byte)'X':
                values ??= new PaxValues(_global);
                values.Read(ReadExtended(header.Size), _limits);
                return true;
            case (byte)'g':
                _global = new PaxValues(_global);
                _global.Read(ReadExtended(header.Size), _limits);
                return true;
            case (byte)'L':
                values ??= new PaxValues(_global);
                values.SetPath(UntilNul(ReadExtended(header.Size)));
                return true;
            case (byte)'K':
                values ??= new PaxValues(_global);
                values.SetLinkPath(UntilNul(ReadExtended(header.Size)));
                return true;
            case (byte)'V': // GNU's volume label.
                return true;
            default:
                return false;
        }
    }

    private byte[] ReadExtended(long size)
    {
        if (size < 0 || size > _limits.ExtendedHeaderBytesMax)
            throw new InvalidDataException($"an extended header has {size} bytes, more than {_limits.ExtendedHeaderBytesMax}");
        byte[] content = new byte[Padded(size)];
        if (content.Length > 0 && !_source.TryRead(content))
            throw new EndOfStreamException();
        return content[..(int)size];
    }

    private TarEntry MakeEntry(TarHeader header, PaxValues values)
    {
        byte[] path = values.Path ?? JoinPrefix(header.Prefix, header.Name);
        TarEntryType type = TypeOf(header.Type, path);
        // hard links carry their target's size in some archives, and no data.
        long stored = type == TarEntryType.RegularFile || header.Type == 'D' ? values.Number("size") ?? header.Size : 0;
        if (stored < 0 || stored > _limits.FileBytesMax)
            throw new InvalidDataException($"size {stored} is negative or more than {_limits.FileBytesMax}");
        (_unread, _padding) = (stored, Padded(stored) - stored);
        long size = type == TarEntryType.RegularFile ? stored : 0;
        List<TarRegion>? regions = type == TarEntryType.RegularFile ? ReadSparse(header, values, ref path, ref size) : null;
        (_regions, _region, _regionDone) = (regions, 0, 0);
        byte[] target = type is TarEntryType.SymbolicLink or TarEntryType.HardLink
            ? values.LinkPath ?? header.LinkName.ToArray() : [];
        if (path.Length >= _limits.PathBytesMax || target.Length >= _limits.PathBytesMax)
            throw new InvalidDataException($"a path has more than {_limits.PathBytesMax - 1} bytes");
        _where = $"after \"{Clip(path)}\"";
        return new TarEntry
        {
            Type = type, Path = path, LinkTarget = target, Size = size, Regions = regions,
            Mode = (int)(header.Mode & 0xFFF),
            Uid = Id(values.Number("uid") ?? header.Uid, "uid"), Gid = Id(values.Number("gid") ?? header.Gid, "gid"),
            UserName = values.Text("uname") ?? Encoding.UTF8.GetString(header.UserName),
            GroupName = values.Text("gname") ?? Encoding.UTF8.GetString(header.GroupName),
            Modified = values.Time("mtime") ?? new FileTime(header.Modified, 0),
            DeviceMajor = IsDevice(type) ? Id(header.DeviceMajor, "device major") : 0,
            DeviceMinor = IsDevice(type) ? Id(header.DeviceMinor, "device minor") : 0,
            Attributes = values.Attributes,
        };
    }

    private List<TarRegion>? ReadSparse(TarHeader header, PaxValues values, ref byte[] path, ref long size)
    {
        List<TarRegion>? regions = null;
        if (header.Type == 'S')
        {
            regions = SparseMaps.ReadOld(_source, header, _limits);
            size = header.SparseRealSize;
        }
        else if (values.Number("GNU.sparse.major") == 1)
        {
            (regions, long mapBytes) = SparseMaps.ReadLeading(_source, Padded(_unread), _limits);
            if (mapBytes > _unread)
                throw new InvalidDataException("sparse map goes beyond the entry's data");
            _unread -= mapBytes;
        }
        else if (values.Bytes("GNU.sparse.map") is { } list)
        {
            regions = SparseMaps.ReadList(list, _limits);
        }
        else if (values.SparseRegions is { } pairs)
        {
            regions = pairs;
        }
        if (regions is null)
            return null;
        path = values.Bytes("GNU.sparse.name") is { } name && !name.Contains((byte)0) ? name : path;
        size = values.Number("GNU.sparse.realsize") ?? values.Number("GNU.sparse.size") ?? size;
        if (size < 0 || size > _limits.FileBytesMax)
            throw new InvalidDataException($"size {size} is negative or more than {_limits.FileBytesMax}");
        return SparseMaps.Validate(regions, size, _unread);
    }

    private static TarEntryType TypeOf(byte flag, byte[] path) => (char)flag switch
    {
        // Before POSIX a directory was a file whose name ends in a slash.
        '\0' or '0' or '7' => path is [.., (byte)'/'] ? TarEntryType.Directory : TarEntryType.RegularFile,
        'S' => TarEntryType.RegularFile,
        'D' => TarEntryType.Directory,
        >= '1' and <= '6' => (TarEntryType)flag,
        _ => throw new InvalidDataException($"entry \"{Clip(path)}\" is of the unknown type 0x{flag:x2}"),
    };

    private static byte[] JoinPrefix(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> name) =>
        prefix.IsEmpty ? name.ToArray() : [.. prefix, (byte)'/', .. name];

    private static byte[] UntilNul(byte[] text) => text.AsSpan().IndexOf((byte)0) is >= 0 and var end ? text[..end] : text;

    // 4294967295 is "no change" to chown(2) and never an owner.
    private static uint Id(long value, string what) => value is >= 0 and < uint.MaxValue
        ? (uint)value : throw new InvalidDataException($"{what} {value} is negative or beyond 32 bits");

    private static bool IsDevice(TarEntryType type) => type is TarEntryType.CharacterDevice or TarEntryType.BlockDevice;

    private static long Padded(long size) => (size + TarHeader.BlockBytes - 1) & ~(TarHeader.BlockBytes - 1L);

    private static string Clip(byte[] path) => Encoding.UTF8.GetString(path.AsSpan(0, Math.Min(path.Length, 200)));

    private TarEntry? Guard(Func<TarReader, TarEntry?> read)
    {
        try
        {
            return read(this);
        }
        catch (Exception cause) when (cause is InvalidDataException or OverflowException)
        {
            throw FaultException.Invalid($"read tar: {_where}: {cause.Message}", cause);
        }
        catch (EndOfStreamException cause)
        {
            throw CutShort(cause);
        }
    }

    private FaultException CutShort(Exception? cause) =>
        FaultException.Invalid($"read tar: {_where}: the archive is cut short: unexpected EOF", cause);
}
