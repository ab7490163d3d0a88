namespace Berth.Registry.Pages.Readmes;

/// <summary>Which addresses of a stranger's text become links, and which of them name something on this hub.</summary>
public static class AddressRules
{
    /// <summary>The longest address that becomes a link.</summary>
    public const int CharactersMax = 2048;

    /// <summary>The address as it may stand in <c>href</c>; null when it must not be a link.</summary>
    /// <remarks>
    /// Allowed are <c>http</c>, <c>https</c> and <c>mailto</c>, and <c>#fragment</c>s, which are moved to the README's own names.
    /// Everything
    /// else is refused, also what only looks relative: a browser drops tabs and line ends before it looks for a scheme.
    /// </remarks>
    public static string? Allow(string? address)
    {
        if (address is null || address.Length is 0 or > CharactersMax || address.Any(c => char.IsControl(c) || char.IsWhiteSpace(c)))
            return null;
        if (address[0] == '#')
            return address.Length > 1 ? "#" + HeadingNames.Prefix + address[1..].ToLowerInvariant() : null;
        return Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) && HasAllowedScheme(address, uri) ? uri.AbsoluteUri : null;
    }

    // The scheme is compared as it is written, too: what the parser of this runtime and a browser's read differently is refused.
    private static bool HasAllowedScheme(string address, Uri uri) => uri.Scheme switch
    {
        "https" => address.StartsWith("https://", StringComparison.OrdinalIgnoreCase) && uri.Host.Length > 0 && uri.UserInfo.Length == 0,
        "http" => address.StartsWith("http://", StringComparison.OrdinalIgnoreCase) && uri.Host.Length > 0 && uri.UserInfo.Length == 0,
        "mailto" => address.StartsWith("mailto:", StringComparison.OrdinalIgnoreCase),
        _ => false,
    };
}
