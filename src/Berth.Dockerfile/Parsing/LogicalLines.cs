using System.Text;

namespace Berth.Dockerfile.Parsing;

/// <summary>Joins continued lines, drops comments, and takes in heredocs.</summary>
/// <remarks>Dockerfile reference, "Format" and "Here-documents".</remarks>
internal sealed class LogicalLines(IReadOnlyList<string> lines, char escape, Diagnostics diagnostics)
{
    private static readonly string[] s_heredocInstructions = ["RUN", "COPY", "ADD"];
    private int _next;

    public IEnumerable<LogicalLine> Read()
    {
        while (_next < lines.Count)
        {
            int start = _next;
            string trimmed = lines[_next++].TrimStart();
            if (trimmed.Length == 0 || trimmed[0] == '#')
                continue;
            int column = lines[start].Length - trimmed.Length + 1;
            string text = Join(trimmed, start).TrimEnd();
            if (text.Length == 0)
                continue;
            IReadOnlyList<Heredoc> heredocs = MayHaveHeredoc(text) ? ReadHeredocs(text, start) : [];
            SourceRange range = new(start + 1, column, _next, lines[_next - 1].Length + 1);
            yield return new LogicalLine(text, range, heredocs);
        }
    }

    private string Join(string first, int start)
    {
        StringBuilder text = new();
        bool emptyLine = false;
        bool continues = TakeContinuation(first, out string piece);
        text.Append(piece);
        while (continues && _next < lines.Count)
        {
            string line = lines[_next++];
            string trimmed = line.TrimStart();
            if (trimmed.StartsWith('#'))
                continue;
            if (trimmed.Length == 0)
            {
                emptyLine = true;
                continue;
            }
            continues = TakeContinuation(line, out piece);
            text.Append(piece);
        }
        if (emptyLine)
            diagnostics.Warn(new SourceRange(start + 1, 1, _next, 1), "NoEmptyContinuation", "Empty continuation line");
        return text.ToString();
    }

    // The escape character at the end, blanks after it allowed; doubled it stands for itself.
    private bool TakeContinuation(string line, out string piece)
    {
        piece = line;
        ReadOnlySpan<char> end = line.AsSpan().TrimEnd(" \t");
        if (end.IsEmpty || end[^1] != escape || (end.Length > 1 && end[^2] == escape))
            return false;
        piece = end[..^1].ToString();
        return true;
    }

    private static bool MayHaveHeredoc(string text)
    {
        if (!text.Contains("<<", StringComparison.Ordinal))
            return false;
        string rest = text;
        string keyword = Words.TakeKeyword(ref rest);
        if (keyword.Equals("ONBUILD", StringComparison.OrdinalIgnoreCase))
            keyword = Words.TakeKeyword(ref rest);
        return s_heredocInstructions.Contains(keyword, StringComparer.OrdinalIgnoreCase)
            && JsonWords.TryParse(rest, out _) != JsonOutcome.Strings;
    }

    private List<Heredoc> ReadHeredocs(string text, int start)
    {
        List<Heredoc> heredocs = [];
        foreach (string word in Words.SplitQuoted(text, escape))
        {
            if (HeredocWord.TryParse(word, out HeredocWord announced))
                heredocs.Add(ReadHeredoc(announced, word, start));
        }
        return heredocs;
    }

    private Heredoc ReadHeredoc(HeredocWord announced, string word, int start)
    {
        StringBuilder content = new();
        while (_next < lines.Count)
        {
            string line = announced.StripTabs ? lines[_next].TrimStart('\t') : lines[_next];
            _next++;
            if (line == announced.Name)
                return new Heredoc(announced.Name, content.ToString(), announced.Expand, announced.StripTabs, word);
            content.Append(line).Append('\n');
        }
        diagnostics.Error(new SourceRange(start + 1, 1, start + 1, 1), "unterminated heredoc");
        return new Heredoc(announced.Name, content.ToString(), announced.Expand, announced.StripTabs, word);
    }
}
