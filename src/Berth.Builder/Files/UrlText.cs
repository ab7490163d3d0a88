namespace Berth.Builder.Files;

/// <summary>Tells what kind of remote source a word names.</summary>
internal static class UrlText
{
    public static bool IsGit(string word) => word.StartsWith("git://", StringComparison.Ordinal)
        || word.StartsWith("git@", StringComparison.Ordinal) || word.StartsWith("ssh://", StringComparison.Ordinal)
        || (HasScheme(word) && Path(word).EndsWith(".git", StringComparison.Ordinal));

    public static bool IsUrl(string word) => HasScheme(word) && !IsGit(word);

    /// <summary>The last part of the path; empty when it ends in a slash.</summary>
    public static string FileName(string url)
    {
        string name = Uri.UnescapeDataString(Path(url)[(Path(url).LastIndexOf('/') + 1)..]);
        return name is "." or ".." || name.Contains('/') || name.Contains('\0') ? "" : name;
    }

    /// <summary>Without user and password, for messages and history.</summary>
    public static string Redact(string word)
    {
        int scheme = word.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0)
            return word;
        int end = word.IndexOf('/', scheme + 3);
        int at = word.LastIndexOf('@', end < 0 ? word.Length - 1 : end);
        return at > scheme ? word[..(scheme + 3)] + word[(at + 1)..] : word;
    }

    private static bool HasScheme(string word) =>
        word.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || word.StartsWith("https://", StringComparison.OrdinalIgnoreCase);

    private static string Path(string url)
    {
        string path = url.Split('#')[0].Split('?')[0];
        int host = path.IndexOf('/', path.IndexOf("://", StringComparison.Ordinal) + 3);
        return host < 0 ? "" : path[host..];
    }
}
