using System.Text;

namespace Berth.Registry.Pages.Readmes;

/// <summary>Gives a README's headings names that links inside it can use and that no part of the page around it has.</summary>
internal sealed class HeadingNames
{
    /// <summary>What each name begins with: a stranger's heading never becomes an element that the page's own script looks for.</summary>
    public const string Prefix = "readme-";

    private const int CharactersMax = 80;
    private readonly Dictionary<string, int> _used = new(StringComparer.Ordinal);

    /// <summary>The name of the next heading with this text, in the form that the usual hosts of READMEs make.</summary>
    public string Next(string text)
    {
        StringBuilder name = new();
        foreach (char c in text.ToLowerInvariant().Trim())
        {
            if (name.Length >= CharactersMax)
                break;
            if (char.IsAsciiLetterOrDigit(c) || c is '-' or '_' || (c > '\u007f' && char.IsLetter(c)))
                name.Append(c);
            else if (c == ' ')
                name.Append('-');
        }
        string slug = name.Length == 0 ? "section" : name.ToString();
        int count = _used.GetValueOrDefault(slug);
        _used[slug] = count + 1;
        return Prefix + (count == 0 ? slug : $"{slug}-{count}");
    }
}
