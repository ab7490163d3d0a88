using System.Text;

namespace Berth.Registry.Tokens;

/// <summary>What an <c>Authorization</c> header holds.</summary>
/// <param name="Name">The user's name; null for a bearer's token.</param>
/// <param name="Secret">The password or token.</param>
public readonly record struct AuthorizationHeader(string? Name, string Secret)
{
    /// <summary>Longest header that is read.</summary>
    public const int LengthMax = BearerTokens.LengthMax + 16;

    /// <summary>Reads <c>Basic</c> (RFC 7617) and <c>Bearer</c> (RFC 6750); false for anything else and for what is malformed.</summary>
    public static bool TryParse(string? text, out AuthorizationHeader header)
    {
        header = default;
        if (text is null || text.Length > LengthMax)
            return false;
        int space = text.IndexOf(' ', StringComparison.Ordinal);
        if (space <= 0)
            return false;
        ReadOnlySpan<char> scheme = text.AsSpan(0, space);
        ReadOnlySpan<char> value = text.AsSpan(space + 1).Trim(' ');
        if (scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase))
        {
            header = new AuthorizationHeader(null, value.ToString());
            return value.Length > 0 && !value.ContainsAnyExceptInRange('!', '~');
        }
        return scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase) && TryParseBasic(value, out header);
    }

    private static bool TryParseBasic(ReadOnlySpan<char> value, out AuthorizationHeader header)
    {
        header = default;
        byte[] bytes = new byte[value.Length];
        if (!Convert.TryFromBase64Chars(value, bytes, out int length))
            return false;
        string pair = Encoding.UTF8.GetString(bytes.AsSpan(0, length));
        int colon = pair.IndexOf(':', StringComparison.Ordinal);
        // An empty name with an empty password is how some clients say that they have none; it is wrong all the same.
        if (colon <= 0 || pair.AsSpan().ContainsAny('\0', '\r', '\n'))
            return false;
        header = new AuthorizationHeader(pair[..colon], pair[(colon + 1)..]);
        return true;
    }
}
