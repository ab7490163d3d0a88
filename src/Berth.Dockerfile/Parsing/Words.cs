using System.Text;

namespace Berth.Dockerfile.Parsing;

/// <summary>Splits an instruction's text into words.</summary>
internal static class Words
{
    /// <summary>Takes the first word off a text, with the blanks after it.</summary>
    public static string TakeKeyword(ref string text)
    {
        int end = 0;
        while (end < text.Length && !char.IsWhiteSpace(text[end]))
            end++;
        string word = text[..end];
        text = text[end..].TrimStart();
        return word;
    }

    /// <summary>Words between blanks; quotes mean nothing.</summary>
    public static IReadOnlyList<string> Split(string text) =>
        text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Words between blanks outside quotes; quotes and escapes stay in the words.</summary>
    public static List<string> SplitQuoted(string text, char escape)
    {
        List<string> words = [];
        int at = 0;
        while (true)
        {
            while (at < text.Length && char.IsWhiteSpace(text[at]))
                at++;
            if (at >= text.Length)
                return words;
            int start = at;
            at = EndOfWord(text, at, escape);
            words.Add(text[start..at]);
        }
    }

    /// <summary>Where a word that begins here ends, blanks within quotes included.</summary>
    public static int EndOfWord(string text, int at, char escape)
    {
        char quote = '\0';
        for (; at < text.Length; at++)
        {
            char c = text[at];
            if (c == escape && quote != '\'' && at + 1 < text.Length)
                at++;
            else if (quote != '\0')
                quote = c == quote ? '\0' : quote;
            else if (c is '\'' or '"')
                quote = c;
            else if (char.IsWhiteSpace(c))
                return at;
        }
        return at;
    }

    /// <summary>A word without its quotes and backslashes.</summary>
    public static string Unquote(string word)
    {
        StringBuilder text = new();
        char quote = '\0';
        for (int i = 0; i < word.Length; i++)
        {
            char c = word[i];
            if (c == '\\' && quote != '\'' && i + 1 < word.Length)
                text.Append(word[++i]);
            else if (quote == '\0' && c is '\'' or '"')
                quote = c;
            else if (c == quote && quote != '\0')
                quote = '\0';
            else
                text.Append(c);
        }
        return text.ToString();
    }
}
