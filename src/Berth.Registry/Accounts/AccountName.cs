using System.Text.RegularExpressions;

namespace Berth.Registry.Accounts;

/// <summary>The name of a user or an organisation, which is the first part of its repositories' names: lower-case letters and
/// digits with single separators between them, 2 to 39 characters.</summary>
public readonly partial record struct AccountName
{
    /// <summary>Shortest name.</summary>
    public const int LengthMin = 2;

    /// <summary>Longest name.</summary>
    public const int LengthMax = 39;

    // Paths of the pages and of the protocols begin with these: an account of that name would stand in their way or mislead.
    private static readonly HashSet<string> s_reserved = new(StringComparer.Ordinal)
    {
        "about", "account", "accounts", "admin", "administrator", "anonymous", "api", "assets", "auth", "berth", "blobs", "catalog",
        "docs", "explore", "health", "help", "hub", "library", "login", "logout", "manifests", "metrics", "new", "null", "oidc",
        "organisations", "organizations", "orgs", "ready", "referrers", "register", "root", "search", "security", "settings", "setup",
        "signin", "signup", "static", "status", "support", "system", "tags", "token", "undefined", "uploads", "user", "users", "v1", "v2",
    };

    private AccountName(string value) => Value = value;

    /// <summary>The text.</summary>
    public string Value { get; }

    /// <summary>Reads a name; false for one that breaks the rule or is reserved.</summary>
    public static bool TryParse(string? text, out AccountName name)
    {
        name = default;
        if (text is null || text.Length is < LengthMin or > LengthMax || !Grammar().IsMatch(text) || s_reserved.Contains(text))
            return false;
        name = new AccountName(text);
        return true;
    }

    /// <exception cref="FaultException">InvalidArgument: it breaks the rule or is reserved.</exception>
    public static AccountName Parse(string text) => TryParse(text, out AccountName name) ? name
        : s_reserved.Contains(text) ? throw FaultException.Invalid($"name {text}: it is reserved")
        : throw FaultException.Invalid(
            $"name {(text.Length > LengthMax ? text[..LengthMax] + "…" : text)}: {LengthMin} to {LengthMax} lower-case letters and "
            + "digits are allowed, with single '.', '_' or '-' between them");

    /// <inheritdoc/>
    public override string ToString() => Value;

    [GeneratedRegex("^[a-z0-9]+(?:[._-][a-z0-9]+)*\\z")]
    private static partial Regex Grammar();
}
