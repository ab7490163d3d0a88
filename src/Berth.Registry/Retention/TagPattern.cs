using Berth.Faults;

namespace Berth.Registry.Retention;

/// <summary>A pattern for tags: <c>*</c> stands for any characters, <c>?</c> for one, everything else for itself.</summary>
public readonly record struct TagPattern
{
    /// <summary>The longest pattern: a tag has 128 characters.</summary>
    public const int CharactersMax = 128;

    private TagPattern(string value) => Value = value;

    /// <summary>The text.</summary>
    public string Value { get; }

    /// <summary>Reads a pattern.</summary>
    /// <exception cref="FaultException">InvalidArgument: empty, too long, or with characters that no tag has.</exception>
    public static TagPattern Parse(string text)
    {
        if (text.Length is 0 or > CharactersMax || !text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-' or '*' or '?'))
        {
            string shown = text.Length > CharactersMax ? text[..CharactersMax] + "…" : text;
            throw FaultException.Invalid(
                $"tag pattern \"{shown}\": 1 to {CharactersMax} letters, digits, '_', '.', '-', '*' and '?' are allowed");
        }
        return new TagPattern(text);
    }

    /// <summary>True when the whole tag fits. Takes at most the product of both lengths, whatever the pattern.</summary>
    public bool Matches(string tag)
    {
        string pattern = Value;
        int p = 0, t = 0, star = -1, resume = 0;
        while (t < tag.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                star = p++;
                resume = t;
            }
            else if (p < pattern.Length && (pattern[p] == '?' || pattern[p] == tag[t]))
            {
                p++;
                t++;
            }
            else if (star >= 0)
            {
                // The last star takes one character more; earlier ones never need to.
                p = star + 1;
                t = ++resume;
            }
            else
            {
                return false;
            }
        }
        while (p < pattern.Length && pattern[p] == '*')
            p++;
        return p == pattern.Length;
    }

    /// <inheritdoc/>
    public override string ToString() => Value;
}
