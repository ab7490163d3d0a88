using System.Security.Cryptography;
using System.Text;
using Berth.Faults;
using Berth.Layers.Tar;
using Berth.Linux.Files;

namespace Berth.Builder.Files;

/// <summary>What a small context's tar holds, without unpacking it: enough to tell whether the steps that copy from it are in the
/// cache.</summary>
/// <remarks>Only for archives as clients make them: directories before what is in them, every path once, plain files, directories and
/// symbolic links without attributes. What is anything else is for the kernel to judge, by unpacking.</remarks>
internal sealed class ContextIndex
{
    private const int EntriesMax = 200_000;
    private const int NameBytesMax = 255;
    private const int PathBytesMax = 4095;
    private const int DirectoryMode = FileCalls.S_IFDIR | 0x1ED;

    private ContextIndex(ReadOnlyMemory<byte> tar, ContextEntry root) => (Tar, Root) = (tar, root);

    /// <summary>The archive, uncompressed.</summary>
    public ReadOnlyMemory<byte> Tar { get; }

    /// <summary>The root directory.</summary>
    public ContextEntry Root { get; }

    /// <summary>Reads an archive; null when only unpacking it can tell what it means, or what is wrong with it.</summary>
    public static ContextIndex? TryRead(ReadOnlyMemory<byte> tar)
    {
        ContextEntry root = new() { Name = "", Mode = DirectoryMode, Modified = FileTime.From(DateTimeOffset.UtcNow) };
        TarReader reader = new(tar);
        try
        {
            for (int entries = 0; reader.Next() is { } entry; entries++)
            {
                if (entries == EntriesMax || !TryAdd(root, entry, reader, tar))
                    return null;
            }
        }
        catch (FaultException)
        {
            return null;
        }
        return new ContextIndex(tar, root);
    }

    private static bool TryAdd(ContextEntry root, TarEntry entry, TarReader reader, ReadOnlyMemory<byte> tar)
    {
        int type = entry.Type switch
        {
            TarEntryType.RegularFile => FileCalls.S_IFREG,
            TarEntryType.Directory => FileCalls.S_IFDIR,
            TarEntryType.SymbolicLink => FileCalls.S_IFLNK,
            _ => 0,
        };
        // A directory's set-group bit reaches what is made in it.
        if (type == 0 || entry.Attributes.Count > 0 || entry.Regions is not null || (type == FileCalls.S_IFDIR && entry.Mode > 0x3FF))
            return false;
        if (!TryFindPlace(root, entry.Path, out ContextEntry? parent, out string name))
            return false;
        if (parent is null || (parent.Children.TryGetValue(name, out ContextEntry? there)))
            return TryRepeat(parent is null ? root : parent.Children[name], entry, type);
        ContextEntry made = new()
        {
            Name = name,
            Mode = type | (type == FileCalls.S_IFLNK ? 0x1FF : entry.Mode),
            Modified = entry.Modified,
            Size = type == FileCalls.S_IFLNK ? entry.LinkTarget.Length : entry.Size,
        };
        if (type == FileCalls.S_IFLNK && !TryText(entry.LinkTarget, out made.LinkTarget))
            return false;
        if (type == FileCalls.S_IFREG)
        {
            made.Content = DataOf(reader, entry.Size);
            made.Hash = SHA256.HashData(made.Content.Span);
        }
        parent.Children.Add(name, made);
        return true;
    }

    // The root, or a directory that is named once more.
    private static bool TryRepeat(ContextEntry there, TarEntry entry, int type)
    {
        if (type != FileCalls.S_IFDIR || !there.IsDirectory)
            return false;
        (there.Mode, there.Modified) = (type | entry.Mode, entry.Modified);
        return true;
    }

    private static ReadOnlyMemory<byte> DataOf(TarReader reader, long size)
    {
        if (size == 0)
            return default;
        ReadOnlyMemory<byte> data = reader.ReadWhole();
        return data.Length == size ? data : throw FaultException.Invalid("the archive is cut short");
    }

    // The directory that a path's last component is in, which must be there; null for the root itself.
    private static bool TryFindPlace(ContextEntry root, byte[] bytes, out ContextEntry? parent, out string name)
    {
        (parent, name) = (null, "");
        if (bytes.Length > PathBytesMax || bytes.Length == 0 || bytes[0] == '/' || !TryText(bytes, out string? path))
            return false;
        ReadOnlySpan<char> rest = path.AsSpan().TrimEnd('/');
        if (rest is ".")
            return true;
        if (rest.StartsWith("./"))
            rest = rest[2..];
        parent = root;
        for (int depth = 0; ; depth++)
        {
            int slash = rest.IndexOf('/');
            ReadOnlySpan<char> component = slash < 0 ? rest : rest[..slash];
            if (component is "" or "." or ".." || Encoding.UTF8.GetByteCount(component) > NameBytesMax || depth > SourceTree.DepthMax)
                return false;
            name = component.ToString();
            if (slash < 0)
                return true;
            if (!parent.Children.TryGetValue(name, out parent) || !parent.IsDirectory)
                return false;
            rest = rest[(slash + 1)..];
        }
    }

    private static bool TryText(byte[] bytes, out string? text)
    {
        text = bytes.Length == 0 ? null : Encoding.UTF8.GetString(bytes);
        return text is not null && !text.Contains('\uFFFD', StringComparison.Ordinal);
    }
}

/// <summary>One file of a context that was not unpacked.</summary>
internal sealed class ContextEntry
{
    /// <summary>A symbolic link's text.</summary>
    public string? LinkTarget;

    /// <summary>Its name; empty for the root.</summary>
    public required string Name { get; init; }

    /// <summary>Type and permissions.</summary>
    public required int Mode { get; set; }

    /// <summary>Last change of its content.</summary>
    public required FileTime Modified { get; set; }

    /// <summary>Bytes of a regular file or of a link's text.</summary>
    public long Size { get; init; }

    /// <summary>A regular file's bytes: a part of the archive.</summary>
    public ReadOnlyMemory<byte> Content { get; set; }

    /// <summary>sha256 of <see cref="Content"/>.</summary>
    public byte[]? Hash { get; set; }

    /// <summary>A directory's entries by name, in the order of their bytes.</summary>
    public SortedDictionary<string, ContextEntry> Children { get; } = new(NameOrder.Instance);

    public bool IsDirectory => (Mode & FileCalls.S_IFMT) == FileCalls.S_IFDIR;

    public FileStatus Status => new(
        Mode, 0, 0, 1, Size, 0, 0, 0, 0, 0, Modified, Modified, Modified, 0);
}

/// <summary>Orders names as their UTF-8 bytes, which is the order of their code points.</summary>
internal sealed class NameOrder : IComparer<string>
{
    public static readonly NameOrder Instance = new();

    public int Compare(string? left, string? right)
    {
        int length = Math.Min(left!.Length, right!.Length);
        for (int i = 0; i < length; i++)
        {
            (char a, char b) = (left[i], right[i]);
            if (a == b)
                continue;
            // Surrogates stand for code points above all others.
            return char.IsSurrogate(a) != char.IsSurrogate(b) ? (char.IsSurrogate(a) ? 1 : -1) : a - b;
        }
        return left.Length - right.Length;
    }
}
