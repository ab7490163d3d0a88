using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Berth.Registry.Sealing;

/// <summary>A key that the secrets in the database are encrypted with: 32 random bytes, kept outside of it.</summary>
/// <remarks>
/// AES-256-GCM (NIST SP 800-38D) with a random nonce: one key may seal 2^32 values, and a hub seals one a week and one per webhook and
/// sign-in. What encrypts and what names the key are derived from it (RFC 5869), so that its name says nothing about it.
/// A sealed value is <c>version(1) key's id(8) nonce(12) tag(16) ciphertext</c>; the first two and the row's place are authenticated.
/// </remarks>
public sealed class SealingKey
{
    private const byte Version = 1;
    private const int KeyBytes = 32;
    private const int IdBytes = 8;
    private const int HeadBytes = 1 + IdBytes;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    private readonly byte[] _bytes;
    private readonly byte[] _id;
    private readonly byte[] _encryption;

    private SealingKey(byte[] bytes)
    {
        _bytes = bytes;
        _id = HKDF.DeriveKey(HashAlgorithmName.SHA256, bytes, IdBytes, info: "berth-hub secrets: id"u8.ToArray());
        _encryption = HKDF.DeriveKey(HashAlgorithmName.SHA256, bytes, KeyBytes, info: "berth-hub secrets: aes-256-gcm"u8.ToArray());
        Id = Convert.ToHexStringLower(_id);
    }

    /// <summary>Its name, which is no secret: in the database, in messages, and in front of what it sealed.</summary>
    public string Id { get; }

    /// <summary>The key as its file has it. A secret.</summary>
    public string Text => Convert.ToBase64String(_bytes);

    /// <summary>A new key.</summary>
    public static SealingKey Create() => new(RandomNumberGenerator.GetBytes(KeyBytes));

    /// <summary>Reads <see cref="Text"/>.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out SealingKey? key)
    {
        byte[] bytes = new byte[KeyBytes];
        bool isKey = text.Length == (KeyBytes + 2) / 3 * 4 && Convert.TryFromBase64String(text, bytes, out int count) && count == KeyBytes;
        key = isKey ? new SealingKey(bytes) : null;
        return isKey;
    }

    /// <summary>The id of the key that a value is sealed with; null when it is not sealed at all.</summary>
    public static string? IdOf(ReadOnlySpan<byte> value) =>
        value.Length >= HeadBytes + NonceBytes + TagBytes && value[0] == Version ? Convert.ToHexStringLower(value[1..HeadBytes]) : null;

    /// <summary>Encrypts a value for one place, where alone it can be opened.</summary>
    public byte[] Seal(ReadOnlySpan<byte> plain, string place)
    {
        byte[] value = new byte[HeadBytes + NonceBytes + TagBytes + plain.Length];
        value[0] = Version;
        _id.CopyTo(value, 1);
        Span<byte> nonce = value.AsSpan(HeadBytes, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var cipher = new AesGcm(_encryption, TagBytes);
        cipher.Encrypt(
            nonce, plain, value.AsSpan(HeadBytes + NonceBytes + TagBytes), value.AsSpan(HeadBytes + NonceBytes, TagBytes),
            Bound(value, place));
        return value;
    }

    /// <summary>Decrypts a value that this key sealed for a place; false when it was changed, or sealed for another place.</summary>
    public bool TryOpen(ReadOnlySpan<byte> value, string place, [NotNullWhen(true)] out byte[]? plain)
    {
        plain = null;
        if (IdOf(value) != Id)
            return false;
        byte[] opened = new byte[value.Length - HeadBytes - NonceBytes - TagBytes];
        try
        {
            using var cipher = new AesGcm(_encryption, TagBytes);
            cipher.Decrypt(
                value.Slice(HeadBytes, NonceBytes), value[(HeadBytes + NonceBytes + TagBytes)..],
                value.Slice(HeadBytes + NonceBytes, TagBytes), opened, Bound(value, place));
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
        plain = opened;
        return true;
    }

    private static byte[] Bound(ReadOnlySpan<byte> value, string place) => [.. value[..HeadBytes], .. Encoding.UTF8.GetBytes(place)];
}
