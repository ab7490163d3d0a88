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
    private const string NamePrefix = "context-";

    /// <summary>Unpacks the tar that a client sends (plain, gzip or zstd) into a new directory, which is removed by
    /// <see cref="Dispose"/>. A <c>.dockerignore</c> in it is applied, whether or not the client did; one named after the
    /// Dockerfile (<c>name.dockerignore</c>) wins.</summary>
    /// <param name="tar">The body; stays the caller's.</param>
    /// <param name="scratchDirectory">Where to make the directory.</param>
    /// <param name="dockerfilePath">The Dockerfile's path in the context.</param>
    /// <param name="cancellationToken">Gives up, with nothing left.</param>
    /// <exception cref="FaultException">InvalidArgument: not a tar, or one that climbs out. NotSupported: bzip2 or xz.
    /// Unavailable: the disk is full.</exception>
    public static async Task<BuildContext> UnpackAsync(
        Stream tar, string scratchDirectory, string dockerfilePath, CancellationToken cancellationToken)
    {
        string directory = Path.Combine(scratchDirectory, NamePrefix + Guid.NewGuid().ToString("N"));
        System.IO.Directory.CreateDirectory(directory);
        try
        {
            byte[] head = new byte[Compression.HeadBytes];
            int count = await tar.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            using FileDescriptor root = FileCalls.OpenDirectory(directory);
            await using Stream plain = Compression.Open(new PrefixedStream(head[..count], tar), head.AsSpan(0, count));
            // What a client's user owns means nothing in an image; devices have no business in a context.
            ExtractOptions options = new() { KeepOwners = false, AllowDevices = false, Whiteouts = WhiteoutMode.Literal };
            await TreeExtractor.ExtractAsync(plain, root, options, cancellationToken).ConfigureAwait(false);
            return new BuildContext(directory, ReadIgnore(directory, dockerfilePath), owned: true);
        }
        catch
        {
            TreeRemover.Remove(directory);
            throw;
        }
    }

    /// <summary>Removes the directories of builds that a killed engine left; no build may run.</summary>
    public static void RemoveAbandoned(string scratchDirectory)
    {
        foreach (string directory in System.IO.Directory.EnumerateDirectories(scratchDirectory, NamePrefix + "*"))
            TreeRemover.Remove(directory);
    }

    /// <summary>The ignore file of a directory for a Dockerfile; empty when there is none.</summary>
    /// <exception cref="FaultException">InvalidArgument: a pattern is malformed.</exception>
    public static IgnoreFile ReadIgnore(string directory, string dockerfilePath)
    {
        using SourceTree tree = new(FileCalls.OpenDirectory(directory), IgnoreFile.Empty);
        string? text =
            ReadText(tree, dockerfilePath + ".dockerignore", IgnoreFileBytesMax) ?? ReadText(tree, ".dockerignore", IgnoreFileBytesMax);
        return text is null ? IgnoreFile.Empty : IgnoreFile.Parse(text);
    }

    /// <summary>A text file inside a tree; null when it is not there.</summary>
    internal static string? ReadText(SourceTree tree, string path, int bytesMax)
    {
        using FileDescriptor? file = tree.TryOpen(path.TrimStart('/'), FileCalls.O_RDONLY | FileCalls.O_NONBLOCK);
        if (file is null || !FileCalls.Status(file).IsRegular)
            return null;
        long size = FileCalls.Status(file).Size;
        if (size > bytesMax)
            throw FaultException.Invalid($"read {path}: {size} bytes is more than the limit of {bytesMax}");
        byte[] bytes = new byte[size];
        int length = 0;
        while (length < bytes.Length && FileCalls.Read(file, bytes.AsSpan(length)) is > 0 and var count)
            length += count;
        return System.Text.Encoding.UTF8.GetString(bytes, 0, length);
    }
}
