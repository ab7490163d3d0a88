using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Library = BCrypt.Net.BCrypt;

namespace Berth.Registry.Accounts;

/// <summary>A password's bcrypt hash as <c>htpasswd -B</c> writes it: <c>$2y$10$</c>, 22 characters of salt, 31 of hash. It comes from
/// files of docker-registry; the hub makes none of its own.</summary>
/// <remarks>
/// <c>$2a$</c>, <c>$2b$</c> and <c>$2y$</c> name one computation. Like Apache and docker-registry, bcrypt looks at the first 72 bytes of a
/// password and at no more.
/// </remarks>
internal readonly record struct BcryptHash
{
    /// <summary>Lowest cost that there is.</summary>
    public const int CostMin = 4;

    /// <summary>Highest cost that is taken: each step doubles the time, and 15 is two seconds already, which anybody can ask for
    /// with a guess.</summary>
    public const int CostMax = 15;

    private const int SaltLength = 29;  // With "$2y$10$" before it.
    private const int Length = 60;

    private static readonly System.Buffers.SearchValues<char> s_alphabet = System.Buffers.SearchValues.Create(
        "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");

    private BcryptHash(string text, int cost) => (Text, Cost) = (text, cost);

    /// <summary>All of it.</summary>
    public string Text { get; }

    /// <summary>Two to the power of this many rounds.</summary>
    public int Cost { get; }

    /// <summary>Whether a text is meant to be one.</summary>
    public static bool IsMeant(ReadOnlySpan<char> text) => text is ['$', '2', 'a' or 'b' or 'y', '$', ..];

    /// <summary>Reads one, whatever its cost; false for what is none.</summary>
    public static bool TryParse(string text, out BcryptHash hash)
    {
        hash = default;
        if (text.Length != Length || !IsMeant(text) || text[6] != '$' || text.AsSpan(7).ContainsAnyExcept(s_alphabet)
            || !int.TryParse(text.AsSpan(4, 2), NumberStyles.None, CultureInfo.InvariantCulture, out int cost)
            || cost is < CostMin or > 31)
            return false;
        hash = new BcryptHash(text, cost);
        return true;
    }

    /// <summary>Whether this is a password's hash. A password with a NUL character never is: <c>htpasswd</c> cannot make one, and bcrypt
    /// would take it for another password.</summary>
    public bool IsOf(string password)
    {
        // The salt's last character has bits that count for nothing; only what follows it is compared.
        string computed = Compute(password, Text[..SaltLength]);
        return CryptographicOperations.FixedTimeEquals(
            Encoding.ASCII.GetBytes(computed[SaltLength..]), Encoding.ASCII.GetBytes(Text[SaltLength..]))
            && !password.Contains('\0', StringComparison.Ordinal);
    }

    /// <summary>Does the work of a comparison, for nothing.</summary>
    public static void Spend(string password, int cost) =>
        Compute(password, string.Create(CultureInfo.InvariantCulture, $"$2b${cost:00}$......................"));

    // Through bytes and back, because the library throws for half a surrogate.
    private static string Compute(string password, string salt) =>
        Library.HashPassword(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(password)), salt);
}
