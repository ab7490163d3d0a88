namespace Berth.Registry.Cache;

/// <summary>What a registry asks for with a 401: <c>Bearer realm="…",service="…",scope="…"</c>.</summary>
/// <remarks>RFC 9110, 11.6.1.</remarks>
internal sealed record AuthenticationChallenge(string Scheme, IReadOnlyDictionary<string, string> Parameters)
{
    private const int LengthMax = 4096;

    /// <summary>Reads a header; null: it is not one that is understood.</summary>
    public static AuthenticationChallenge? Parse(string header)
    {
        if (header.Length > LengthMax)
            return null;
        int space = header.IndexOf(' ', StringComparison.Ordinal);
        string scheme = space < 0 ? header : header[..space];
        var parameters = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        ReadOnlySpan<char> rest = space < 0 ? default : header.AsSpan(space + 1);
        while (!(rest = rest.TrimStart(" ,")).IsEmpty)
        {
            int equals = rest.IndexOf('=');
            if (equals <= 0 || !TryValue(rest[(equals + 1)..], out string value, out int length))
                return null;
            parameters[rest[..equals].Trim().ToString()] = value;
            rest = rest[(equals + 1 + length)..];
        }
        return new AuthenticationChallenge(scheme, parameters);
    }

    private static bool TryValue(ReadOnlySpan<char> text, out string value, out int length)
    {
        if (text.IsEmpty || text[0] != '"')
        {
            length = text.IndexOfAny(',', ' ') is >= 0 and int end ? end : text.Length;
            value = text[..length].ToString();
            return true;
        }
        int quote = text[1..].IndexOf('"');
        (value, length) = quote < 0 ? ("", 0) : (text.Slice(1, quote).ToString(), quote + 2);
        return quote >= 0;
    }
}
