using System.Text;
using Berth.Linux.Files;

namespace Berth.Layers.Tar;

/// <summary>What extended headers say about the next entry, over what its own header says.</summary>
internal sealed class PaxValues
{
    private const string AttributePrefix = "SCHILY.xattr.";

    // More than any file system keeps for one file (XATTR_LIST_MAX is 64 KiB of names); looking for doubles is quadratic.
    private const int AttributesMax = 1000;
    private readonly Dictionary<string, byte[]> _values = [];
    private readonly List<TarAttribute> _attributes = [];

    public byte[]? Path { get; private set; }
    public byte[]? LinkPath { get; private set; }
    public IReadOnlyList<TarAttribute> Attributes => _attributes;
    public List<TarRegion>? SparseRegions { get; private set; }
    private long _sparseOffset = -1;

    public PaxValues() { }

    /// <summary>Begins with what a global header said.</summary>
    public PaxValues(PaxValues? global)
    {
        if (global is null)
            return;
        (Path, LinkPath) = (global.Path, global.LinkPath);
        _attributes.AddRange(global._attributes);
        foreach ((string key, byte[] value) in global._values)
            _values[key] = value;
    }

    public void SetPath(byte[] path) => Path = path;

    public void SetLinkPath(byte[] path) => LinkPath = path;

    /// <exception cref="InvalidDataException">A record is malformed.</exception>
    public void Read(ReadOnlySpan<byte> header, TarLimits limits)
    {
        PaxRecords records = new(header);
        while (records.TryRead(out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value))
        {
            if (key.StartsWith("SCHILY.xattr."u8))
                SetAttribute(key[AttributePrefix.Length..].ToArray(), value.ToArray());
            else
                Set(Encoding.UTF8.GetString(key), value, limits);
        }
    }

    public long? Number(string key) =>
        _values.TryGetValue(key, out byte[]? value) ? TarNumbers.ParseDecimal(value, "PAX " + key) : null;

    public FileTime? Time(string key) => _values.TryGetValue(key, out byte[]? value) ? TarNumbers.ParseTime(value) : null;

    public byte[]? Bytes(string key) => _values.GetValueOrDefault(key);

    public string? Text(string key) => Bytes(key) is { } value ? Encoding.UTF8.GetString(value) : null;

    private void Set(string key, ReadOnlySpan<byte> value, TarLimits limits)
    {
        switch (key)
        {
            case "path":
                Path = PathOrNothing(value);
                break;
            case "linkpath":
                LinkPath = PathOrNothing(value);
                break;
            case "GNU.sparse.offset":
                _sparseOffset = TarNumbers.ParseDecimal(value, key);
                break;
            case "GNU.sparse.numbytes":
                AddRegion(TarNumbers.ParseDecimal(value, key), limits);
                break;
            default:
                if (value.IsEmpty)
                    _values.Remove(key); // An empty value takes a global one back.
                else
                    _values[key] = value.ToArray();
                break;
        }
    }

    private void AddRegion(long length, TarLimits limits)
    {
        SparseRegions ??= [];
        if (_sparseOffset < 0 || SparseRegions.Count >= limits.SparseRegionsMax)
            throw new InvalidDataException("sparse map has a length without its offset or too many stretches");
        SparseRegions.Add(new TarRegion(_sparseOffset, length));
        _sparseOffset = -1;
    }

    private void SetAttribute(byte[] name, byte[] value)
    {
        if (name.Length is 0 or > 255 || name.Contains((byte)0))
            throw new InvalidDataException("name of an extended attribute is empty, too long or holds a NUL");
        if (_attributes.Count >= AttributesMax)
            throw new InvalidDataException($"there are more than {AttributesMax} extended attributes");
        _attributes.RemoveAll(attribute => attribute.Name.AsSpan().SequenceEqual(name));
        _attributes.Add(new TarAttribute(name, value));
    }

    private static byte[]? PathOrNothing(ReadOnlySpan<byte> value) => value.IsEmpty ? null
        : value.Contains((byte)0) ? throw new InvalidDataException("PAX path holds a NUL") : value.ToArray();
}
