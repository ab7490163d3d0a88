using System.Text;

namespace Berth.Dockerfile;

/// <summary>Renders the lines around a mistake.</summary>
public static class SourceExcerpt
{
    private const int Padding = 3;
    private const int LinesMax = 20;
    private const int WidthMax = 160;
    private const string Rule = "--------------------";

    /// <summary>The lines around a place, the place itself marked by <c>&gt;&gt;&gt;</c>, in BuildKit's form.</summary>
    public static string Render(string fileName, IReadOnlyList<string> lines, SourceRange range)
    {
        int end = Math.Min(Math.Max(range.EndLine, range.StartLine), lines.Count);
        int padding = Math.Max(0, Padding - (end - range.StartLine));
        int first = Math.Max(1, range.StartLine - padding);
        int last = Math.Min(lines.Count, end + padding);
        StringBuilder text = new();
        text.Append(fileName).Append(':').Append(range.StartLine).Append('\n').Append(Rule).Append('\n');
        for (int line = first; line <= last && line < first + LinesMax; line++)
        {
            string mark = line >= range.StartLine && line <= end ? ">>> " : "    ";
            text.Append($"{line,4} | ").Append(mark).Append(Clean(lines[line - 1])).Append('\n');
        }
        return text.Append(Rule).Append('\n').ToString();
    }

    // Control characters of a stranger's text do not reach a terminal.
    private static string Clean(string line)
    {
        string shown = line.Length > WidthMax ? line[..WidthMax] + "…" : line;
        return string.Concat(shown.Select(c => c == '\t' ? ' ' : char.IsControl(c) ? '\uFFFD' : c));
    }
}
