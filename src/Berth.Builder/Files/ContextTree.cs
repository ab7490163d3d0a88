using System.Runtime.InteropServices;
using System.Text;
using Berth.Dockerfile.Ignore;
using Berth.Faults;
using Berth.Linux.Files;

namespace Berth.Builder.Files;

/// <summary>A context that is only in memory, seen as <see cref="SourceTree"/> would see it on disk. Unpacks itself when files are
/// wanted.</summary>
/// <param name="index">What is in it.</param>
/// <param name="ignore">Paths that are not seen.</param>
/// <param name="unpack">Opens the unpacked tree.</param>
internal sealed class ContextTree(ContextIndex index, IgnoreFile ignore, Func<Task<SourceTree>> unpack) : ISourceTree
{
    private const int LinksMax = 40;
    private readonly Lazy<Task<SourceTree>> _files = new(unpack);

    /// <inheritdoc/>
    public List<string> Match(PathPattern pattern)
    {
        List<string> found = [];
        MatchIn(index.Root, "", pattern, found);
        return found;
    }

    /// <inheritdoc/>
    public SourceNode? Read(string path, IgnoreFile exclude)
    {
        if (Find(path, out string resolved) is not { } entry)
            return null;
        if (!entry.IsDirectory)
            return IsIgnored(path) ? null : Node(entry, [], resolved);
        SourceNode node = Node(entry, [], path);
        ReadChildren(entry, node, exclude, "");
        return node;
    }

    /// <inheritdoc/>
    public void HashContents(IEnumerable<SourceNode> nodes, CancellationToken cancellationToken)
    {
        // Hashed when the index was made.
    }

    /// <inheritdoc/>
    public Stream OpenRead(SourceNode file) => StreamOf(Find(file.Path, out _)!.Content);

    /// <inheritdoc/>
    public string? ReadText(string path, int bytesMax)
    {
        if (Find(path, out _) is not { } entry || !entry.Status.IsRegular)
            return null;
        return entry.Size > bytesMax
            ? throw FaultException.Invalid($"read {path}: {entry.Size} bytes is more than the limit of {bytesMax}")
            : Encoding.UTF8.GetString(entry.Content.Span);
    }

    /// <inheritdoc/>
    public ValueTask<SourceTree> FilesAsync() => new(_files.Value);

    /// <summary>Reads bytes in memory without a copy.</summary>
    public static Stream StreamOf(ReadOnlyMemory<byte> bytes) => MemoryMarshal.TryGetArray(bytes, out ArraySegment<byte> segment)
        ? new MemoryStream(segment.Array!, segment.Offset, segment.Count, writable: false)
        : new MemoryStream(bytes.ToArray(), writable: false);

    public void Dispose()
    {
        if (_files.IsValueCreated && _files.Value.IsCompletedSuccessfully)
            _files.Value.Result.Dispose();
    }

    // As openat2 resolves it with RESOLVE_IN_ROOT: the root's parent is the root, and links begin at the root or where they are.
    private ContextEntry? Find(string path, out string resolved)
    {
        List<ContextEntry> way = [index.Root];
        Stack<string> left = new(path.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse());
        int links = 0;
        resolved = path;
        while (left.TryPop(out string? component))
        {
            ContextEntry at = way[^1];
            if (component == ".")
                continue;
            if (component == ".." && way.Count > 1)
                way.RemoveAt(way.Count - 1);
            if (component == "..")
                continue;
            if (!at.IsDirectory || !at.Children.TryGetValue(component, out ContextEntry? next))
                return null;
            if (next.LinkTarget is not { } target)
            {
                way.Add(next);
                continue;
            }
            if (++links > LinksMax)
                return null;
            if (target.StartsWith('/'))
                way.RemoveRange(1, way.Count - 1);
            foreach (string part in target.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
                left.Push(part);
        }
        if (links > 0)
            resolved = string.Join('/', way.Skip(1).Select(entry => entry.Name));
        return way[^1];
    }

    private bool IsIgnored(string path) => !ignore.IsEmpty && path.Length > 0 && ignore.IsIgnored(path);

    private void MatchIn(ContextEntry directory, string path, PathPattern pattern, List<string> found)
    {
        foreach (ContextEntry entry in directory.Children.Values)
        {
            string child = Join(path, entry.Name);
            if (!ignore.IsEmpty && ignore.CanSkip(child))
                continue;
            if (pattern.IsMatch(child) && (entry.IsDirectory || !IsIgnored(child)))
                found.Add(child);
            else if (entry.IsDirectory && pattern.CouldMatchBeneath(child))
                MatchIn(entry, child, pattern, found);
        }
    }

    private void ReadChildren(ContextEntry directory, SourceNode parent, IgnoreFile exclude, string inner)
    {
        foreach (ContextEntry entry in directory.Children.Values)
        {
            string path = Join(parent.Path, entry.Name);
            string relative = exclude.IsEmpty ? "" : Join(inner, entry.Name);
            if ((!ignore.IsEmpty && ignore.CanSkip(path)) || (!exclude.IsEmpty && exclude.CanSkip(relative)))
                continue;
            bool hidden = IsIgnored(path) || (!exclude.IsEmpty && exclude.IsIgnored(relative));
            if (hidden && !entry.IsDirectory)
                continue;
            SourceNode node = Node(entry, FileCalls.PathOf(entry.Name), path);
            ReadChildren(entry, node, exclude, relative);
            if (!hidden || node.Children.Count > 0)
                parent.Children.Add(node);
        }
    }

    private static SourceNode Node(ContextEntry entry, byte[] name, string path) => new()
    {
        Name = name,
        Path = path,
        Status = entry.Status,
        LinkTarget = entry.LinkTarget is { } target ? FileCalls.PathOf(target) : null,
        ContentHash = entry.Hash,
    };

    private static string Join(string directory, string name) => directory.Length == 0 ? name : $"{directory}/{name}";
}
