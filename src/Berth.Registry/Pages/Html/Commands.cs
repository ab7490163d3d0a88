namespace Berth.Registry.Pages.Html;

/// <summary>Commands that a reader copies into a shell.</summary>
internal static class Commands
{
    /// <summary>A command in a box; the script adds a button that copies it.</summary>
    public static Markup Box(string command) => Markup.Of($"""<div class="command"><code>{command}</code></div>""");

    /// <summary>The same command for both clients.</summary>
    public static Markup Both(string command) => Markup.Of($"{Box($"docker {command}")}{Box($"berth {command}")}");

    /// <summary>The same pull for both clients.</summary>
    public static Markup Pull(string host, string repository, string reference)
    {
        string separator = reference.Contains(':') ? "@" : ":";
        string name = $"{host}/{repository}{separator}{reference}";
        return Both($"pull {name}");
    }

    /// <summary>An artifact's name: what is no image no container engine pulls, whoever made it has a client of its own.</summary>
    public static Markup Artifact(string host, string repository, string reference) => Markup.Of($"""
        <p class="hint">Not an image of a container. Clients of its kind fetch it by this name:</p>
        {Box($"{host}/{repository}{(reference.Contains(':') ? "@" : ":")}{reference}")}
        """);

    /// <summary>A digest, short, with the whole of it for those who point at it and for those who listen.</summary>
    public static Markup Digest(string digest, string? address = null)
    {
        int colon = digest.IndexOf(':');
        string brief = digest.Length > colon + 13 ? digest[..(colon + 13)] : digest;
        return address is null
            ? Markup.Of($"""<span class="digest" title="{digest}">{brief}</span>""")
            : Markup.Of($"""<a class="digest" href="{address}" title="{digest}">{brief}</a>""");
    }
}
