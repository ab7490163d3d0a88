using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Berth.Faults;

namespace Berth.Oci;

/// <summary>The identity of some bytes: an algorithm and the hash of the bytes under it, as <c>sha256:&lt;hex&gt;</c>.</summary>
/// <remarks>OCI image-spec 1.1, descriptor.md "Digests". Registered algorithms: sha256 and sha512, lower-case hex.</remarks>
public readonly record struct Digest
{
    private const string Sha256Prefix = "sha256:";
    private const string Sha512Prefix = "sha512:";
    private readonly string? _text;

    private Digest(string text) => _text = text;

    /// <summary>True for <c>default</c>, which names no bytes.</summary>
    public bool IsEmpty => _text is null;

    /// <summary><c>sha256</c> or <c>sha512</c>.</summary>
    public string Algorithm => Text[..6];

    /// <summary>The hash as lower-case hex, 64 or 128 characters.</summary>
    public string Hex => Text[7..];

    /// <summary>The first twelve characters of the hash, as lists show it.</summary>
    public string Short => Hex[..12];

    private string Text => _text ?? throw new InvalidOperationException("the digest is empty");

    /// <summary>The sha256 digest of bytes in memory.</summary>
    public static Digest Of(ReadOnlySpan<byte> content) => FromSha256(SHA256.HashData(content));

    /// <summary>The digest for a finished sha256 hash of 32 bytes.</summary>
    public static Digest FromSha256(ReadOnlySpan<byte> hash) => new(Sha256Prefix + Convert.ToHexStringLower(hash));

    /// <summary>The digest for a finished sha512 hash of 64 bytes.</summary>
    public static Digest FromSha512(ReadOnlySpan<byte> hash) => new(Sha512Prefix + Convert.ToHexStringLower(hash));

    /// <summary>A new running hash for this digest's algorithm.</summary>
    public IncrementalHash CreateHash() => IncrementalHash.CreateHash(
        Algorithm == "sha512" ? HashAlgorithmName.SHA512 : HashAlgorithmName.SHA256);

    /// <summary>Reads a digest, or throws.</summary>
    /// <exception cref="FaultException">InvalidArgument: not a digest of a known algorithm.</exception>
    public static Digest Parse(string text) =>
        TryParse(text, out Digest digest) ? digest : throw FaultException.Invalid($"invalid digest format: {Clip(text)}");

    /// <summary>Reads a digest; false when the text is not one of a known algorithm in its canonical form.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out Digest digest)
    {
        digest = default;
        if (text is null)
            return false;
        int hexLength = text.StartsWith(Sha256Prefix, StringComparison.Ordinal) ? 64
            : text.StartsWith(Sha512Prefix, StringComparison.Ordinal) ? 128 : -1;
        if (hexLength < 0 || text.Length != Sha256Prefix.Length + hexLength || text.AsSpan(7).ContainsAnyExcept(s_hex))
            return false;
        digest = new Digest(text);
        return true;
    }

    /// <summary>The canonical text; empty for <c>default</c>.</summary>
    public override string ToString() => _text ?? "";

    private static readonly System.Buffers.SearchValues<char> s_hex = System.Buffers.SearchValues.Create("0123456789abcdef");

    private static string Clip(string? text) => text is { Length: > 150 } ? text[..150] + "…" : text ?? "";
}
