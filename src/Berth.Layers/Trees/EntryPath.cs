using System.Text;

namespace Berth.Layers.Trees;

/// <summary>An archive's path made relative to the root: no empty, <c>.</c> or <c>..</c> components are left.</summary>
internal readonly struct EntryPath
{
    private readonly byte[] _path; // With its NUL.
    private readonly int _name;

    private EntryPath(byte[] path)
    {
        _path = path;
        _name = path.AsSpan().LastIndexOf((byte)'/') + 1;
    }

    public bool IsRoot => _path.Length == 1;

    /// <summary>The whole path with its NUL.</summary>
    public ReadOnlySpan<byte> Whole => _path;

    /// <summary>The last component with its NUL.</summary>
    public ReadOnlySpan<byte> Name => _path.AsSpan(_name);

    /// <summary>What is before the last slash, without NUL; empty for the root.</summary>
    public ReadOnlySpan<byte> Parent => _name == 0 ? default : _path.AsSpan(0, _name - 1);

    /// <summary>Exact and cheap to compare: one character per byte.</summary>
    public string Key => Encoding.Latin1.GetString(_path.AsSpan(0, _path.Length - 1));

    /// <summary>A path in the same directory.</summary>
    public EntryPath Sibling(ReadOnlySpan<byte> nameWithNul) => new([.. _path.AsSpan(0, _name), .. nameWithNul]);

    /// <summary>The directory this is in.</summary>
    public EntryPath Directory() => new([.. Parent, 0]);

    /// <summary>Cleans a path; leading slashes mean the root.</summary>
    /// <exception cref="InvalidDataException">It climbs out of the root or holds a NUL.</exception>
    public static EntryPath Clean(ReadOnlySpan<byte> path) => Clean(path, climbsNowhere: false);

    /// <summary>Cleans a path as docker does with one that a user gives: the root's parent is the root.</summary>
    /// <exception cref="InvalidDataException">It holds a NUL.</exception>
    public static EntryPath CleanInRoot(ReadOnlySpan<byte> path) => Clean(path, climbsNowhere: true);

    private static EntryPath Clean(ReadOnlySpan<byte> path, bool climbsNowhere)
    {
        byte[] buffer = new byte[path.Length + 1];
        int length = 0;
        while (!path.IsEmpty)
        {
            int slash = path.IndexOf((byte)'/');
            ReadOnlySpan<byte> component = slash < 0 ? path : path[..slash];
            path = slash < 0 ? default : path[(slash + 1)..];
            if (component.IsEmpty || component.SequenceEqual("."u8))
                continue;
            if (component.Contains((byte)0))
                throw new InvalidDataException("the path holds a NUL");
            if (component.SequenceEqual(".."u8))
            {
                if (length == 0 && !climbsNowhere)
                    throw new InvalidDataException("the path climbs out of its root");
                length = Math.Max(0, buffer.AsSpan(0, length).LastIndexOf((byte)'/'));
                continue;
            }
            if (length > 0)
                buffer[length++] = (byte)'/';
            component.CopyTo(buffer.AsSpan(length));
            length += component.Length;
        }
        buffer[length] = 0;
        return new EntryPath(length + 1 == buffer.Length ? buffer : buffer[..(length + 1)]);
    }

    public override string ToString() => Encoding.UTF8.GetString(_path.AsSpan(0, _path.Length - 1));
}
