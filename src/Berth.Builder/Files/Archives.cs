using Berth.Faults;

namespace Berth.Builder.Files;

/// <summary>Tells archives, which ADD unpacks, from other files by their content.</summary>
internal static class Archives
{
    /// <exception cref="FaultException">NotSupported: bzip2 or xz.</exception>
    public static bool IsArchive(ISourceTree tree, SourceNode node)
    {
        if (node.Status.Size < 20)
            return false;
        using Stream file = tree.OpenRead(node);
        byte[] head = new byte[Compression.HeadBytes];
        int count = file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        if (Compression.Refused(head) is { } name)
            throw new FaultException(FaultKind.NotSupported,
                $"ADD {node.Path}: {name} archives are not unpacked here: use gzip, zstd or no compression, or ADD --unpack=false to copy it as it is");
        try
        {
            using Stream plain = Compression.Open(new PrefixedStream(head[..count], file), head.AsSpan(0, count));
            byte[] block = new byte[512];
            return plain.ReadAtLeast(block, block.Length, throwOnEndOfStream: false) == block.Length && Compression.IsTarHeader(block);
        }
        catch (Exception exception) when (exception is InvalidDataException or ZstdSharp.ZstdException or EndOfStreamException)
        {
            return false;
        }
    }
}
