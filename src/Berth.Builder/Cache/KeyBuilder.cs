using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Berth.Builder.Files;
using Berth.Oci;

namespace Berth.Builder.Cache;

/// <summary>Makes the digest of all that matters for a step. Every part is preceded by its length: parts cannot run together.</summary>
internal sealed class KeyBuilder : IDisposable
{
    private const string Version = "berth-build-1";
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public KeyBuilder(string kind)
    {
        Add(Version);
        Add(kind);
    }

    public void Dispose() => _hash.Dispose();

    public Digest Finish() => Digest.FromSha256(_hash.GetHashAndReset());

    public KeyBuilder Add(string? part)
    {
        if (part is null)
        {
            Number(-1);
            return this;
        }
        return Add(Encoding.UTF8.GetBytes(part));
    }

    public KeyBuilder Add(ReadOnlySpan<byte> part)
    {
        Number(part.Length);
        _hash.AppendData(part);
        return this;
    }

    public KeyBuilder Add(IReadOnlyCollection<string> parts)
    {
        Number(parts.Count);
        foreach (string part in parts)
            Add(part);
        return this;
    }

    public KeyBuilder Number(long number)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        _hash.AppendData(bytes);
        return this;
    }

    /// <summary>Adds a file or directory: names, kinds, permissions, link texts, attributes and contents. Never times, and not
    /// owners, which a copy does not keep.</summary>
    public KeyBuilder Add(SourceNode node)
    {
        Add(node.Name);
        Number(node.Status.Mode);
        if (node.Status.IsRegular)
            Add(node.ContentHash);
        else if (node.Status.IsSymbolicLink)
            Add(node.LinkTarget);
        else if (!node.Status.IsDirectory)
            Number(((long)node.Status.RealMajor << 32) | node.Status.RealMinor);
        Number(node.Attributes.Count);
        foreach ((byte[] name, byte[] value) in node.Attributes)
            Add(name).Add(value);
        Number(node.Children.Count);
        foreach (SourceNode child in node.Children)
            Add(child);
        return this;
    }
}
