using Berth.Builder.Files;
using Berth.Dockerfile.Ignore;
using Berth.Faults;
using Berth.Layers.Trees;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Builder;

public sealed partial class BuildContext
{
    private const int IgnoreFileBytesMax = 1024 * 1024;
    internal const string NamePrefix = "context-";

    // Most contexts are smaller, and unpacking one costs more than all the look-ups of a build in which nothing has changed.
    private const int HeldBytesMax = 16 * 1024 * 1024;
    private const long HeldBytesOfAllMax = 4L * HeldBytesMax;
    private static long s_heldBytes;

    /// <summary>Takes the tar that a client sends (plain, gzip or zstd): holds a small one in memory, unpacks any other into a new
    /// directory. A <c>.dockerignore</c> in it is applied, whether or not the client did; one named after the
    /// Dockerfile (<c>name.dockerignore</c>) wins.</summary>
    /// <param name="tar">The body; stays the caller's.</param>
    /// <param name="scratchDirectory">Where to make the directory.</param>
    /// <param name="dockerfilePath">The Dockerfile's path in the context.</param>
    /// <param name="cancellationToken">Gives up, with nothing left.</param>
    /// <exception cref="FaultException">InvalidArgument: not a tar, or one that climbs out. NotSupported: bzip2 or xz.
    /// Unavailable: the disk is full.</exception>
    public static async Task<BuildContext> ReceiveAsync(
        Stream tar, string scratchDirectory, string dockerfilePath, CancellationToken cancellationToken)
    {
        string directory = NewPath(scratchDirectory);
        byte[] head = new byte[Compression.HeadBytes];
        int count = await tar.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        await using Stream plain = Compression.Open(new PrefixedStream(head[..count], tar), head.AsSpan(0, count));
        (byte[] first, int length, bool isWhole) = await ReadFirstAsync(plain, cancellationToken).ConfigureAwait(false);
        if (isWhole && ContextIndex.TryRead(first.AsMemory(0, length)) is { } index)
        {
            if (Interlocked.Add(ref s_heldBytes, length) <= HeldBytesOfAllMax)
                return OfIndex(index, directory, dockerfilePath);
            Interlocked.Add(ref s_heldBytes, -length);
        }
        await UnpackAsync(new PrefixedStream(first[..length], plain), directory, cancellationToken).ConfigureAwait(false);
        return new BuildContext(directory, ReadIgnore(directory, dockerfilePath), owned: true);
    }

    /// <summary>Removes the directories of builds that a killed engine left; no build may run.</summary>
    public static void RemoveAbandoned(string scratchDirectory)
    {
        foreach (string directory in Directory.EnumerateDirectories(scratchDirectory, NamePrefix + "*"))
            TreeRemover.Remove(directory);
    }

    /// <summary>The ignore file of a directory for a Dockerfile; empty when there is none.</summary>
    /// <exception cref="FaultException">InvalidArgument: a pattern is malformed.</exception>
    public static IgnoreFile ReadIgnore(string directory, string dockerfilePath)
    {
        using SourceTree tree = new(FileCalls.OpenDirectory(directory), IgnoreFile.Empty);
        return ReadIgnore(tree, dockerfilePath);
    }

    private static IgnoreFile ReadIgnore(ISourceTree tree, string dockerfilePath)
    {
        string? text = tree.ReadText(dockerfilePath + ".dockerignore", IgnoreFileBytesMax)
            ?? tree.ReadText(".dockerignore", IgnoreFileBytesMax);
        return text is null ? IgnoreFile.Empty : IgnoreFile.Parse(text);
    }

    private static BuildContext OfIndex(ContextIndex index, string directory, string dockerfilePath)
    {
        try
        {
            using ContextTree tree = new(index, IgnoreFile.Empty, static () => throw new InvalidOperationException("read in memory"));
            return new BuildContext(index, directory, ReadIgnore(tree, dockerfilePath));
        }
        catch
        {
            Interlocked.Add(ref s_heldBytes, -index.Tar.Length);
            throw;
        }
    }

    private static async Task<(byte[] Bytes, int Length, bool IsWhole)> ReadFirstAsync(Stream plain, CancellationToken cancellationToken)
    {
        byte[] bytes = new byte[64 * 1024];
        int length = 0;
        while (true)
        {
            int count = await plain.ReadAsync(bytes.AsMemory(length), cancellationToken).ConfigureAwait(false);
            length += count;
            if (count == 0 || length == HeldBytesMax)
                return (bytes, length, count == 0);
            if (length == bytes.Length)
                Array.Resize(ref bytes, Math.Min(HeldBytesMax, bytes.Length * 2));
        }
    }

    private static async Task<string> UnpackAsync(ContextIndex index, string directory)
    {
        using Stream tar = ContextTree.StreamOf(index.Tar);
        await UnpackAsync(tar, directory, CancellationToken.None).ConfigureAwait(false);
        return directory;
    }

    private static string NewPath(string scratchDirectory) => Path.Combine(scratchDirectory, NamePrefix + Guid.NewGuid().ToString("N"));

    // The root's permissions are a part of keys: not whatever the daemon's umask leaves.
    private static string MakeAt(string directory)
    {
        Directory.CreateDirectory(directory);
        File.SetUnixFileMode(directory, (UnixFileMode)0x1ED);
        return directory;
    }

    private static async Task UnpackAsync(Stream plain, string directory, CancellationToken cancellationToken)
    {
        try
        {
            using FileDescriptor root = FileCalls.OpenDirectory(MakeAt(directory));
            // What a client's user owns means nothing in an image; devices have no business in a context.
            ExtractOptions options = new() { KeepOwners = false, AllowDevices = false, Whiteouts = WhiteoutMode.Literal };
            await TreeExtractor.ExtractAsync(plain, root, options, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            TreeRemover.Remove(directory);
            throw;
        }
    }
}
