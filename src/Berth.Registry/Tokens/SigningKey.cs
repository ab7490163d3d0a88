using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;

namespace Berth.Registry.Tokens;

/// <summary>A key of the hub's own for bearer tokens: ECDSA over P-256.</summary>
public sealed class SigningKey
{
    /// <summary>How long a key signs; afterwards the next one is made.</summary>
    public static readonly TimeSpan SignsFor = TimeSpan.FromDays(7);

    /// <summary>How long what it signed is accepted after that: longer than any bearer token lives.</summary>
    public static readonly TimeSpan VerifiesFor = SignsFor + TimeSpan.FromDays(1);

    private SigningKey(string id, DateTimeOffset createdAt, ECDsa key)
    {
        Id = id;
        CreatedAt = createdAt;
        Private = key;
        // The library's cache of providers is global and would keep keys that are long gone.
        Security = new ECDsaSecurityKey(key) { KeyId = id, CryptoProviderFactory = new CryptoProviderFactory() };
    }

    /// <summary>Its name in tokens (<c>kid</c>).</summary>
    public string Id { get; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset CreatedAt { get; }

    /// <summary>The key as the token library takes it.</summary>
    public ECDsaSecurityKey Security { get; }

    private ECDsa Private { get; }

    /// <summary>A new key.</summary>
    public static SigningKey Create(DateTimeOffset now) =>
        new(RandomNumberGenerator.GetHexString(16, lowercase: true), now, ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>A key as it was stored.</summary>
    /// <exception cref="CryptographicException">The bytes are no such key.</exception>
    public static SigningKey Read(string id, DateTimeOffset createdAt, ReadOnlySpan<byte> stored)
    {
        ECDsa key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(stored, out _);
        return new SigningKey(id, createdAt, key);
    }

    /// <summary>What to store: PKCS #8.</summary>
    public byte[] Write() => Private.ExportPkcs8PrivateKey();

    /// <summary>Whether it may sign at a moment.</summary>
    public bool MaySign(DateTimeOffset now) => now < CreatedAt + SignsFor;

    /// <summary>Whether what it signed is still accepted at a moment.</summary>
    public bool MayVerify(DateTimeOffset now) => now < CreatedAt + VerifiesFor;
}
