using System.Text;

namespace Berth.Cli.Text;

/// <summary>Aligns columns by elastic tab stops, as Go's text/tabwriter does, so that tables look like Docker's.</summary>
/// <remarks>
/// A cell ends with a tab; a column is a run of consecutive lines that have a cell there, and is as wide as its widest cell plus
/// the padding. Text behind a line's last tab belongs to no column.
/// </remarks>
internal sealed class TabWriter(int minWidth, int padding)
{
    private readonly List<string[]> _lines = [];

    /// <summary>The writer of Docker's tables: minimum width 10, padding 3.</summary>
    public static TabWriter ForTable() => new(10, 3);

    public void Line(string text) => _lines.Add(text.Split('\t'));

    public override string ToString()
    {
        StringBuilder output = new();
        int[][] widths = new int[_lines.Count][];
        for (int i = 0; i < widths.Length; i++)
            widths[i] = new int[_lines[i].Length - 1];
        Measure(widths, 0, _lines.Count, 0);
        for (int i = 0; i < _lines.Count; i++)
        {
            string[] cells = _lines[i];
            for (int c = 0; c < cells.Length; c++)
            {
                output.Append(cells[c]);
                if (c < widths[i].Length)
                    output.Append(' ', Math.Max(0, widths[i][c] - Width(cells[c])));
            }
            output.Append('\n');
        }
        return output.ToString();
    }

    private void Measure(int[][] widths, int from, int to, int column)
    {
        for (int i = from; i < to; i++)
        {
            if (column >= widths[i].Length)
                continue;
            int end = i;
            int width = minWidth;
            for (; end < to && column < widths[end].Length; end++)
                width = Math.Max(width, Width(_lines[end][column]) + padding);
            for (int line = i; line < end; line++)
                widths[line][column] = width;
            Measure(widths, i, end, column + 1);
            i = end;
        }
    }

    // Runes, not UTF-16 units, are what Go counts.
    private static int Width(string text)
    {
        int count = 0;
        foreach (Rune _ in text.EnumerateRunes())
            count++;
        return count;
    }
}
