namespace Berth.Dockerfile.Parsing;

/// <summary>The word that announces a heredoc: <c>[fd]&lt;&lt;[-]NAME</c>, the name perhaps quoted.</summary>
internal readonly record struct HeredocWord(string Name, bool StripTabs, bool Expand)
{
    public static bool TryParse(string word, out HeredocWord heredoc)
    {
        heredoc = default;
        int at = 0;
        while (at < word.Length && char.IsAsciiDigit(word[at]))
            at++;
        if (!word.AsSpan(at).StartsWith("<<"))
            return false;
        string rest = word[(at + 2)..];
        bool stripTabs = rest.StartsWith('-');
        if (stripTabs)
            rest = rest[1..];
        if (rest.Length == 0 || rest.Contains('<'))
            return false;
        string name = Words.Unquote(rest);
        if (name.Length == 0 || name.AsSpan().IndexOfAny(" \t\n") >= 0)
            return false;
        heredoc = new HeredocWord(name, stripTabs, Expand: name == rest);
        return true;
    }
}
