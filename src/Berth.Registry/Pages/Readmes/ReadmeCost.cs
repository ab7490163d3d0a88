using System.Buffers;

namespace Berth.Registry.Pages.Readmes;

/// <summary>What it would cost to read a README as Markdown, in steps that are counted before anything is parsed.</summary>
/// <remarks>
/// Within a paragraph a parser looks for the end of each link, emphasis or address that may begin, up to the paragraph's end: its work
/// grows with the marks in it times its length, which a stranger can make billions. No construct reaches over a blank line or into the
/// next item of a list, so the sum over these pieces bounds the whole. Counted, not timed: the same text is always answered alike.
/// </remarks>
internal static class ReadmeCost
{
    /// <summary>The steps above which a README is shown as plain text: about a tenth of a second. A paragraph of ten thousand
    /// characters may have three thousand marks.</summary>
    public const long StepsMax = 32_000_000;

    // The deepest indentation at which "- " begins an item; beyond it the line may go on with a paragraph.
    private const int ItemIndentMax = 3;

    // What begins a link, emphasis, an address or a quotation. "1." is counted by its digit. Other marks cost no search.
    private static readonly SearchValues<char> s_marks = SearchValues.Create("[*_~:>");

    /// <summary>The steps of a text.</summary>
    public static long Of(ReadOnlySpan<char> text)
    {
        (long sum, long marks, long length) = (0, 0, 0);
        foreach (Range range in text.Split('\n'))
        {
            ReadOnlySpan<char> line = text[range];
            if (BeginsPiece(line))
            {
                sum += marks * length;
                (marks, length) = (0, 0);
            }
            marks += MarksOf(line);
            length += line.Length + 1;
        }
        return sum + (marks * length);
    }

    private static long MarksOf(ReadOnlySpan<char> line)
    {
        long count = 0;
        for (int i = 0; i < line.Length; i++)
        {
            if (s_marks.Contains(line[i]) || (char.IsAsciiDigit(line[i]) && line[(i + 1)..] is ['.' or ')', ..]))
                count++;
        }
        return count;
    }

    // Only what begins a piece for every parser of CommonMark: what it does not know makes pieces longer, never shorter.
    private static bool BeginsPiece(ReadOnlySpan<char> line)
    {
        ReadOnlySpan<char> rest = line.TrimEnd('\r').TrimStart(" \t");
        if (rest.IsEmpty)
            return true;
        ReadOnlySpan<char> item = line.TrimStart(' ');
        return line.Length - item.Length <= ItemIndentMax && item is ['-' or '*' or '+', ' ', .. var content] && !content.IsWhiteSpace();
    }
}
