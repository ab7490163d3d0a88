using Berth.Faults;
using Berth.Linux.Files;

namespace Berth.BuildKit.Files;

/// <summary>Checks the paths of a tree as they are told: relative and clean, each once and in order, each below a directory that was
/// told before.</summary>
/// <remarks>fsutil's Validator. The slash comes before all other bytes, so that a directory's contents follow it at once.</remarks>
internal sealed class PathOrder
{
    private const int PathBytesMax = 4095;
    private const int NameBytesMax = 255;

    // Each level costs whoever walks the tree later a descriptor; the builder's own limit.
    private const int DepthMax = 400;
    private readonly List<byte[]> _directories = [];
    private byte[] _last = [];

    /// <summary>Takes the next path.</summary>
    /// <exception cref="FaultException">InvalidArgument: it cannot be the next.</exception>
    public void Take(byte[] path, bool isDirectory)
    {
        CheckForm(path);
        if (Compare(_last, path) >= 0)
            throw Refuse(path, $"it comes after \"{FileCalls.TextOf(_last)}\", which is out of order");
        _last = path;
        int slash = path.AsSpan().LastIndexOf((byte)'/');
        ReadOnlySpan<byte> parent = path.AsSpan(0, Math.Max(slash, 0));
        while (_directories.Count > 0 && !parent.SequenceEqual(_directories[^1]))
            _directories.RemoveAt(_directories.Count - 1);
        if (slash >= 0 && _directories.Count == 0)
            throw Refuse(path, "it is below no directory");
        if (isDirectory)
            _directories.Add(path);
    }

    /// <summary>Less than zero when the first comes first.</summary>
    public static int Compare(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        int same = first.CommonPrefixLength(second);
        if (same == first.Length || same == second.Length)
            return first.Length - second.Length;
        return Rank(first[same]) - Rank(second[same]);

        static int Rank(byte value) => value == '/' ? -1 : value;
    }

    /// <summary>The refusal of a file that a client tells of.</summary>
    public static FaultException Refuse(ReadOnlySpan<byte> path, string why) =>
        FaultException.Invalid($"the client sent \"{FileCalls.TextOf(path[..Math.Min(path.Length, 200)])}\": {why}");

    private static void CheckForm(byte[] path)
    {
        if (path.Length is 0 or > PathBytesMax)
            throw Refuse(path, $"a path has 1 to {PathBytesMax} bytes");
        if (path.Contains((byte)0))
            throw Refuse(path, "a path has no zero byte");
        int depth = 0;
        foreach (Range part in path.AsSpan().Split((byte)'/'))
        {
            ReadOnlySpan<byte> name = path.AsSpan(part);
            if (name.Length == 0 || name.SequenceEqual("."u8) || name.SequenceEqual(".."u8))
                throw Refuse(path, "a path is relative and has no empty, \".\" or \"..\" part");
            if (name.Length > NameBytesMax)
                throw Refuse(path, $"a name has at most {NameBytesMax} bytes");
            if (++depth > DepthMax)
                throw Refuse(path, $"directories deeper than {DepthMax} levels");
        }
    }
}
