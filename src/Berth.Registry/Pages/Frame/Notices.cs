namespace Berth.Registry.Pages.Frame;

/// <summary>What a page says after a form did its work. The address carries the word, never the sentence: nobody else can make a
/// page say things.</summary>
internal static class Notices
{
    private static readonly Dictionary<string, string> s_texts = new(StringComparer.Ordinal)
    {
        ["saved"] = "Saved.",
        ["readme"] = "The README is saved.",
        ["visibility"] = "The visibility has changed.",
        ["starred"] = "Starred.",
        ["unstarred"] = "No longer starred.",
        ["undone"] = "The tag is back where it was. The diary has a line about it.",
        ["frozen"] = "The rule is in force.",
        ["thawed"] = "The rule is gone.",
        ["rule"] = "The retention rule is saved. It works from the next run on.",
        ["rule-removed"] = "The retention rule is gone.",
        ["retained"] = "The rules have run.",
        ["deleted"] = "Deleted.",
        ["tag-deleted"] = "The tag is deleted. The diary remembers what it named.",
        ["signed-out"] = "Signed out.",
        ["password"] = "The password has changed. Other browsers are signed out.",
        ["revoked"] = "The token is revoked.",
        ["created"] = "Created.",
        ["removed"] = "Removed.",
        ["collected"] = "The collection has run.",
        ["blocked"] = "The account is blocked.",
        ["unblocked"] = "The account is no longer blocked.",
    };

    /// <summary>The sentence for a word; null for any other text.</summary>
    public static string? Find(string? word) => word is null ? null : s_texts.GetValueOrDefault(word);
}
