namespace Berth.Registry.Browsing;

/// <summary>The words of names, descriptions and questions: what stands between all that is no letter or digit, in lower case.</summary>
internal static class SearchWords
{
    private const int CharactersMax = 64;

    /// <summary>The words of a text, each cut after 64 characters, in their order.</summary>
    public static List<string> Of(string text, int max = int.MaxValue)
    {
        List<string> words = [];
        string lower = text.ToLowerInvariant();
        for (int start = 0; start < lower.Length && words.Count < max;)
        {
            int end = start;
            while (end < lower.Length && char.IsLetterOrDigit(lower[end]))
                end++;
            if (end > start)
                words.Add(lower[start..Math.Min(end, start + CharactersMax)]);
            start = end + 1;
        }
        return words;
    }
}
