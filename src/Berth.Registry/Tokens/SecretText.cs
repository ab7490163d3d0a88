using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace Berth.Registry.Tokens;

/// <summary>What a secret made by the hub is for; its prefix says so to people and to scanners for leaked secrets.</summary>
public enum SecretKind
{
    /// <summary>A user's own token, in place of the password.</summary>
    Personal,

    /// <summary>A token of an organisation, for machines.</summary>
    Robot,

    /// <summary>What a client keeps to get new bearer tokens.</summary>
    Refresh,

    /// <summary>A browser's session.</summary>
    Session,

    /// <summary>A one-time invitation.</summary>
    Invitation,

    /// <summary>The one-time link that makes the first administrator.</summary>
    Setup,
}

/// <summary>Secrets that the hub makes: <c>bhp_</c> (by kind), 40 random characters and a check of six.</summary>
/// <remarks>
/// 40 characters out of 62 are 238 random bits, so a plain SHA-256 of it is safe to store: there is nothing to guess. The check
/// lets a mistyped or invented one be refused without asking the database.
/// </remarks>
public static class SecretText
{
    private const int RandomCharacters = 40;
    private const int CheckCharacters = 6;
    private const int PrefixCharacters = 4;
    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    private static readonly SearchValues<char> s_alphabet = SearchValues.Create(Alphabet);

    /// <summary>Length of every secret in characters.</summary>
    public const int Length = PrefixCharacters + RandomCharacters + CheckCharacters;

    /// <summary>A new secret.</summary>
    public static string Create(SecretKind kind)
    {
        string body = PrefixOf(kind) + RandomNumberGenerator.GetString(Alphabet, RandomCharacters);
        return body + CheckOf(body);
    }

    /// <summary>What is stored instead of the secret: SHA-256 in hexadecimal.</summary>
    public static string HashOf(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));

    /// <summary>The kind of a well-formed secret; false for any other text, passwords above all.</summary>
    public static bool TryRead(string? text, out SecretKind kind)
    {
        kind = default;
        if (text is null || text.Length != Length || text.AsSpan(PrefixCharacters).ContainsAnyExcept(s_alphabet))
            return false;
        foreach (SecretKind candidate in Enum.GetValues<SecretKind>())
        {
            if (text.StartsWith(PrefixOf(candidate), StringComparison.Ordinal))
            {
                kind = candidate;
                return text.EndsWith(CheckOf(text[..^CheckCharacters]), StringComparison.Ordinal);
            }
        }
        return false;
    }

    /// <summary>What a list shows of it: enough to tell two apart, useless to sign in.</summary>
    public static string HintOf(string secret) => $"{secret[..PrefixCharacters]}…{secret[^4..]}";

    private static string PrefixOf(SecretKind kind) => kind switch
    {
        SecretKind.Personal => "bhp_",
        SecretKind.Robot => "bhr_",
        SecretKind.Refresh => "bhf_",
        SecretKind.Session => "bhs_",
        SecretKind.Invitation => "bhi_",
        _ => "bha_",
    };

    // A check against mistakes, not a signature: whoever makes secrets up can make it up too.
    private static string CheckOf(string body)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(body), hash);
        return string.Create(CheckCharacters, hash[..CheckCharacters], static (text, bytes) =>
        {
            for (int i = 0; i < text.Length; i++)
                text[i] = Alphabet[bytes[i] % Alphabet.Length];
        });
    }
}
