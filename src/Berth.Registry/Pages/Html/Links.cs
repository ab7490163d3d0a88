namespace Berth.Registry.Pages.Html;

/// <summary>The addresses of the pages, each made in one place. Every part is escaped for a path or a query.</summary>
/// <remarks>
/// What belongs to a repository stands after <c>/-/</c>: no segment of a repository's name can be a lone dash, so a name of any depth
/// never hides a page.
/// </remarks>
internal static class Links
{
    public const string Start = "/";
    public const string NewRepository = "/new";
    public const string Search = "/search";
    public const string SignIn = "/signin";
    public const string SignUp = "/signup";
    public const string SignOut = "/signout";
    public const string Setup = "/setup";
    public const string Theme = "/theme";
    public const string Account = "/account";
    public const string Tokens = "/account/tokens";
    public const string Organisations = "/account/organisations";
    public const string Administration = "/admin";

    public static string Repository(string name) => $"/r/{Path(name)}";

    public static string Tags(string name) => $"/r/{Path(name)}/-/tags";

    public static string Tag(string name, string tag) => $"/r/{Path(name)}/-/tags/{Segment(tag)}";

    public static string Image(string name, string digest) => $"/r/{Path(name)}/-/images/{Segment(digest)}";

    public static string Diary(string name, string? tag = null) =>
        tag is null ? $"/r/{Path(name)}/-/diary" : $"/r/{Path(name)}/-/diary/{Segment(tag)}";

    public static string Settings(string name) => $"/r/{Path(name)}/-/settings";

    public static string Owner(string name) => $"/u/{Segment(name)}";

    public static string Organisation(string name) => $"/u/{Segment(name)}/-/people";

    public static string Robots(string organisation) => $"/u/{Segment(organisation)}/-/robots";

    public static string Webhooks(string owner) => $"/u/{Segment(owner)}/-/webhooks";

    public static string Admin(string section) => $"/admin/{Segment(section)}";

    /// <summary>An address with a query made of the pairs that have a value.</summary>
    public static string With(string address, params ReadOnlySpan<(string Name, string? Value)> query)
    {
        System.Text.StringBuilder text = new(address);
        char separator = '?';
        foreach ((string name, string? value) in query)
        {
            if (string.IsNullOrEmpty(value))
                continue;
            text.Append(separator).Append(name).Append('=').Append(Uri.EscapeDataString(value));
            separator = '&';
        }
        return text.ToString();
    }

    /// <summary>True for an address on this hub that a form may lead back to: a path, not another host.</summary>
    public static bool IsLocal(string? address) =>
        address is ['/', ..] and not ['/', '/' or '\\', ..] && !address.AsSpan().ContainsAnyExceptInRange('!', '~')
            && !address.Contains('\\');

    private static string Segment(string text) => Uri.EscapeDataString(text).Replace("%3A", ":", StringComparison.Ordinal);

    private static string Path(string name) => string.Join('/', name.Split('/').Select(Segment));
}
