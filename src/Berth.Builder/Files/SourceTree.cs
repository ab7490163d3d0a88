using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Berth.Dockerfile.Ignore;
using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;
using Microsoft.Win32.SafeHandles;

namespace Berth.Builder.Files;

/// <summary>A tree that files are copied from: the context, a stage or an image. Nothing in it leads out of its root.</summary>
/// <param name="root">The root's descriptor; owned.</param>
/// <param name="ignore">Paths that are not seen.</param>
internal sealed class SourceTree(FileDescriptor root, IgnoreFile ignore) : ISourceTree
{
    /// <summary>How deep directories are entered; each level holds a descriptor.</summary>
    public const int DepthMax = 400;

    /// <summary>How many files one COPY may take.</summary>
    public const int FilesMax = 5_000_000;

    private const int LinksMax = 40;
    private const ulong InRoot = FileCalls.RESOLVE_IN_ROOT | FileCalls.RESOLVE_NO_MAGICLINKS;
    private readonly ConcurrentDictionary<(ulong, ulong, long, FileTime, FileTime), byte[]> _hashes = new();
    private int _files;

    /// <summary>The root.</summary>
    public FileDescriptor Root => root;

    public void Dispose() => root.Dispose();

    /// <summary>Opens a path beneath the root, links followed inside; null when it does not exist or is ignored.</summary>
    public FileDescriptor? TryOpen(string path, int flags)
    {
        int error = FileCalls.TryOpen(root, FileCalls.PathOf(path.Length == 0 ? "." : path), flags, 0, InRoot, out FileDescriptor opened);
        if (error == 0)
            return opened;
        opened.Dispose();
        return error is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP ? null : throw new LinuxException("openat2", path, error);
    }

    /// <summary>True when a path is not to be seen.</summary>
    public bool IsIgnored(string path) => !ignore.IsEmpty && path.Length > 0 && ignore.IsIgnored(path);

    /// <inheritdoc/>
    /// <remarks>Only directories that could lead to a match are read.</remarks>
    public List<string> Match(PathPattern pattern)
    {
        List<string> found = [];
        using FileDescriptor top = TryOpen("", FileCalls.O_RDONLY | FileCalls.O_DIRECTORY)!;
        MatchIn(top, "", pattern, found, 0);
        return found;
    }

    /// <inheritdoc/>
    public SourceNode? Read(string path, IgnoreFile exclude)
    {
        using FileDescriptor? opened = TryOpen(path, FileCalls.O_PATH);
        if (opened is null)
            return null;
        FileStatus status = FileCalls.Status(opened);
        if (!status.IsDirectory)
            return IsIgnored(path) ? null : ReadFile(path);
        SourceNode node = new() { Name = [], Path = path, Status = status, Attributes = Attributes.Read(opened, ".\0"u8) };
        using FileDescriptor directory = TryOpen(path, FileCalls.O_RDONLY | FileCalls.O_DIRECTORY)!;
        ReadChildren(directory, node, exclude, "", 0);
        return node;
    }

    // The links at a path's end are followed one by one, each resolved by the kernel inside the root.
    private SourceNode? ReadFile(string path)
    {
        for (int links = 0; links < LinksMax; links++)
        {
            int slash = path.LastIndexOf('/');
            using FileDescriptor? parent = TryOpen(slash <= 0 ? "" : path[..slash], FileCalls.O_PATH | FileCalls.O_DIRECTORY);
            byte[] name = FileCalls.PathOf(path[(slash + 1)..]);
            if (parent is null || FileCalls.TryStatus(parent, name, out FileStatus status) != 0)
                return null;
            if (!status.IsSymbolicLink)
                return new SourceNode { Name = [], Path = path, Status = status, Attributes = Attributes.Read(parent, name) };
            string target = Encoding.UTF8.GetString(FileCalls.ReadLink(parent, name));
            path = target.StartsWith('/') || slash < 0 ? target.TrimStart('/') : $"{path[..slash]}/{target}";
        }
        return null;
    }

    /// <inheritdoc/>
    /// <remarks>Several at once; those read before in this build are not read again.</remarks>
    public void HashContents(IEnumerable<SourceNode> nodes, CancellationToken cancellationToken)
    {
        List<SourceNode> files = [];
        foreach (SourceNode node in nodes)
            CollectFiles(node, files);
        ParallelOptions options = new() { CancellationToken = cancellationToken, MaxDegreeOfParallelism =
            Math.Max(2, Environment.ProcessorCount) };
        Parallel.ForEach(files, options, file => file.ContentHash = HashOf(file));
    }

    /// <inheritdoc/>
    public Stream OpenRead(SourceNode file)
    {
        FileDescriptor opened = TryOpen(file.Path, FileCalls.O_RDONLY | FileCalls.O_NONBLOCK)
            ?? throw FaultException.Invalid($"read {file.Path}: it went away while the build was reading");
        int number = opened.Number;
        opened.SetHandleAsInvalid();
        return new FileStream(new SafeFileHandle(number, ownsHandle: true), FileAccess.Read, 64 * 1024);
    }

    /// <inheritdoc/>
    public string? ReadText(string path, int bytesMax)
    {
        using FileDescriptor? file = TryOpen(path.TrimStart('/'), FileCalls.O_RDONLY | FileCalls.O_NONBLOCK);
        if (file is null || !FileCalls.Status(file).IsRegular)
            return null;
        long size = FileCalls.Status(file).Size;
        if (size > bytesMax)
            throw FaultException.Invalid($"read {path}: {size} bytes is more than the limit of {bytesMax}");
        byte[] bytes = new byte[size];
        int length = 0;
        while (length < bytes.Length && FileCalls.Read(file, bytes.AsSpan(length)) is > 0 and var count)
            length += count;
        return Encoding.UTF8.GetString(bytes, 0, length);
    }

    /// <inheritdoc/>
    public ValueTask<SourceTree> FilesAsync() => new(this);

    private byte[] HashOf(SourceNode file)
    {
        FileStatus s = file.Status;
        return _hashes.GetOrAdd((s.Device, s.Inode, s.Size, s.Modified, s.Changed), _ => HashFile(file));
    }

    private byte[] HashFile(SourceNode file)
    {
        using FileDescriptor opened = TryOpen(file.Path, FileCalls.O_RDONLY | FileCalls.O_NONBLOCK)
            ?? throw FaultException.Invalid($"read {file.Path}: it went away while the build was reading");
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> buffer = file.Status.Size <= 4096 ? stackalloc byte[4096] : new byte[(int)Math.Min(file.Status.Size, 256 * 1024)];
        int count;
        while ((count = FileCalls.Read(opened, buffer)) > 0)
            hash.AppendData(buffer[..count]);
        return hash.GetHashAndReset();
    }

    private static void CollectFiles(SourceNode node, List<SourceNode> files)
    {
        if (node.Status.IsRegular)
            files.Add(node);
        foreach (SourceNode child in node.Children)
            CollectFiles(child, files);
    }

    private void MatchIn(FileDescriptor directory, string path, PathPattern pattern, List<string> found, int depth)
    {
        CheckDepth(path, depth);
        foreach (byte[] name in FileCalls.ListNames(directory))
        {
            string child = Join(path, name);
            bool skip = !ignore.IsEmpty && ignore.CanSkip(child);
            if (skip)
                continue;
            if (pattern.IsMatch(child) && !IsIgnoredFile(directory, name, child))
                found.Add(child);
            else if (pattern.CouldMatchBeneath(child) && FileCalls.Status(directory, name).IsDirectory)
                EnterMatch(directory, name, child, pattern, found, depth);
        }
    }

    // An ignored directory with exceptions beneath is seen; an ignored file is not.
    private bool IsIgnoredFile(FileDescriptor directory, byte[] name, string path) =>
        IsIgnored(path) && !FileCalls.Status(directory, name).IsDirectory;

    private void EnterMatch(FileDescriptor directory, byte[] name, string child, PathPattern pattern, List<string> found, int depth)
    {
        using FileDescriptor entered = FileCalls.Open(directory, name, FileCalls.O_RDONLY | FileCalls.O_DIRECTORY | FileCalls.O_NOFOLLOW);
        MatchIn(entered, child, pattern, found, depth + 1);
    }

    private void ReadChildren(FileDescriptor directory, SourceNode parent, IgnoreFile exclude, string inner, int depth)
    {
        CheckDepth(parent.Path, depth);
        foreach (byte[] name in FileCalls.ListNames(directory))
        {
            string path = Join(parent.Path, name);
            string relative = Join(inner, name);
            if ((!ignore.IsEmpty && ignore.CanSkip(path)) || (!exclude.IsEmpty && exclude.CanSkip(relative)))
                continue;
            FileStatus status = FileCalls.Status(directory, name);
            if (status.IsOverlayWhiteout || status.Type == FileCalls.S_IFSOCK)
                continue;
            bool hidden = IsIgnored(path) || (!exclude.IsEmpty && exclude.IsIgnored(relative));
            if (hidden && !status.IsDirectory)
                continue;
            SourceNode node = MakeNode(directory, name, path, status);
            if (status.IsDirectory)
            {
                using FileDescriptor entered = FileCalls.Open(
                    directory, name, FileCalls.O_RDONLY | FileCalls.O_DIRECTORY | FileCalls.O_NOFOLLOW);
                ReadChildren(entered, node, exclude, relative, depth + 1);
            }
            if (!hidden || node.Children.Count > 0)
                parent.Children.Add(node);
        }
    }

    private SourceNode MakeNode(FileDescriptor directory, byte[] name, string path, FileStatus status)
    {
        if (Interlocked.Increment(ref _files) > FilesMax)
            throw FaultException.Invalid($"read {path}: more than {FilesMax} files");
        return new SourceNode
        {
            Name = name,
            Path = path,
            Status = status,
            LinkTarget = status.IsSymbolicLink ? [.. FileCalls.ReadLink(directory, name), 0] : null,
            Attributes = Attributes.Read(directory, name),
        };
    }

    private static void CheckDepth(string path, int depth)
    {
        if (depth > DepthMax)
            throw FaultException.Invalid($"read {path}: directories deeper than {DepthMax} levels");
    }

    private static string Join(string directory, byte[] name)
    {
        string text = Encoding.UTF8.GetString(name.AsSpan(0, name.Length - 1));
        return directory.Length == 0 ? text : $"{directory}/{text}";
    }
}
