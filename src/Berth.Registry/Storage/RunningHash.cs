using System.Buffers;
using System.Security.Cryptography;
using Berth.Oci;

namespace Berth.Registry.Storage;

/// <summary>The hash of an upload's first bytes, kept between its requests.</summary>
internal sealed class RunningHash(string algorithm) : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(
        algorithm == "sha512" ? HashAlgorithmName.SHA512 : HashAlgorithmName.SHA256);

    public string Algorithm { get; } = algorithm;

    /// <summary>How many bytes were hashed.</summary>
    public long Bytes { get; private set; }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        _hash.AppendData(bytes);
        Bytes += bytes.Length;
    }

    public void Append(ReadOnlySequence<byte> bytes)
    {
        foreach (ReadOnlyMemory<byte> segment in bytes)
            Append(segment.Span);
    }

    public Digest Digest()
    {
        byte[] hash = _hash.GetCurrentHash();
        return Algorithm == "sha512" ? Oci.Digest.FromSha512(hash) : Oci.Digest.FromSha256(hash);
    }

    public void Dispose() => _hash.Dispose();
}
