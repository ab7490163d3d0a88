using System.Globalization;
using System.Text;

namespace Berth.Registry.Browsing;

/// <summary>The words of names, descriptions and questions: what stands between all that is no letter or digit, in lower case.</summary>
/// <remarks>
/// Marks that combine with the letter before them (Devanagari's vowels, accents that are characters of their own) belong to its word.
/// Chinese and Japanese are written without spaces: each of their characters is a word, so that a part of a sentence is found, too.
/// </remarks>
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
            int end = EndOf(lower, start);
            if (end > start)
                words.Add(lower[start..Math.Min(end, start + CharactersMax)]);
            start = end > start ? end : start + LengthAt(lower, start);
        }
        return words;
    }

    // Where the word ends that begins here; the same place where none does.
    private static int EndOf(string text, int start)
    {
        int end = start;
        bool isAlone = false;
        while (end < text.Length)
        {
            if (char.IsAscii(text[end]))
            {
                if (isAlone || !char.IsAsciiLetterOrDigit(text[end]))
                    break;
                end++;
                continue;
            }
            if (!Rune.TryGetRuneAt(text, end, out Rune rune))
                break;
            bool isMark = Rune.GetUnicodeCategory(rune)
                is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark;
            if (isMark ? end == start : isAlone || !Rune.IsLetterOrDigit(rune))
                break;
            if (!isMark && IsWrittenWithoutSpaces(rune.Value))
            {
                if (end > start)
                    break;
                isAlone = true;
            }
            end += rune.Utf16SequenceLength;
        }
        return end;
    }

    private static int LengthAt(string text, int at) => Rune.TryGetRuneAt(text, at, out Rune rune) ? rune.Utf16SequenceLength : 1;

    // Unicode's blocks of kana and of ideographs, the latter also of the planes after the first.
    private static bool IsWrittenWithoutSpaces(int character) =>
        character is (>= 0x3040 and <= 0x30FF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x4E00 and <= 0x9FFF) or (>= 0xF900 and <= 0xFAFF)
            or (>= 0x20000 and <= 0x3FFFF);
}
